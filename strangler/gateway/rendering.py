"""Renders the routes file into plain nginx configuration."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from strangler.gateway.settings import GatewaySettings
from strangler.routes.checks import GATEWAY_LOCATIONS
from strangler.routes.route import Api, Resource, Route, Stack, Throttle
from strangler.routes.table import RouteTable

TEMPLATES = Path(__file__).parents[2] / "nginx" / "templates"
MAIN_FILE = "nginx.conf"
# http.conf includes the others, so it is the last to be put in place: where it is, all are.
INCLUDED_FILES = ("proxy.conf", "errors.conf", "routes.conf", "http.conf")
_TEMPORARY = ("body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, kw_only=True)
class _Location:
    """A resource as the template needs it: `variable` is nginx's name of "the route at this path"."""

    path: str
    pattern: str | None
    static_prefix: str
    routes: tuple[Route, ...]
    variable: str
    throttle: Throttle | None
    streaming: bool


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The locations that are found by a regular expression below one static prefix.

    nginx looks no further than the longest prefix, so the patterns of a shorter one (`/posts/{id}/`) are here too
    (below `/posts/recent/`). `bare` answers the prefix itself without a slash, where a pattern matches it.
    """

    prefix: str
    resources: tuple[_Location, ...]
    bare: _Location | None
    is_resource: bool


def render_gateway(table: RouteTable, settings: GatewaySettings) -> dict[str, str]:
    """The configuration files, by name; the same table and settings always give the same text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - nginx configuration, no HTML; every value is checked on load
    )
    context = _context(table) | vars(settings)
    names = (MAIN_FILE, *INCLUDED_FILES) if settings.main_file else INCLUDED_FILES
    return {name: environment.get_template(f"{name}.j2").render(context) for name in names}


def write_gateway(folder: Path, table: RouteTable, settings: GatewaySettings) -> None:
    """Renders into `folder` and makes the folders that a rendered main file wants beside it.

    Nothing is replaced before everything is written, so a failure leaves what was there.
    """
    rendered = render_gateway(table, settings)
    folder.mkdir(parents=True, exist_ok=True)
    if settings.main_file:
        for name in _TEMPORARY:
            (folder / "temp" / name).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".new-") as draft:
        for name, text in rendered.items():
            Path(draft, name).write_text(text, encoding="utf-8")
        for name in rendered:
            Path(draft, name).replace(folder / name)


def _context(table: RouteTable) -> dict[str, object]:
    locations = _locations(table)
    answers = list(_answers(table))
    return {
        "apis": tuple(Api),
        "answers": answers,
        "width": max((len(f"{api} {name}") for api, name, _ in answers), default=0) + 2,
        "fixed": table.fixed,
        "groups": _groups(locations),
        "resources": locations,
        "retry_after": _retry_after(locations),
        "throttles": table.throttles,
        "unrouted": [location for location in GATEWAY_LOCATIONS if location not in _routed(table)],
    }


def _routed(table: RouteTable) -> set[str]:
    return {location for resource in table.resources for location in resource.locations(Api.V2)}


def _answers(table: RouteTable) -> Iterable[tuple[Api, str, Stack]]:
    """Who answers which route under which API, and the path's other methods."""
    for api in Api:
        for resource in table.resources:
            for route in resource.routes:
                yield api, route.name, route.stage.answers(api)
            yield api, resource.path, resource.other_methods(api)
    for entry in table.fixed:
        yield (Api.V2 if entry.path.startswith(Api.V2.prefix + "/") else Api.V1), entry.name, entry.stack


def _locations(table: RouteTable) -> tuple[_Location, ...]:
    throttles = {throttle.name: throttle for throttle in table.throttles}
    taken: set[str] = set()
    return tuple(
        _Location(
            path=resource.path,
            pattern=resource.pattern,
            static_prefix=resource.static_prefix,
            routes=resource.routes,
            variable=_variable(resource, taken),
            throttle=throttles.get(resource.routes[0].throttle or ""),
            streaming=resource.routes[0].streaming,
        )
        for resource in table.resources
    )


def _variable(resource: Resource, taken: set[str]) -> str:
    """A variable named after the path; `/a-b/` and `/a_b/` still get two."""
    base = name = "$route_at_" + re.sub(r"[^a-z0-9]+", "_", resource.path.lower()).strip("_")
    number = 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _groups(locations: tuple[_Location, ...]) -> tuple[_Group, ...]:
    patterned = [location for location in locations if location.pattern]
    compiled = [(location, re.compile(location.pattern or "")) for location in patterned]
    paths = {location.path for location in locations}
    return tuple(
        _Group(
            prefix=prefix,
            resources=tuple(_reaching(prefix, patterned)),
            bare=next((entry for entry, pattern in compiled if pattern.fullmatch(prefix)), None),
            is_resource=f"{prefix}/" in paths,
        )
        for prefix in dict.fromkeys(location.static_prefix for location in patterned)
    )


def _reaching(prefix: str, patterned: list[_Location]) -> list[_Location]:
    """The locations that may match below `prefix`, those with the longest static part first."""
    reaching = [location for location in patterned if f"{prefix}/".startswith(f"{location.static_prefix}/")]
    return sorted(reaching, key=lambda location: -len(location.static_prefix))


def _retry_after(locations: tuple[_Location, ...]) -> list[tuple[str, int]]:
    throttled = [(location, location.throttle) for location in locations if location.throttle]
    return [
        (name, throttle.retry_after)
        for location, throttle in throttled
        for name in (location.path, *(route.name for route in location.routes))
    ]
