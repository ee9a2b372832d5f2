"""nginx's maps: what is decided by the route that a request was taken for."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from email.utils import format_datetime

from strangler.routes.route import Answer, Api, Fixed, RequestLimit, Route, Stage
from strangler.routes.table import RouteTable


def routes_map(table: RouteTable) -> list[tuple[str, str]]:
    """Which route: "METHOD path" → its name."""
    return [
        (f"{method} {route.path}", route.name)
        for resource in table.resources
        for route in resource.routes
        for method in route.served_methods
    ]


def answers_map(table: RouteTable) -> list[tuple[str, str]]:
    """Who answers: "API route" → `django`, `fastapi`, `gone` or the variable that splits the callers.

    A path stands for the methods that no route of it names.
    """
    return [(f"{api} {name}", answer) for api, name, answer in _answers(table)]


def canary_percents(table: RouteTable) -> list[tuple[str, str]]:
    """The variables that split the callers, each with FastAPI's percentage."""
    percents = {route.percent for route in table.routes if route.percent is not None}
    return shares("canary", percents)


def shares(what: str, percents: Collection[float]) -> list[tuple[str, str]]:
    """Variables for shares, each with its percentage as nginx writes it."""
    return [(share_variable(what, percent), f"{percent:.2f}%") for percent in sorted(percents)]


def share_variable(what: str, percent: float) -> str:
    """The name of a share in nginx: `$canary_12_5` is 12.5%."""
    return f"${what}_{percent:g}".replace(".", "_")


def limited_names(table: RouteTable) -> list[tuple[RequestLimit, list[str]]]:
    """Each throttle with what it limits: routes, and a path's other methods where all its routes are limited alike."""
    return [(throttle, [*_limited(table, throttle.name)]) for throttle in table.throttles]


def map_sizes(*maps: list[tuple[str, str]]) -> tuple[int, int]:
    """Bytes of a bucket and the number of buckets that nginx may make; it warns of a map that doesn't fit.

    A bucket has room for two of the longest keys (ngx_hash.c: each has a pointer and its length, the bucket a pointer).
    """
    entries = [entry for each in maps for entry in each]
    # Some maps are of more than a name: "route HEAD fastapi".
    longest = max((len(key) for key, _ in entries), default=0) + len(" HEAD fastapi")
    return -(-(2 * (longest + 18) + 8) // 64) * 64, max(2048, 1 << (16 * len(entries)).bit_length())


def width_of(entries: Iterable[tuple[str, object]]) -> int:
    """Columns that the longest key takes with its quotes."""
    return max((len(key) for key, _ in entries), default=0) + 2


def _answers(table: RouteTable) -> Iterable[tuple[Api, str, str]]:
    for api in Api:
        for resource in table.resources:
            for route in resource.routes:
                yield api, route.name, _answer(route, api)
            yield api, resource.path, resource.other_methods(api)
    for entry in table.fixed:
        yield _api_of(entry, table), entry.name, entry.stack


def _answer(route: Route, api: Api) -> str:
    answer = route.stage.answers(api)
    # The check of the table sees to it that a route at stage canary has a percentage.
    return share_variable("canary", route.percent or 0) if answer is Answer.SPLIT else answer


def _limited(table: RouteTable, throttle: str) -> Iterable[str]:
    for resource in table.resources:
        yield from (route.name for route in resource.routes if route.throttle == throttle)
        if {route.throttle for route in resource.routes} == {throttle}:
            yield resource.path
    yield from (entry.name for entry in table.fixed if entry.throttle == throttle)


def gone_apis(table: RouteTable) -> frozenset[Api]:
    """The APIs with a route that is gone."""
    return frozenset(api for api in Api for route in table.routes if route.stage.answers(api) is Answer.GONE)


def routed_locations(table: RouteTable, api: Api) -> list[str]:
    """The locations of an API that take any path for the route that the maps find.

    One is enough, but for paths below a folder that is fixed: nginx takes the longest.
    """
    fixed = {location for entry in table.fixed for location in entry.locations}
    prefix = table.prefixes.of(api)
    own = (f"{prefix}/", f"= {prefix}") if prefix else ("/",)
    wanted = (*own, *_below_fixed(table, prefix))
    return [location for location in dict.fromkeys(wanted) if location not in fixed]


def _below_fixed(table: RouteTable, prefix: str) -> Iterator[str]:
    folders = tuple(entry.path for entry in table.fixed if entry.path.startswith(f"{prefix}/"))
    for resource in table.resources:
        locations = resource.locations(prefix)
        if locations[0].removeprefix("= ").startswith(tuple(path for path in folders if path.endswith("/"))):
            yield from locations


def fixed_apis(table: RouteTable) -> list[tuple[Fixed, Api]]:
    """Each path that never moves, with the version of the API that it is of; v1 where it is of neither."""
    return [(entry, _api_of(entry, table)) for entry in table.fixed]


def _api_of(entry: Fixed, table: RouteTable) -> Api:
    found = table.prefixes.split(entry.path)
    return found[0] if found else Api.V1


def moves_context(table: RouteTable) -> dict[str, object]:
    """What `templates/moves.conf.j2` is rendered with."""
    routes = table.routes
    shadowed = [route for route in routes if route.shadow]
    return {
        "ejectable": [*_ejectable(routes)],
        "deprecations": [
            (f"{Api.V1} {route.name}", deprecation(route.deprecated)) for route in routes if route.deprecated
        ],
        "sunsets": [(f"{Api.V1} {route.name}", sunset(route.sunset)) for route in routes if route.sunset],
        "successors": [*_successors(table)],
        "shadows": [(route.name, share_variable("shadow", route.shadow)) for route in shadowed],
        "shadow_shares": shares("shadow", {route.shadow for route in shadowed}),
    }


def _ejectable(routes: Collection[Route]) -> Iterator[tuple[str, str]]:
    """The reads that Django answers too, as "API route" with the variable that says where they go."""
    for route in routes:
        if route.fallback:
            yield from ((f"{api} {route.name}", "$fallback_goes") for api in Api)
        elif route.stage is Stage.CANARY and route.safe and not route.streaming:
            # Of v1 Django answers the other callers at this very moment.
            yield f"{Api.V1} {route.name}", "$canary_goes"


def deprecation(since: dt.date) -> str:
    """A structured date: the seconds of that day's begin in UTC (RFC 9745, 2.1; RFC 9651, 3.3.7)."""
    return f"@{_midnight(since).timestamp():.0f}"


def sunset(end: dt.date) -> str:
    """The begin of that day in UTC as an HTTP-date (RFC 8594, 3)."""
    return format_datetime(_midnight(end), usegmt=True)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _successors(table: RouteTable) -> Iterable[str]:
    """The routes of v1, and the other methods of paths, whose clients get headers that point to v2."""
    for resource in table.resources:
        for route in resource.routes:
            if route.deprecated or route.stage.answers(Api.V1) is Answer.GONE:
                yield f"{Api.V1} {route.name}"
        if resource.other_methods(Api.V1) is Answer.GONE:
            yield f"{Api.V1} {resource.path}"
