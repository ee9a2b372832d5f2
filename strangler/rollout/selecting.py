"""Which routes an operator means."""

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase

from strangler.errors import UsageError
from strangler.routes.route import Route


class Kind(StrEnum):
    """A choice by method."""

    ALL = "all"
    READS = "reads"
    WRITES = "writes"


def routes_select(routes: Sequence[Route], patterns: Sequence[str], *, kind: Kind = Kind.ALL) -> tuple[Route, ...]:
    """The routes whose names match a pattern (`posts.list`, `posts.*`), those of `kind` only, in their own order.

    :raises UsageError: a pattern matches nothing, or nothing is left.
    """
    for pattern in patterns:
        if not any(fnmatchcase(route.name, pattern) for route in routes):
            raise UsageError(f"no route is named {pattern}: strangler routes lists the names.")
    chosen = tuple(
        route
        for route in routes
        if any(fnmatchcase(route.name, pattern) for pattern in patterns)
        and (kind is Kind.ALL or route.writes == (kind is Kind.WRITES))
    )
    if not chosen:
        raise UsageError(f"none of {', '.join(patterns)} are {kind}: strangler routes shows the methods.")
    return chosen
