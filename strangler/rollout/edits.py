"""The keys of the routes file that an operator's command sets."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from strangler.errors import UnsafeError, UsageError
from strangler.routes.mistakes import nearest
from strangler.routes.route import Api, Fixed, Route, Stage
from strangler.routes.table import RouteTable

Edits = Mapping[str, Mapping[str, Any]]


def switch_edits(
    routes: Sequence[Route],
    *,
    stage: Stage | None,
    percent: float | None,
    shadow: float | None,
    fallback: bool | None,
) -> Edits:
    """The keys to set for a switch; None leaves a thing as it is. A percentage alone means stage canary.

    :raises UsageError: nothing is to be set, or the percentage is without its stage.
    """
    if stage is None and percent is not None:
        stage = Stage.CANARY
    if stage is Stage.CANARY and percent is None:
        raise UsageError("canary needs a share of callers", "add --percent 10")
    if stage is not Stage.CANARY and percent is not None:
        raise UsageError(f"--percent is for canary, not for {stage}", "leave it out")
    values: dict[str, Any] = {}
    if stage is not None:
        values |= {"stage": str(stage), "percent": whole_number(percent)}
    if shadow is not None:
        values["shadow"] = whole_number(shadow) or None
    if fallback is not None:
        values["fallback"] = fallback or None
    if not values:
        raise UsageError("nothing to switch", "add --to STAGE, --percent, --shadow or --fallback")
    # Of several, those that can't stay as they are; one that is named alone is refused with its line.
    wants_django, wants_reads = stage in {Stage.LEGACY, Stage.CANARY} or bool(fallback), bool(fallback or shadow)
    able = [
        route
        for route in routes
        if not (wants_django and route.v2_only) and (not wants_reads or (route.safe and not route.streaming))
    ]
    return {route.name: values for route in (able if len(routes) > 1 else routes)}


def retire_edits(routes: Sequence[Route], *, sunset: dt.date | None, today: dt.date, forced: bool = False) -> Edits:
    """The keys to set to announce the end of v1 on the day `sunset`, or without it to end it now.

    :raises UsageError: the day isn't in the future.
    :raises UnsafeError: v1 is to end now, its sunset hasn't come, and the end isn't forced.
    """
    if sunset is None:
        for route in () if forced else routes:
            if route.sunset is None or route.sunset > today:
                when = f"on {route.sunset}" if route.sunset else "on no day yet"
                raise UnsafeError(
                    f"v1 of {route.name} ends {when}",
                    "announce the end with --sunset DATE and wait for that day, or pass --force --reason TEXT",
                )
        return {route.name: {"stage": str(Stage.RETIRED), "percent": None} for route in routes}
    if sunset <= today:
        raise UsageError(f"the sunset {sunset} is not in the future", f"choose a day after {today}")
    return {route.name: {"deprecated": route.deprecated or today, "sunset": sunset} for route in routes}


def back_edits(routes: Sequence[Route], earlier: Iterable[Sequence[Route]]) -> Edits:
    """The keys to set to bring each route back to where it last was nearer to Django; `earlier` has the newest first.

    :raises UsageError: a route never was.
    """
    states = [{route.name: route for route in state} for state in earlier]
    edits = {}
    for route in routes:
        if route.v2_only:
            raise UsageError(f"{route.name} is in v2 alone", "remove its v2_only if Django has such an endpoint")
        found = (state[route.name] for state in states if route.name in state)
        place = next((before for before in found if before.place < route.place), None)
        if place is None:
            hint = f"move it with strangler switch {route.name} --to legacy"
            raise UsageError(f"{route.name} was never nearer to Django than it is", hint)
        edits[route.name] = {
            "stage": str(place.stage),
            "percent": whole_number(place.percent),
            "shadow": whole_number(place.shadow) or None,
            "fallback": place.fallback or None,
        }
    return edits


def django_edits(routes: Sequence[Route]) -> Edits:
    """The keys to set to have Django alone answer everything that it can."""
    alone = {"stage": str(Stage.LEGACY), "percent": None, "shadow": None, "fallback": None}
    return {route.name: alone for route in routes if (route.place > (0, 0.0) or route.shadow) and not route.v2_only}


def whole_number(value: float | None) -> float | int | None:
    """Whole numbers without `.0`, as people write them."""
    return int(value) if value is not None and value == int(value) else value


class RouteKind(StrEnum):
    """A choice by method."""

    ALL = "all"
    READS = "reads"
    WRITES = "writes"


def routes_select(
    routes: Sequence[Route], patterns: Sequence[str], *, kind: RouteKind = RouteKind.ALL
) -> tuple[Route, ...]:
    """The routes whose names match a pattern (`posts.list`, `posts.*`), those of `kind` only, in their own order.

    :raises UsageError: a pattern matches nothing, or nothing is left.
    """
    for pattern in patterns:
        if not any(fnmatchcase(route.name, pattern) for route in routes):
            meant = nearest(pattern, [route.name for route in routes])
            if pattern in set(Stage):
                hint = f"that is a stage, which stands behind --to: --to {pattern}"
                raise UsageError(f"no route is named {pattern}", hint)
            hint = f"did you mean {meant}? strangler routes lists the names" if meant else "see strangler routes"
            raise UsageError(f"no route is named {pattern}", hint)
    chosen = tuple(
        route
        for route in routes
        if any(fnmatchcase(route.name, pattern) for pattern in patterns)
        and (kind is RouteKind.ALL or route.writes == (kind is RouteKind.WRITES))
    )
    if not chosen:
        raise UsageError(f"none of {', '.join(patterns)} are {kind}", "list the methods with strangler routes")
    return chosen


def path_routes(table: RouteTable, path: str) -> tuple[Api, tuple[Route, ...], Fixed | None]:
    """What a request's path means: the API, the routes of its methods, or the entry that fixes its stack.

    :raises UsageError: no entry names it.
    """
    asked = path.partition("?")[0]
    # v2's prefix may lie below v1's, so the longer one is tried first.
    for api in sorted(Api, key=lambda each: -len(table.prefixes.of(each))):
        prefix = table.prefixes.of(api)
        if not asked.startswith(f"{prefix}/"):
            continue
        rest = asked.removeprefix(prefix)
        plain = [each for each in table.resources if not each.pattern and each.path.rstrip("/") == rest.rstrip("/")]
        # As nginx tries them: a path of its own, then the longest fixed beginning.
        below = [each for each in table.resources if each.pattern and re.fullmatch(each.pattern, rest)]
        found = [*plain, *sorted(below, key=lambda each: -len(each.static_prefix))]
        if found:
            return api, found[0].routes, None
    for entry in sorted(table.fixed, key=lambda each: -len(each.path)):
        if asked == entry.path or (entry.path.endswith("/") and f"{asked}/".startswith(entry.path)):
            return Api.V1, (), entry
    raise UsageError(f"no route names {path}", "strangler routes lists them, and strangler check what is missing")
