"""What is rendered for a cluster, read as the cluster would: manifests, and where a Gateway sends a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import yaml

from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.rendering import Mode, RenderedCluster, render_cluster
from strangler.project import Project, project_load
from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable
from tests.example import EXAMPLE, ROOT

SHOP: Final = project_load(ROOT / "tests" / "second_project" / "strangler.toml")
PROJECTS: Final = {"example": EXAMPLE, "shop": SHOP}


def project_with(project: Project, **changes: Any) -> Project:
    """The project with changes to its `[kubernetes]`; a dictionary changes keys of a table below it."""
    assert project.kubernetes is not None
    table = project.kubernetes
    merged = {
        name: getattr(table, name).model_copy(update=change) if isinstance(change, dict) else change
        for name, change in changes.items()
    }
    return project.model_copy(update={"kubernetes": table.model_copy(update=merged)})


def table_at(project: Project, stage: Stage, percent: float | None = None) -> RouteTable:
    """The project's routes, all at one stage."""
    table = project.load_routes()
    return replace(table, routes=tuple(replace(route, stage=stage, percent=percent) for route in table.routes))


def table_with(project: Project, *names: str, **fields: Any) -> RouteTable:
    """The project's routes with other fields of some of them."""
    table = project.load_routes()
    return replace(table, routes=tuple(replace(r, **fields) if r.name in names else r for r in table.routes))


def rendered(project: Project, mode: Mode = Mode.NGINX, table: RouteTable | None = None) -> RenderedCluster:
    """The project's manifests."""
    name = next((name for name, each in PROJECTS.items() if each is project and table is None), None)
    return _deployed(name, mode) if name else render_cluster(project, table or project.load_routes(), mode)


@cache
def _deployed(name: str, mode: Mode) -> RenderedCluster:
    return render_cluster(PROJECTS[name], PROJECTS[name].load_routes(), mode)


def manifests(texts: Mapping[str, str]) -> list[Manifest]:
    """All manifests of the files."""
    return [each for _, text in sorted(texts.items()) for each in yaml.load_all(text, yaml.CSafeLoader)]


def of_kind(found: Iterable[Manifest], kind: str, name: str = "") -> list[Manifest]:
    """Those of a kind whose name begins with `name`."""
    return [each for each in found if each["kind"] == kind and each["metadata"]["name"].startswith(name)]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Where a Gateway sends a request: weights by backend, the path that each gets, headers that it sets."""

    weights: dict[str, int]
    paths: dict[str, str]
    headers: dict[str, str]
    rule: Manifest


def gateway_send(routes: Iterable[Manifest], method: str, path: str, *, stack: str = "") -> Sent:
    """What the Gateway API asks of each implementation: the most specific match, then the filters."""
    found = [
        (rank, rule, match)
        for route in routes
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
        if (rank := _rank(match, method, path, stack)) is not None
    ]
    assert found, f"{method} {path} fits no rule"
    best = max(rank for rank, _, _ in found)
    (rule, match), *others = [(rule, match) for rank, rule, match in found if rank == best]
    assert not others, f"{method} {path} fits two rules as well"
    paths = {each["name"]: _rewritten(path, match, rule, each) for each in rule["backendRefs"]}
    headers = [f for each in (rule, *rule["backendRefs"]) for f in each.get("filters", ())]
    return Sent(
        weights={each["name"]: each["weight"] for each in rule["backendRefs"]},
        paths=paths,
        headers={
            header["name"]: header["value"]
            for each in headers
            if each["type"] == "ResponseHeaderModifier"
            for header in each["responseHeaderModifier"]["set"]
        },
        rule=rule,
    )


def _rank(match: Manifest, method: str, path: str, stack: str) -> tuple[bool, int, bool, int] | None:
    """How specific a match is (HTTPRouteRule.matches: exact, longest, method, headers); None if it doesn't fit."""
    kind, value = match["path"]["type"], match["path"]["value"]
    fits = path == value if kind == "Exact" else f"{path}/".startswith(f"{value.rstrip('/')}/")
    headers = match.get("headers", [])
    if not fits or match.get("method", method) != method or any(each["value"] != stack for each in headers):
        return None
    return kind == "Exact", len(value), "method" in match, len(headers)


def _rewritten(path: str, match: Manifest, rule: Manifest, backend: Manifest) -> str:
    for each in (*rule.get("filters", ()), *backend.get("filters", ())):
        if each["type"] == "URLRewrite":
            change = each["urlRewrite"]["path"]
            if change["type"] == "ReplaceFullPath":
                return str(change["replaceFullPath"])
            below = path.removeprefix(match["path"]["value"].rstrip("/"))
            return change["replacePrefixMatch"].rstrip("/") + below or "/"
    return path


def requested_path(route: Route) -> str:
    """A path below the API's prefix that the route answers."""
    return "/".join("7" if part.startswith("{") else part for part in route.path.split("/"))
