"""nginx's maps: what is decided by the route that a request was taken for."""

from collections.abc import Collection, Iterable

from strangler.routes.route import Answer, Api, Route, Throttle
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


def limited_names(table: RouteTable) -> list[tuple[Throttle, list[str]]]:
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
        yield (Api.V2 if entry.path.startswith(f"{Api.V2.prefix}/") else Api.V1), entry.name, entry.stack


def _answer(route: Route, api: Api) -> str:
    answer = route.stage.answers(api)
    # The check of the table sees to it that a route at stage canary has a percentage.
    return share_variable("canary", route.percent or 0) if answer is Answer.SPLIT else answer


def _limited(table: RouteTable, throttle: str) -> Iterable[str]:
    for resource in table.resources:
        yield from (route.name for route in resource.routes if route.throttle == throttle)
        if {route.throttle for route in resource.routes} == {throttle}:
            yield resource.path
