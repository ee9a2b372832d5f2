"""Endpoints of Django become routes: names that are stable and never collide, and a file that keeps the team's text."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from strangler.adoption.endpoints import DjangoEndpoint, EndpointParameter
from strangler.adoption.route_sync import MARK, RouteSync, new_routes_file, sync_routes
from strangler.project import project_parse
from strangler.routes.prefixes import Prefixes
from strangler.routes.table import parse_routes

PREFIXES = Prefixes(v1="/api", v2="/api/v2", django="/api", fastapi="/api/v2")
FILE = """\
# Ours.

[[route]]
name = "posts.all"  # the first that we had
methods = ["GET"]
path = "/posts/"
stage = "canary"
percent = 5

# ---- health

[[fixed]]
name = "django.health"
path = "/api/health/"
stack = "django"
"""


def endpoint(method: str, path: str, action: str | None = None, *, kind: str = "str") -> DjangoEndpoint:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    patterns = {"path": ".+", "str": "[^/]+", "int": "[0-9]+"}
    return DjangoEndpoint(
        path=f"/api{path}",
        method=method,
        kind="view",
        view="shop.views.View",
        action=action,
        parameters=tuple(EndpointParameter(name=name, kind=kind, pattern=patterns[kind]) for name in names),
    )


def synced(*endpoints: DjangoEndpoint, text: str = FILE) -> RouteSync:
    found = sync_routes(text, parse_routes(text, source="routes.toml", prefixes=PREFIXES), endpoints)
    parse_routes(found.text, source="routes.toml", prefixes=PREFIXES)
    return found


def added(*endpoints: DjangoEndpoint) -> dict[str, str]:
    return {new.name: f"{' '.join(new.methods)} {new.path}" for new in synced(*endpoints).added}


def test_what_is_named_already_is_left_alone() -> None:
    found = synced(endpoint("GET", "/posts/", "list"), endpoint("GET", "/health/"))
    assert (found.added, found.vanished, found.text) == ((), (), FILE)


def test_a_new_route_stands_behind_the_others_and_the_rest_stays() -> None:
    found = synced(endpoint("GET", "/posts/", "list"), endpoint("POST", "/posts/", "create"))
    before, behind = FILE.split("\n# ---- health")
    new = '\n[[route]]\nname = "posts.create"\nmethods = ["POST"]\npath = "/posts/"\nstage = "legacy"\n'
    assert found.text == f"{before}{new}\n# ---- health{behind}"
    assert (
        synced(endpoint("GET", "/posts/", "list"), endpoint("POST", "/posts/", "create"), text=found.text).added == ()
    )


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_file_of_windows_and_one_without_a_last_line_end_are_kept(end: str) -> None:
    text = FILE.split("\n# ---- health")[0].rstrip("\n").replace("\n", "\r\n") + end.replace("\n", "\r\n")
    found = synced(endpoint("GET", "/posts/"), endpoint("GET", "/tags/"), text=text)
    assert found.text.startswith(text)
    assert found.text.count("\n") == found.text.count("\r\n")


def test_actions_name_routes_and_one_route_has_the_methods_of_an_action() -> None:
    assert added(
        endpoint("GET", "/tags/{pk}/", "retrieve"),
        endpoint("PATCH", "/tags/{pk}/", "partial_update"),
        endpoint("PUT", "/tags/{pk}/", "update"),
        endpoint("DELETE", "/tags/{pk}/", "destroy"),
        endpoint("POST", "/tags/{pk}/merge/", "merge"),
        endpoint("PATCH", "/users/me/", "me_update"),
        endpoint("POST", "/log-in/"),
        endpoint("GET", "/sso/saml2/metadata"),
        endpoint("GET", "/", "list"),
    ) == {
        "tags.retrieve": "GET /tags/{pk}/",
        "tags.update": "PUT PATCH /tags/{pk}/",
        "tags.delete": "DELETE /tags/{pk}/",
        "tags.merge": "POST /tags/{pk}/merge/",
        "users.me_update": "PATCH /users/me/",
        "log_in.post": "POST /log-in/",
        "sso.saml2.metadata": "GET /sso/saml2/metadata/",
        "root.list": "GET /",
    }


def test_names_never_collide() -> None:
    found = added(
        endpoint("GET", "/tags/{pk}/", "list"),
        endpoint("GET", "/tags/", "list"),
        endpoint("GET", "/{org}/tags/", "list"),
        endpoint("GET", "/posts/{pk}/all/", "list"),
        endpoint("GET", "/posts/all/", "all"),
    )
    assert len(found) == 5
    assert {"tags.list", "tags.list_by_pk", "tags.list_by_org", "posts.all.list"} <= set(found)


def test_variables_of_one_path_are_written_alike() -> None:
    found = added(endpoint("GET", "/users/{userId}/"), endpoint("PUT", "/users/{pk2}", "update"))
    assert set(found.values()) == {"GET /users/{user_id}/", "PUT /users/{user_id}/"}


def test_what_no_route_can_name_stays_with_django() -> None:
    found = synced(
        endpoint("GET", "/posts/"),
        endpoint("GET", "/files/{name}.json"),
        endpoint("GET", "/raw/{rest}/", kind="path"),
        endpoint("GET", "/größe/"),
    )
    assert [each.path for each in found.unroutable] == ["/api/files/{name}.json", "/api/raw/{rest}/", "/api/größe/"]
    assert found.added == ()


@pytest.mark.parametrize(
    "view",
    [
        "drf_yasg.views.get_schema_view.<locals>.SchemaView",
        "drf_spectacular.views.SpectacularSwaggerView",
        "rest_framework.schemas.views.SchemaView",
    ],
)
def test_a_page_of_the_document_is_no_route_and_one_that_is_named_stays(view: str) -> None:
    redoc = endpoint("GET", "/redoc/").model_copy(update={"view": view})
    found = synced(endpoint("GET", "/posts/"), redoc)
    assert (found.added, found.vanished, found.unroutable) == ((), (), ())
    named = FILE.replace('path = "/posts/"', 'path = "/redoc/"')
    assert synced(redoc, text=named).text == named


def test_a_vanished_endpoint_is_marked_once_and_unmarked_when_it_returns() -> None:
    text = FILE.replace('stage = "canary"\npercent = 5\n', 'stage = "legacy"\n')
    other = endpoint("GET", "/tags/", "list")
    gone = synced(other, text=text)
    assert [route.name for route in gone.vanished] == ["posts.all"]
    assert gone.text.splitlines()[2:4] == [MARK, "[[route]]"]
    again = synced(other, text=gone.text)
    assert (again.text, len(again.vanished)) == (gone.text, 1)
    back = synced(other, endpoint("GET", "/posts/", "list"), text=gone.text)
    assert MARK not in back.text
    assert [route.name for route in back.returned] == ["posts.all"]


def test_a_route_that_moved_does_not_vanish_with_its_code_in_django() -> None:
    assert synced(endpoint("GET", "/tags/")).vanished == ()


def new_file(*, prefix: str, health: str, openapi: str = "/api/schema/", paths: Sequence[str] = ()) -> str:
    text = f"""
        name = "harbour"
        api = {{ v1 = "{prefix}", v2 = "/v2" }}
        files = {{ routes = "routes.toml", contract = "contract.json", consumer = "consumer.json" }}
        django = {{ address = "http://127.0.0.1:8000", health = "{health}", openapi = "{openapi}" }}
        fastapi = {{ address = "http://127.0.0.1:9000", health = "/v2/ready" }}
        database = {{ fastapi_role = "harbour" }}
    """
    written, _ = new_routes_file(project_parse(text, file=Path("/nowhere/strangler.toml")), paths)
    assert "fastapi.health" in written
    return written


def test_a_document_that_a_query_asks_for_is_a_fixed_path() -> None:
    assert 'path = "/swagger/"' in new_file(prefix="/", health="/", openapi="/swagger/?format=openapi")


def test_a_health_check_at_the_root_of_a_site_is_no_fixed_path() -> None:
    assert "django.health" not in new_file(prefix="/", health="/")


@pytest.mark.parametrize("health", ["/api/", "/api/ships/", "/api/ships"])
def test_a_health_check_that_has_endpoints_below_it_is_no_fixed_path(health: str) -> None:
    assert "django.health" not in new_file(prefix="/api", health=health, paths=["/api/ships/", "/api/ships/{id}/"])


@pytest.mark.parametrize("health", ["/api/health/", "/api/ship/"])
def test_a_health_check_of_its_own_is_a_fixed_path(health: str) -> None:
    assert "django.health" in new_file(
        prefix="/api", health=health, paths=["/api/health/", "/api/ships/", "/api/ships/{id}/"]
    )
