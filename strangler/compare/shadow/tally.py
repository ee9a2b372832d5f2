"""What has been counted and not written down yet."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from strangler.compare.masking import Reported
from strangler.compare.shadow.backlog import Refused
from strangler.compare.shadow.judging import Judgement

ASKED = "asked"
DROPPED = "dropped"


@dataclass(kw_only=True)
class PlaceTally:
    """How often a place differed, and the last time that it did."""

    count: int = 0
    at: str
    example: Reported
    judgement: Judgement


@dataclass(kw_only=True)
class RouteTally:
    """The counts of one route; `places` are told apart by kind and pattern."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[tuple[str, str], PlaceTally] = field(default_factory=dict)
    failure: str = ""
    first: str = ""
    last: str = ""


class Tally:
    """Counts between two transactions; times are UTC, to the second."""

    def __init__(self, *, places_per_route: int) -> None:
        self._places_per_route = places_per_route
        self.routes: dict[str, RouteTally] = {}
        self.malformed = 0
        self.missed = 0

    def __bool__(self) -> bool:
        return bool(self.routes or self.malformed or self.missed)

    def judged(self, route: str, judgement: Judgement) -> None:
        """Count a sample that was asked."""
        now = _now()
        tally = self.routes.setdefault(route, RouteTally())
        tally.counts.update({ASKED: 1, judgement.outcome: 1})
        tally.first, tally.last = tally.first or now, now
        tally.failure = judgement.failure or tally.failure
        for example in judgement.differences:
            self._place(tally, example, judgement, now)

    def refused(self, refused: Refused) -> None:
        """Count what wasn't asked."""
        self.malformed += refused.malformed
        self.missed += refused.missed
        for route, count in refused.dropped.items():
            self.routes.setdefault(route, RouteTally()).counts[DROPPED] += count

    def _place(self, tally: RouteTally, example: Reported, judgement: Judgement, now: str) -> None:
        key = (example.kind, example.pattern)
        known = tally.places.get(key)
        if known is None and len(tally.places) >= self._places_per_route:
            return
        count = known.count if known else 0
        tally.places[key] = PlaceTally(count=count + 1, at=now, example=example, judgement=judgement)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
