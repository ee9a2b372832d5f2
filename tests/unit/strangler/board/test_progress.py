"""The progress of the whole API: its share, its estimate, the commands of a route."""

import datetime as dt
from typing import Any

import pytest

from strangler.board.progress import commands_of, progress_of
from strangler.rollout.history import ApplyOutcome, HistoryEntry, Point
from strangler.routes.route import Route, Stage

NOW = dt.datetime(2027, 1, 29, 12, tzinfo=dt.UTC)


def route(name: str, stage: Stage, percent: float | None = None, **fields: Any) -> Route:
    return Route(name=name, methods=("GET",), path=f"/{name}/", stage=stage, percent=percent, **fields)


def entry(number: int, days_ago: float, *changes: tuple[str, str, str], outcome: str = "applied") -> HistoryEntry:
    return HistoryEntry(
        number=number,
        time=(NOW - dt.timedelta(days=days_ago)).isoformat(),
        who="alice@front",
        command="switch",
        outcome=ApplyOutcome(outcome),
        before=None,
        after=Point(version="v", routes="r"),
        changes=[
            {"route": name, "before": {"stage": before, "percent": None}, "after": {"stage": after, "percent": None}}
            for name, before, after in changes
        ],
    )


ROUTES = (
    route("wares.list", Stage.MIGRATED),
    route("wares.detail", Stage.CANARY, 50),
    route("orders.list", Stage.PARALLEL),
    route("orders.create", Stage.LEGACY),
    route("events", Stage.MIGRATED, v2_only=True),
)
MOVED = entry(1, 4, ("wares.list", "parallel", "migrated"))


def progress(*entries: HistoryEntry, routes: tuple[Route, ...] = ROUTES) -> Any:
    return progress_of(routes, entries, traffic=0.25, now=NOW)


def test_a_canary_counts_in_proportion_and_an_addition_of_v2_not_at_all() -> None:
    found = progress()
    assert (found.total, found.done, found.share, found.traffic) == (4, 1.5, 0.375, 0.25)


def test_the_estimate_is_the_pace_of_the_last_weeks_drawn_on() -> None:
    # One route in 10 days, and 2.5 are left.
    assert progress(entry(0, 10), MOVED).estimate == (
        "At the pace of the last 10 days (1.0 routes) the rest takes about 25 days, until 2027-02-23."
    )
    # What is older than four weeks counts neither as time nor as moves.
    old = entry(0, 200, ("orders.list", "parallel", "migrated"))
    assert progress(old, MOVED).estimate.startswith("At the pace of the last 28 days (1.0 routes) ")


@pytest.mark.parametrize(
    "moves",
    [
        [MOVED, entry(2, 3, ("wares.list", "migrated", "parallel"))],
        [entry(2, 3, ("gone.list", "legacy", "migrated"))],
        [entry(2, 3, ("orders.list", "parallel", "migrated"), outcome="failed")],
    ],
)
def test_a_rollback_a_failure_and_a_route_that_is_gone_are_no_pace(moves: list[HistoryEntry]) -> None:
    found = progress(entry(0, 10), *moves).estimate
    assert found == "No estimate: in the last 10 days no route has come nearer to FastAPI."


def test_the_ends_have_sentences() -> None:
    assert progress(entry(0, 0.5)).estimate == "An estimate needs a day of history."
    assert progress(routes=()).estimate == "No route moves."
    assert progress(routes=()).share == 0
    assert progress(routes=ROUTES[:1]).estimate == "Every route is on FastAPI."
    slow = entry(1, 4, ("wares.list", "legacy", "canary"))
    slow.changes[0]["after"]["percent"] = 0.1  # type: ignore[index] # it has one
    assert progress(entry(0, 10), slow).estimate.endswith("it takes more than three years.")


def test_commands_are_typed_as_they_are() -> None:
    assert commands_of(ROUTES[3]) == ("strangler switch orders.create --to parallel",)
    assert commands_of(route("a'b", Stage.PARALLEL)) == ("""strangler ramp 'a'"'"'b'""",)
    assert commands_of(ROUTES[1])[1] == "strangler switch wares.detail --to parallel"
    assert commands_of(ROUTES[4]) == ()
    assert commands_of(route("x", Stage.RETIRED)) == ()
    ends = route("x", Stage.MIGRATED, sunset=dt.date(2027, 1, 1))
    assert commands_of(ends)[0] == "strangler retire x"
