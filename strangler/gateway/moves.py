"""What routes on their way say besides who answers them: fallback, the end of v1, shadow."""

import datetime as dt
from collections.abc import Iterable
from email.utils import format_datetime

from strangler.gateway.maps import share_variable, shares
from strangler.routes.route import Answer, Api
from strangler.routes.table import RouteTable


def moves_context(table: RouteTable) -> dict[str, object]:
    """What `nginx/templates/moves.conf.j2` is rendered with."""
    routes = table.routes
    shadowed = [route for route in routes if route.shadow]
    return {
        "fallbacks": [route.name for route in routes if route.fallback],
        "deprecations": [
            (f"{Api.V1} {route.name}", deprecation(route.deprecated)) for route in routes if route.deprecated
        ],
        "sunsets": [(f"{Api.V1} {route.name}", sunset(route.sunset)) for route in routes if route.sunset],
        "successors": [*_successors(table)],
        "shadows": [(route.name, share_variable("shadow", route.shadow)) for route in shadowed],
        "shadow_shares": shares("shadow", {route.shadow for route in shadowed}),
    }


def deprecation(since: dt.date) -> str:
    """A structured date: the seconds of that day's begin in UTC (RFC 9745, 2.1; RFC 9651, 3.3.7)."""
    return f"@{_midnight(since).timestamp():.0f}"


def sunset(end: dt.date) -> str:
    """The begin of that day in UTC as an HTTP-date (RFC 8594, 3)."""
    return format_datetime(_midnight(end), usegmt=True)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _successors(table: RouteTable) -> Iterable[str]:
    """The routes of v1, and the other methods of paths, whose clients are told to go to v2."""
    for resource in table.resources:
        for route in resource.routes:
            if route.deprecated or route.stage.answers(Api.V1) is Answer.GONE:
                yield f"{Api.V1} {route.name}"
        if resource.other_methods(Api.V1) is Answer.GONE:
            yield f"{Api.V1} {resource.path}"
