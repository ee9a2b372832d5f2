"""The routes file (`nginx/routes.toml`) as a checked table."""

import datetime as dt
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strangler.errors import UsageError
from strangler.routes.checks import check_moves, check_names, check_paths, check_streaming, check_throttles
from strangler.routes.route import Fixed, Resource, Route, Stack, Stage, Throttle, group_by_path

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# nginx resolves `.` and `..` before it looks for a location, so no path could name one.
_SEGMENT = r"(?!\.\.?(?:/|$))[A-Za-z0-9_~.-]+"
_NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
_PATH = re.compile(rf"/(?:(?:{_SEGMENT}|\{{[a-z_]+\}})/)*")
_FIXED_PATH = re.compile(rf"(?:/{_SEGMENT})+/?")
_RATE = re.compile(r"[1-9][0-9]{0,5}r/[sm]")
_MAX_BURST = 100_000
_ROUTE_KEYS = {field.name for field in fields(Route)} - {"line"}
# nginx refuses keys of its maps beyond a size that nginx/templates/http.conf.j2 sets.
_MAX_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """Every endpoint and the stage where it stands, as the routes file says."""

    routes: tuple[Route, ...]
    fixed: tuple[Fixed, ...] = ()
    throttles: tuple[Throttle, ...] = ()

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The routes grouped by path."""
        return group_by_path(self.routes)


def load_routes(file: Path) -> RouteTable:
    """The table in `file`.

    Raises:
        UsageError: the file can't be read or says something that nginx could not serve.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read ({error}): name the routes file with ROUTES_FILE.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML ({error}): mend that line.") from error
    try:
        return _table(document)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None


def _table(document: dict[str, Any]) -> RouteTable:
    _known_keys(document, {"route", "fixed", "throttles"}, "the file")
    throttles = tuple(_throttle(name, entry) for name, entry in _table_of(document, "throttles").items())
    routes = tuple(_route(entry) for entry in _entries(document, "route"))
    fixed = tuple(_fixed(entry) for entry in _entries(document, "fixed"))
    table = RouteTable(routes=routes, fixed=fixed, throttles=throttles)
    check_names(table.routes, table.fixed)
    check_paths(table.resources, table.fixed)
    check_throttles(table.resources, table.throttles)
    check_streaming(table.resources)
    check_moves(table.routes)
    return table


def _route(entry: dict[str, Any]) -> Route:
    name = _name(entry, "a [[route]]")
    _known_keys(entry, _ROUTE_KEYS, name)
    methods = entry.get("methods")
    if not isinstance(methods, list) or not methods or any(method not in METHODS for method in methods):
        raise UsageError(f"{name} has methods {methods!r}: list one or more of {', '.join(METHODS)}.")
    path = entry.get("path")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise UsageError(f"{name} has path {path!r}: begin and end it with / and write a variable segment as {{id}}.")
    if path.startswith("/v2/"):
        raise UsageError(f"{name} has path {path!r}: leave out /v2, every route is served below /api and /api/v2.")
    _check_length(path, f"the path of {name}")
    stage = entry.get("stage")
    if stage not in tuple(Stage):
        raise UsageError(f"{name} has stage {stage!r}: choose one of {', '.join(Stage)}.")
    return Route(
        name=name,
        methods=tuple(methods),
        path=path,
        stage=Stage(stage),
        percent=_optional_percent(entry, "percent", name),
        shadow=_optional_percent(entry, "shadow", name) or 0,
        fallback=_optional_flag(entry, "fallback", name),
        deprecated=_optional_date(entry, "deprecated", name),
        sunset=_optional_date(entry, "sunset", name),
        throttle=_optional_text(entry, "throttle", name),
        streaming=_optional_flag(entry, "streaming", name),
    )


def _fixed(entry: dict[str, Any]) -> Fixed:
    name = _name(entry, "a [[fixed]]")
    _known_keys(entry, {"name", "path", "stack"}, name)
    path, stack = entry.get("path"), entry.get("stack")
    if not isinstance(path, str) or not _FIXED_PATH.fullmatch(path):
        raise UsageError(f"{name} has path {path!r}: begin it with / and use letters, digits and . _ ~ - only.")
    _check_length(path, f"the path of {name}")
    if stack not in tuple(Stack):
        raise UsageError(f"{name} has stack {stack!r}: choose one of {', '.join(Stack)}.")
    return Fixed(name=name, path=path, stack=Stack(stack))


def _throttle(name: str, entry: object) -> Throttle:
    if not isinstance(entry, dict) or not re.fullmatch(r"[a-z0-9_]+", name):
        raise UsageError(
            f"throttle {name!r} is no table with a plain name: write [throttles.{name}] with rate and burst."
        )
    _known_keys(entry, {"rate", "burst"}, f"throttle {name}")
    rate, burst = entry.get("rate"), entry.get("burst")
    if not isinstance(rate, str) or not _RATE.fullmatch(rate):
        raise UsageError(f"throttle {name} has rate {rate!r}: write it as 10r/s or 30r/m.")
    if not isinstance(burst, int) or isinstance(burst, bool) or not 0 <= burst <= _MAX_BURST:
        raise UsageError(f"throttle {name} has burst {burst!r}: give a whole number from 0 to {_MAX_BURST}.")
    return Throttle(name=name, rate=rate, burst=burst)


def _entries(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{key} is no list of tables: write each entry under [[{key}]].")
    return entries


def _table_of(document: dict[str, Any], key: str) -> dict[str, Any]:
    entries = document.get(key, {})
    if not isinstance(entries, dict):
        raise UsageError(f"{key} is no table: write each entry under [{key}.NAME].")
    return entries


def _name(entry: dict[str, Any], what: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"{what} has name {name!r}: write it as resource.action in small letters.")
    _check_length(name, f"the name {name[:20]}…")
    return name


def _check_length(text: str, what: str) -> None:
    if len(text) > _MAX_LENGTH:
        raise UsageError(f"{what} has {len(text)} characters: shorten it to {_MAX_LENGTH}.")


def _optional_text(entry: dict[str, Any], key: str, what: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{what} has {key} {value!r}: write a text in quotes.")
    return value


def _optional_flag(entry: dict[str, Any], key: str, what: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise UsageError(f"{what} has {key} {value!r}: write true or false.")
    return value


def _optional_percent(entry: dict[str, Any], key: str, what: str) -> float | None:
    value: float | None = entry.get(key)
    if value is None:
        return None
    # nginx's split_clients knows two decimals.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 100 or round(value, 2) != value:
        raise UsageError(f"{what} has {key} {value!r}: give a percentage from 0 to 100 with at most two decimals.")
    return value


def _optional_date(entry: dict[str, Any], key: str, what: str) -> dt.date | None:
    value = entry.get(key)
    if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
        raise UsageError(f"{what} has {key} {value!r}: write a day without quotes, such as 2027-01-31.")
    return value


def _known_keys(entry: dict[str, Any], known: set[str], what: str) -> None:
    for key in sorted(set(entry) - known):
        raise UsageError(f"{what} has an unknown key {key!r}: use only {', '.join(sorted(known))}.")
