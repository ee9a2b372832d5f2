"""What of Django's endpoints FastAPI answers with 501: its OpenAPI document lists it under `x-not-ported`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strangler.rollout.coverage import CheckResult, Key, Level
from strangler.rollout.endpoints import path_key
from strangler.rollout.plan import RoutesPlan
from strangler.routes.route import Answer, Api, Route
from strangler.routes.table import RouteTable

_LISTED: Final = "x-not-ported"


@dataclass(frozen=True)
class Gaps:
    """The gaps of a service by method and path; `unread` says why its document could not be read, empty if it was."""

    by_key: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    unread: str = ""

    def of(self, route: Route) -> tuple[str, ...]:
        """Those of a route's methods."""
        found = (self.by_key.get((method, path_key(route.path)), ()) for method in route.methods)
        return tuple(dict.fromkeys(gap for gaps in found for gap in gaps))


def gaps_of(document: Any, *, prefix: str) -> Gaps:  # noqa: ANN401 - whatever JSON it is
    """The gaps that a document lists, whose paths begin with `prefix`; none where it is no OpenAPI document."""
    paths = document.get("paths") if isinstance(document, dict) else None
    found: dict[Key, tuple[str, ...]] = {}
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method, operation in item.items() if isinstance(item, dict) else ():
            gaps = operation.get(_LISTED) if isinstance(operation, dict) else None
            if isinstance(gaps, list) and gaps:
                found[method.upper(), path_key(path.removeprefix(prefix))] = tuple(map(str, gaps))
    return Gaps(found)


def gap_results(table: RouteTable, gaps: Gaps) -> Iterator[CheckResult]:
    """A note for each route that isn't ported whole; a finding where clients of FastAPI meet it."""
    for route in table.routes:
        if not (found := gaps.of(route)):
            continue
        meets = any(route.stage.answers(api) in (Answer.FASTAPI, Answer.SPLIT) for api in Api) or bool(route.shadow)
        sentence = f"{route.name} isn't ported whole, fastapi answers 501: {'; '.join(found)}."
        yield CheckResult("gaps", Level.FINDING if meets else Level.NOTE, sentence)


def gap_reasons(plan: RoutesPlan, gaps: Gaps) -> Iterator[str]:
    """Why a plan is unsafe that gives clients a route which isn't ported whole."""
    for name, found in _refused(plan, gaps).items():
        yield f"fastapi answers {name} with 501: {', '.join(found)}"


def whole_moves(plan: RoutesPlan, gaps: Gaps) -> tuple[str, ...]:
    """The names of the plan's other moves, where some are of routes that aren't ported whole."""
    refused = _refused(plan, gaps)
    return tuple(change.name for change in plan.moves if change.name not in refused) if refused else ()


def _refused(plan: RoutesPlan, gaps: Gaps) -> dict[str, tuple[str, ...]]:
    """The gaps of each route that the plan gives to clients and that has any."""
    given = {change.name: change.after for change in plan.moves if change.towards_fastapi}
    return {name: found for name, route in given.items() if route and (found := gaps.of(route))}
