"""Renders the routes file into plain nginx configuration."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from strangler.gateway.maps import (
    answers_map,
    canary_percents,
    fixed_apis,
    gone_apis,
    limited_names,
    map_sizes,
    moves_context,
    routed_locations,
    routes_map,
    width_of,
)
from strangler.gateway.paths import shapes_of, static_paths
from strangler.gateway.settings import GatewaySettings
from strangler.routes.route import Api
from strangler.routes.table import RouteTable

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATE_FOLDER = Path(__file__).with_name("templates")
MAIN_FILE = "nginx.conf"
_TEMPLATES = (
    MAIN_FILE,
    "proxy.conf",
    "pass.conf",
    "errors.conf",
    "fallback.conf",
    "moves.conf",
    "routes.conf",
    "http.conf",
)
_SCRIPTS = ("caller.js", "ejection.js", "samples.js")
FILES = (*_TEMPLATES, *_SCRIPTS)
# Read at once: a process keeps those that it began with, since its code does not know what newer ones want.
_TEXTS: Final = {
    name: (_TEMPLATE_FOLDER / name).read_text(encoding="utf-8")
    for name in (*(f"{template}.j2" for template in _TEMPLATES), *_SCRIPTS)
}
_VERSION_LENGTH = 12
_ELSEWHERE_LENGTH = 4


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """nginx's files by name; `version` tells them from all others, and is what the gateway answers when it is asked."""

    version: str
    files: dict[str, str]


def render_gateway(table: RouteTable, settings: GatewaySettings) -> Rendered:
    """The configuration; the same table and settings always give the same text and so the same version.

    Where a deploy has a stack's requests sent elsewhere, the version says so after that of its own addresses:
    `3f1a…-9c2e`.
    """
    version = _version(_files(table, settings, version=""))
    if settings.elsewhere:
        settings = settings.moved
        version = f"{version}-{_version(_files(table, settings, version=''))[:_ELSEWHERE_LENGTH]}"
    return Rendered(version=version, files=_files(table, settings, version=version))


def own_version(version: str) -> str:
    """The version of the same routes and settings with the stacks at their own addresses."""
    return version.partition("-")[0]


def _files(table: RouteTable, settings: GatewaySettings, *, version: str) -> dict[str, str]:
    shown = table.without_django if settings.without_django else table
    asides = [(f"{method} {probe}", "_aside") for probe in settings.probes for method in ("GET", "HEAD")]
    context = _context(shown if settings.shadow_server else shown.without_shadow, asides) | vars(settings)
    context |= {"homes": dict(settings.homes), "has_queries": any("?" in probe for probe in settings.probes)}
    texts = {name: _environment().get_template(f"{name}.j2").render(context, version=version) for name in _TEMPLATES}
    return texts | {name: _TEXTS[name] for name in _SCRIPTS}


@cache
def _environment() -> "Environment":
    """The templates, compiled at first use: a switch renders several times."""
    # Imported here, since the supervisor has its start render in a process of its own: it saves 3 MiB.
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader(_TEXTS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        autoescape=False,  # noqa: S701 - nginx configuration, no HTML; every value is checked on load
    )
    environment.globals["width_of"] = width_of
    return environment


def _version(files: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in files.items():
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:_VERSION_LENGTH]


def _context(table: RouteTable, asides: list[tuple[str, str]]) -> dict[str, object]:
    methods, answers, prefixes = routes_map(table), answers_map(table), table.prefixes
    routes: dict[str, object] = {
        "answers": answers,
        "api_pattern": prefixes.pattern,
        "asides": asides,
        "canaries": canary_percents(table),
        "fixed": fixed_apis(table),
        "gone": gone_apis(table),
        "has_root": any(route.path == "/" for route in table.routes),
        "limits": limited_names(table),
        "map_sizes": map_sizes(methods, answers, asides),
        "methods": methods,
        "prefixes": prefixes,
        "routed": [(api, prefixes.of(api), routed_locations(table, api)) for api in Api],
        "shapes": shapes_of(table),
        "static_paths": static_paths(table),
        "streaming": [(resource.path, 1) for resource in table.resources if resource.routes[0].streaming],
    }
    return routes | moves_context(table)
