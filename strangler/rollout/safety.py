"""Which plans are refused unless somebody insists and says why."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from strangler.rollout.plan import Change, Plan
from strangler.routes.route import Answer, Api, Stage

# Names of routes that hand out or end tokens: who breaks them, locks everybody out of both stacks.
GUARDED: Final = "auth."
_LARGEST_SHARE: Final = 3


def unsafe_reasons(plan: Plan, *, today: dt.date, read_only: bool) -> tuple[str, ...]:
    """Why the plan might do harm, a sentence's end for each reason; none if it may go ahead.

    `today` is in UTC; `read_only`: FastAPI answers every write with 503.
    """
    return tuple(_reasons(plan, today, read_only))


def _reasons(plan: Plan, today: dt.date, read_only: bool) -> Iterator[str]:
    moved = plan.moves
    if len(moved) > 1 and len(moved) * _LARGEST_SHARE > plan.total:
        yield f"it moves {len(moved)} of {plan.total} routes, more than a third"
    guarded = [change.name for change in plan.changes if change.name.startswith(GUARDED)]
    if guarded:
        yield f"it touches sign-in ({', '.join(guarded)})"
    for change in moved:
        yield from _reasons_of(change, today, read_only)


def _reasons_of(change: Change, today: dt.date, read_only: bool) -> Iterator[str]:
    route = change.after
    if route is None:
        return
    if change.forward > 1:
        skipped = list(Stage)[route.stage.position - change.forward + 1 : route.stage.position]
        yield f"{change.name} skips {' and '.join(skipped)}"
    if route.stage is Stage.RETIRED and (route.sunset is None or route.sunset > today):
        when = f"before its sunset on {route.sunset}" if route.sunset else "without a sunset date"
        yield f"{change.name} is retired {when}"
    if route.writes and read_only and any(route.stage.answers(api) is not Answer.DJANGO for api in Api):
        yield f"{change.name} writes, and FastAPI answers every write with 503 while FASTAPI_READ_ONLY=1"
