"""HTTPRoutes send each request where nginx would; what they can't say is refused, in a sentence."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from strangler.errors import UsageError
from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.rendering import Mode
from strangler.project import Project
from strangler.routes.route import Api, Stack, Stage
from strangler.routes.table import RouteTable
from tests.clusters import (
    PROJECTS,
    SHOP,
    gateway_send,
    manifests,
    of_kind,
    project_with,
    rendered,
    requested_path,
    table_at,
    table_with,
)
from tests.example import EXAMPLE


def reads_at(project: Project, stage: Stage) -> RouteTable:
    table = project.load_routes()
    return replace(table, routes=tuple(replace(r, stage=stage) if r.safe else r for r in table.routes))


TABLES = {
    "as deployed": lambda project: project.load_routes(),
    "legacy": lambda project: table_at(project, Stage.LEGACY),
    "migrated": lambda project: table_at(project, Stage.MIGRATED),
    "reads migrated": lambda project: reads_at(project, Stage.MIGRATED),
}


def http_routes(project: Project, table: RouteTable) -> list[Manifest]:
    return of_kind(manifests(rendered(project, Mode.GATEWAY_API, table).base), "HTTPRoute")


def refused(project: Project, table: RouteTable) -> str:
    with pytest.raises(UsageError) as caught:
        http_routes(project, table)
    return str(caught.value)


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_each_route_is_answered_as_the_routes_file_says(project: Project, table: Any) -> None:
    found, prefixes, routes = table(project), project.prefixes, http_routes(project, table(project))
    for api in Api:
        for route in found.routes:
            for method in route.served_methods:
                for path in dict.fromkeys((requested_path(route), requested_path(route)[:-1])):
                    sent = gateway_send(routes, method, prefixes.of(api) + path or "/")
                    stack = Stack(route.stage.answers(api))
                    assert sent.weights == {stack: 1}, (api, route.name, method, path)
                    assert sent.paths == {stack: prefixes.upstream(stack) + path}
                    assert sent.headers["X-Served-By"] == stack


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_methods_and_paths_that_no_route_names(project: Project) -> None:
    table = project.load_routes()
    routes, prefixes = http_routes(project, table), project.prefixes
    for api in Api:
        for resource in table.resources:
            expected = resource.other_methods(api)
            if resource.pattern is None:
                sent = gateway_send(routes, "OPTIONS", prefixes.of(api) + resource.path)
                assert sent.weights == {expected: 1}, resource.path
        sent = gateway_send(routes, "GET", f"{prefixes.of(api)}/nobody/knows/it")
        assert sent.paths == {"django": f"{prefixes.django}/nobody/knows/it"}
    for entry in table.fixed:
        below = "x/y" if entry.path.endswith("/") else ""
        sent = gateway_send(routes, "GET", entry.path + below)
        split = prefixes.split(entry.path)
        own = prefixes.upstream(entry.stack) + split[1] if split else entry.path
        assert sent.paths == {entry.stack: own + below}, entry.name


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_a_rule_that_replaces_a_prefix_has_one_match(project: Project) -> None:
    """The API server's own rule, which no schema says (x-kubernetes-validations)."""
    for table in (project.load_routes(), reads_at(project, Stage.MIGRATED)):
        rules = [rule for route in http_routes(project, table) for rule in route["spec"]["rules"]]
        replaced = [rule for rule in rules if "ReplacePrefixMatch" in str(rule)]
        assert replaced
        assert {len(rule["matches"]) for rule in replaced} == {1}
        assert {rule["matches"][0]["path"]["type"] for rule in replaced} == {"PathPrefix"}


def test_a_canary_is_weights_where_both_stacks_have_one_path() -> None:
    project, table = SHOP, table_with(SHOP, "products.list", stage=Stage.CANARY, percent=12.5)
    sent = gateway_send(http_routes(project, table), "GET", "/products/")
    assert sent.weights == {"django": 7, "fastapi": 1}
    assert sent.paths == {"django": "/products/", "fastapi": "/products/"}
    assert "X-Served-By" not in sent.headers
    notes = rendered(project, Mode.GATEWAY_API, table).notes
    assert "percent of products.list: of the requests, not of the callers." in notes
    says = gateway_send(http_routes(project_with(project, backend_filters="headers"), table), "GET", "/products/")
    assert [each["filters"][0]["responseHeaderModifier"]["set"] for each in says.rule["backendRefs"]] == [
        [{"name": "X-Served-By", "value": "django"}],
        [{"name": "X-Served-By", "value": "fastapi"}],
    ]


