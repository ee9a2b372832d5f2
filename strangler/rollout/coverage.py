"""The routes file compared with the endpoints that the stacks publish."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strangler.rollout.endpoints import ApiEndpoint, path_key
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Answer, Api, Fixed, Route, Stack, Stage
from strangler.routes.table import RouteTable

_LISTED: Final = 3
_ROUTABLE: Final = re.compile(r"(?:/(?:[A-Za-z0-9_~.-]+|\{[^{}/]*\}))+/?|/")

Key = tuple[str, str]
"""A method, and a path below the API's prefix as `path_key` writes it."""


class Level(StrEnum):
    """How much a result matters, the least first."""

    OK = "ok"
    NOTE = "note"
    FINDING = "finding"
    # The check could not be made.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CheckResult:
    """One sentence of a check, with the hint; `check` says of what, such as file or endpoints."""

    check: str
    level: Level
    sentence: str


def uncovered(table: RouteTable, endpoints: Collection[ApiEndpoint], stack: Stack) -> Iterator[CheckResult]:
    """The endpoints of a stack that the routes file doesn't name."""
    prefixes = table.prefixes
    named = {(method, path_key(route.path)) for route in table.routes for method in route.methods}
    outside = [
        endpoint
        for endpoint in endpoints
        if _key(endpoint, stack, prefixes) is None and not _fixed(endpoint, stack, table)
    ]
    for endpoint in sorted(endpoints):
        key, fixed = _key(endpoint, stack, prefixes), _fixed(endpoint, stack, table)
        if fixed and fixed.stack is not stack and key not in named:
            sentence = f"{stack} has {endpoint}, but {fixed.name} gives that path to {fixed.stack}: correct its stack."
            yield CheckResult("endpoints", Level.FINDING, sentence)
        elif key is not None and not fixed and key not in named:
            yield _unnamed(endpoint, stack)
    if outside:
        yield _unreachable(outside, stack, prefixes)


def unimplemented(
    table: RouteTable, has: Mapping[Stack, Collection[ApiEndpoint]], *, source: str
) -> Iterator[CheckResult]:
    """The routes that are sent to a stack without them; `source` is the name of the routes file in messages."""
    prefixes = table.prefixes
    keys = {stack: {_key(each, stack, prefixes) for each in endpoints} for stack, endpoints in has.items()}
    for route in table.routes:
        where = f"{source}, line {route.line}: " if route.line else ""
        for level, sentence in _lacks(route, keys, prefixes):
            yield CheckResult("stacks", level, where + sentence)


def _lacks(
    route: Route, keys: Mapping[Stack, Collection[Key | None]], prefixes: Prefixes
) -> Iterator[tuple[Level, str]]:
    sent = _sent_to(route)
    lacking = {
        stack: [method for method in route.methods if (method, path_key(route.path)) not in known]
        for stack, known in keys.items()
    }
    only_v2 = not lacking.get(Stack.FASTAPI, ["?"])
    if route.v2_only and not lacking.get(Stack.DJANGO, ["?"]):
        yield Level.FINDING, f"{route.name} is v2_only, and django has it: remove v2_only, so that it can move."
    for stack, methods in lacking.items():
        if not methods or stack not in sent:
            continue
        path = f"{', '.join(methods)} {prefixes.upstream(stack)}{route.path}"
        if stack is Stack.DJANGO and only_v2 and route.stage is Stage.PARALLEL and not (route.fallback or route.shadow):
            if not route.v2_only:
                why = f"{route.name} is an addition of v2, django has no {path}"
                yield Level.NOTE, f"{why}: write v2_only = true, so that no command moves it."
        else:
            why = f"{route.name} is sent to {stack} ({sent[stack]}), which has no {path}: "
            yield Level.FINDING, why + _hint(route, stack, only_v2=only_v2)


def _sent_to(route: Route) -> dict[Stack, str]:
    """The stacks that requests of the route go to, and why."""
    sent: dict[Stack, str] = {}
    if route.shadow:
        sent = dict.fromkeys(Stack, f"shadow {route.shadow:g}%")
    if route.fallback:
        sent[Stack.DJANGO] = "fallback"
    for api in Api:
        answer = route.stage.answers(api)
        for stack in Stack:
            if answer in (Answer(stack), Answer.SPLIT):
                sent[stack] = f"stage {route.stage}"
    return sent


def _hint(route: Route, stack: Stack, *, only_v2: bool) -> str:
    if stack is Stack.FASTAPI:
        otherwise = "remove shadow" if route.stage is Stage.LEGACY else "move the route back to legacy"
        return f"implement it there, or {otherwise}."
    return "make its stage parallel, without shadow and fallback." if only_v2 else "implement it, or remove the route."


def _unreachable(endpoints: Collection[ApiEndpoint], stack: Stack, prefixes: Prefixes) -> CheckResult:
    so = "left with django" if stack is Stack.DJANGO else "out of the gateway's reach"
    listed = [str(endpoint) for endpoint in sorted(endpoints)]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    sentence = f"{stack}: not below {prefixes.upstream(stack)}, and so {so}: {', '.join(listed[:_LISTED])}{more}."
    return CheckResult("endpoints", Level.NOTE, sentence)


def _unnamed(endpoint: ApiEndpoint, stack: Stack) -> CheckResult:
    if not _ROUTABLE.fullmatch(endpoint.path):
        sentence = (
            f"{endpoint} of {stack} can't be a route, so django answers that path: write whole segments as {{id}}."
        )
        return CheckResult("endpoints", Level.NOTE, sentence)
    stage = "legacy" if stack is Stack.DJANGO else "parallel"
    sentence = f"{stack} has {endpoint}, which no route names, so django answers: add a [[route]] at stage {stage}."
    return CheckResult("endpoints", Level.FINDING, sentence)


def _key(endpoint: ApiEndpoint, stack: Stack, prefixes: Prefixes) -> Key | None:
    """None where the endpoint isn't below the stack's prefix."""
    prefix, below_v1 = prefixes.upstream(stack), prefixes.v2_below_v1
    below = endpoint.path.removeprefix(prefix)
    if not endpoint.path.startswith(f"{prefix}/"):
        return None
    if stack is Stack.DJANGO and below_v1 and below.startswith(f"{below_v1}/"):
        return None
    return endpoint.method, path_key(below)


def _fixed(endpoint: ApiEndpoint, stack: Stack, table: RouteTable) -> Fixed | None:
    prefixes, path = table.prefixes, endpoint.path
    public, own = prefixes.of(Api.V1 if stack is Stack.DJANGO else Api.V2), prefixes.upstream(stack)
    if path.startswith(f"{own}/"):
        path = public + path.removeprefix(own)
    return next((entry for entry in table.fixed if any(_covers(name, path) for name in entry.locations)), None)


def _covers(location: str, path: str) -> bool:
    exact = location.removeprefix("= ")
    return path == exact if exact != location else path.startswith(location)
