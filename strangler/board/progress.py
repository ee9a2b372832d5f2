"""How far the whole API is on its way to FastAPI, and when it may be there at the pace so far."""

import datetime as dt
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from strangler.errors import many
from strangler.rollout.history import HistoryEntry, RecordedStage, applied
from strangler.routes.route import Route, Stage

# What happened earlier says little of the pace now.
_PACE_DAYS: Final = 28
_LEAST_DAYS: Final = 1
# Beyond it the date would be a guess.
_MOST_DAYS: Final = 3 * 365
_DAY_SECONDS: Final = 86_400
_NEXT: Final = {
    Stage.LEGACY: "switch {name} --to parallel",
    Stage.PARALLEL: "ramp {name}",
    Stage.CANARY: "switch {name} --to migrated",
}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The whole API: `total` routes that move, of which FastAPI answers `done` on v1, a canary in proportion.

    `traffic` is FastAPI's share of the requests lately, from 0 to 1, None where there was none. `estimate` is a
    sentence.
    """

    total: int
    done: float
    traffic: float | None
    estimate: str

    @property
    def share(self) -> float:
        """The part of the routes that FastAPI answers, from 0 to 1."""
        return self.done / self.total if self.total else 0.0


def progress_of(
    routes: Sequence[Route], entries: Sequence[HistoryEntry], *, traffic: float | None, now: dt.datetime
) -> Progress:
    """The progress of the routes that run; those that only v2 has don't move."""
    moving = [route for route in routes if not route.v2_only]
    done = sum(_weight(str(route.stage), route.percent) for route in moving)
    estimate = _estimate(left=len(moving) - done, names={route.name for route in moving}, entries=entries, now=now)
    return Progress(total=len(moving), done=done, traffic=traffic, estimate=estimate)


def commands_of(route: Route) -> tuple[str, ...]:
    """The commands that move a route on, and back to Django; nothing here runs them."""
    name = shlex.quote(route.name)
    found = [_NEXT[route.stage].format(name=name)] if route.stage in _NEXT else []
    if route.stage is Stage.MIGRATED and route.sunset is not None:
        found.append(f"retire {name}")
    if route.stage in {Stage.CANARY, Stage.MIGRATED} and not route.v2_only:
        found.append(f"switch {name} --to parallel")
    return tuple(f"strangler {each}" for each in found)


def _weight(stage: str, percent: float | None) -> float:
    """How much of a route FastAPI answers on v1, or would, were it not gone."""
    if stage == Stage.CANARY:
        return (percent or 0) / 100
    return float(stage in {Stage.MIGRATED, Stage.RETIRED})


def _estimate(*, left: float, names: set[str], entries: Sequence[HistoryEntry], now: dt.datetime) -> str:
    if not names:
        return "No route moves."
    if not left:
        return "Every route is on FastAPI."
    timed = [(dt.datetime.fromisoformat(entry.time), entry) for entry in applied(entries) if entry.time]
    begin = max(min((moment for moment, _ in timed), default=now), now - dt.timedelta(days=_PACE_DAYS))
    days = (now - begin).total_seconds() / _DAY_SECONDS
    if days < _LEAST_DAYS:
        return "An estimate needs a day of history."
    gained = sum(
        _gain(change["before"], change["after"])
        for moment, entry in timed
        if moment >= begin
        for change in entry.changes
        if change["route"] in names
    )
    span = many(round(days), "day")
    if gained <= 0:
        return f"No estimate: in the last {span} no route has come nearer to FastAPI."
    ahead = left * days / gained
    pace = f"At the pace of the last {span} ({gained:.1f} routes)"
    if ahead > _MOST_DAYS:
        return f"{pace} it takes more than three years."
    end = now + dt.timedelta(days=ahead)
    return f"{pace} the rest takes about {many(max(1, round(ahead)), 'day')}, until {end:%Y-%m-%d}."


def _gain(before: RecordedStage | None, after: RecordedStage | None) -> float:
    """How much nearer to FastAPI a change has brought a route; one that comes or goes has not moved."""
    if before is None or after is None:
        return 0.0
    return _weight(after["stage"], after["percent"]) - _weight(before["stage"], before["percent"])