def test_a_shadow_is_mirrored_where_fastapi_has_the_path_of_django() -> None:
    table = table_with(SHOP, "products.list", stage=Stage.PARALLEL, shadow=2.5)
    routes = http_routes(project_with(SHOP, mirror=True), table)
    [mirror] = [f for f in gateway_send(routes, "GET", "/products/").rule["filters"] if f["type"] == "RequestMirror"]
    assert mirror["requestMirror"]["fraction"] == {"numerator": 250, "denominator": 10_000}
    copied = gateway_send(http_routes(SHOP, table_at(SHOP, Stage.MIGRATED)), "GET", "/products/").rule["backendRefs"][0]
    assert mirror["requestMirror"]["backendRef"] == {name: copied[name] for name in ("name", "port")}
    table_of_two = table_with(EXAMPLE, "feed.list", stage=Stage.PARALLEL, shadow=2.5)
    for found, sent in (
        (routes, ("POST", "/products/")),
        (routes, ("GET", "/products/1/")),
        (http_routes(SHOP, table), ("GET", "/products/")),
        (http_routes(project_with(EXAMPLE, mirror=True), table_of_two), ("GET", "/api/feed/")),
    ):
        assert "RequestMirror" not in [each["type"] for each in gateway_send(found, *sent).rule["filters"]]
    notes = rendered(project_with(SHOP, mirror=True), Mode.GATEWAY_API, table).notes
    assert "shadow of products.list: no answers are compared." in notes


def test_a_canary_of_two_paths_is_refused_unless_the_gateway_rewrites_by_backend() -> None:
    table = table_with(EXAMPLE, "feed.list", stage=Stage.CANARY, percent=10)
    assert "feed.list is a canary, and its path is another one for each stack" in refused(EXAMPLE, table)
    sent = gateway_send(http_routes(project_with(EXAMPLE, backend_filters="all"), table), "GET", "/api/feed/")
    assert sent.weights == {"django": 9, "fastapi": 1}
    assert sent.paths == {"django": "/api/feed/", "fastapi": "/api/v2/feed/"}


def test_what_is_gone_and_what_differs_below_a_name_is_refused() -> None:
    retired = table_with(EXAMPLE, "feed.list", stage=Stage.RETIRED)
    assert refused(EXAMPLE, retired).startswith("feed.list is retired, and no HTTPRoute answers 410")
    apart = table_with(EXAMPLE, "users.posts", stage=Stage.MIGRATED)
    assert refused(EXAMPLE, apart).startswith("users.retrieve and users.posts both answer GET below /api/users/,")
    assert "set gateway" in refused(project_with(EXAMPLE, gateway=""), EXAMPLE.load_routes())


def test_x_stack_chooses_where_the_project_says_so() -> None:
    table = EXAMPLE.load_routes()
    routes = http_routes(project_with(EXAMPLE, stack_header=True), table)
    chosen = gateway_send(routes, "GET", "/api/posts/7/", stack="fastapi")
    assert chosen.paths == {"fastapi": "/api/v2/posts/7/"}
    assert gateway_send(routes, "GET", "/api/posts/7/").paths == {"django": "/api/posts/7/"}
    assert gateway_send(http_routes(EXAMPLE, table), "GET", "/api/feed/", stack="fastapi").weights == {"django": 1}


def test_v1_says_when_it_ends_and_a_stream_has_no_end() -> None:
    table = table_with(EXAMPLE, "feed.list", deprecated=dt.date(2026, 11, 1), sunset=dt.date(2027, 1, 31))
    routes = http_routes(EXAMPLE, table)
    sent = gateway_send(routes, "GET", "/api/feed/")
    assert sent.headers["Deprecation"] == "@1793491200"
    assert sent.headers["Sunset"] == "Sun, 31 Jan 2027 00:00:00 GMT"
    assert "Deprecation" not in gateway_send(routes, "GET", "/api/v2/feed/").headers
    assert gateway_send(routes, "GET", "/api/v2/events/").rule["timeouts"] == {"request": "0s"}


def test_routes_of_many_rules_are_split_and_names_stay_apart() -> None:
    shares = {"POST": 40, "PUT": 20, "PATCH": 20, "DELETE": 30}
    table = EXAMPLE.load_routes()
    moved = tuple(replace(r, stage=Stage.CANARY, percent=shares.get(r.methods[0], 10)) for r in table.routes)
    project = project_with(EXAMPLE, stack_header=True, backend_filters="all")
    routes = http_routes(project, replace(table, routes=moved))
    assert max(len(route["spec"]["rules"]) for route in routes) == 16
    names = [route["metadata"]["name"] for route in routes]
    assert len(set(names)) == len(names)
    assert {"below-v1-posts", "below-v1-posts.2"} <= {*names}
    assert gateway_send(routes, "DELETE", "/api/posts/7/").weights == {"django": 7, "fastapi": 3}
