"""The difference between the routes that run and the routes that are wanted."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from strangler.rollout.history import HistoryEntry, RecordedChange, RecordedStage
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Answer, Api, Fixed, RequestLimit, Route, Stage
from strangler.routes.table import RouteTable

_CHECKSUM_LENGTH: Final = 10
# The line of the stage shows these already.
_SHOWN_ELSEWHERE: Final = frozenset({"name", "line", "stage", "percent"})
_SHOWN_CHANGES: Final = 4


@dataclass(frozen=True, kw_only=True)
class RouteChange:
    """One route before and after; None where the file doesn't name it: then it is Django's."""

    name: str
    before: Route | None
    after: Route | None
    prefixes: Prefixes

    @property
    def moves(self) -> bool:
        """Whether the route gets another stack, or another share of callers."""
        return _place(self.before) != _place(self.after)

    @property
    def forward(self) -> int:
        """How many stages the route moves on; below 0 it goes back."""
        return _stage(self.after).position - _stage(self.before).position

    @property
    def towards_fastapi(self) -> bool:
        """Whether FastAPI answers more than before: a later stage, or a larger share of callers."""
        return self.after is not None and self.after.place > (self.before.place if self.before else (0, 0.0))

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The change in words, a line for each fact."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.before is None:
            yield f"new, at stage {place_text(self.after)}"
        elif self.after is None:
            yield f"removed, at stage {place_text(self.before)}: Django answers what no route names"
        elif self.moves:
            yield f"{place_text(self.before)} → {place_text(self.after)}"
        yield from self._answers()
        if self.before and self.after:
            yield from self._fields(self.before, self.after)

    def _answers(self) -> Iterator[str]:
        route = self.after or self.before
        for api in Api:
            old, new = (answer_text(each, api) for each in (self.before, self.after))
            if old != new and route is not None:
                yield f"{self.prefixes.of(api)}{route.path}: {old} → {new}"

    @staticmethod
    def _fields(before: Route, after: Route) -> Iterator[str]:
        for field in dataclasses.fields(Route):
            old, new = getattr(before, field.name), getattr(after, field.name)
            if field.name not in _SHOWN_ELSEWHERE and old != new:
                yield f"{field.name}: {_value_text(old)} → {_value_text(new)}"

    def as_json(self) -> RecordedChange:
        """For records: the name, each side's stage and percent, and what else changes."""
        fields = tuple(self._fields(self.before, self.after)) if self.before and self.after else ()
        return {
            "route": self.name,
            "before": _recorded(self.before),
            "after": _recorded(self.after),
            "fields": fields,
        }


@dataclass(frozen=True, kw_only=True)
class RoutesPlan:
    """The changes from the routes that run to those that are wanted.

    `checksum` identifies the plan: it changes with either side. `notes` are changes of the file that
    belong to no route. `rendered_anew`: nginx's configuration changes.
    """

    checksum: str
    total: int
    changes: tuple[RouteChange, ...]
    notes: tuple[str, ...]
    rendered_anew: bool

    @property
    def edited(self) -> bool:
        """Whether the routes file differs from the routes that run."""
        return bool(self.changes or self.notes)

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.edited and not self.rendered_anew

    @property
    def moves(self) -> tuple[RouteChange, ...]:
        """The changes that change who answers."""
        return tuple(change for change in self.changes if change.moves)

    def lines(self) -> Iterator[str]:
        """The plan for a person, a line for each fact."""
        width = max((len(change.name) for change in self.changes), default=0)
        for change in self.changes:
            for number, line in enumerate(change.lines):
                yield f"{change.name if not number else '':<{width}}  {line}"
        yield from self.notes
        if self.rendered_anew and not self.edited:
            yield "no route changes, but nginx's settings, templates or files did: they are rendered again"
        yield f"plan {self.checksum}: {len(self.moves)} of {self.total} routes move"


def plan_make(*, running: RouteTable, wanted: RouteTable, ends: tuple[bytes, ...], rendered_anew: bool) -> RoutesPlan:
    """The plan between two tables; `ends` are all that both came from, for the checksum.

    `rendered_anew`: nginx's configuration changes, if only because of a setting.
    """
    before = {route.name: route for route in running.routes}
    after = {route.name: route for route in wanted.routes}
    names = [*after, *(name for name in before if name not in after)]
    changes = tuple(
        RouteChange(name=name, before=before.get(name), after=after.get(name), prefixes=wanted.prefixes)
        for name in names
        if before.get(name) != after.get(name)
    )
    digest = hashlib.sha256()
    for end in ends:
        digest.update(hashlib.sha256(end).digest())
    return RoutesPlan(
        checksum=digest.hexdigest()[:_CHECKSUM_LENGTH],
        total=len(before.keys() | after.keys()),
        changes=changes,
        notes=tuple(_other_changes(running, wanted)),
        rendered_anew=rendered_anew,
    )


def place_text(route: Route | None) -> str:
    """The stage of a route, in words."""
    if route is None:
        return Stage.LEGACY
    return f"{route.stage} {route.percent:g}%" if route.percent is not None else str(route.stage)


def stage_text(recorded: RecordedStage | None) -> str:
    """The stage of a route in a history entry, in words."""
    if recorded is None:
        return "none"
    return recorded["stage"] if recorded["percent"] is None else f"{recorded['stage']} {recorded['percent']:g}%"


def entry_text(entry: HistoryEntry) -> str:
    """What an apply changed, in words; its command where it changed nothing that the routes file says."""
    changes = [*(_change_text(change) for change in entry.changes), *entry.notes]
    shown = changes[:_SHOWN_CHANGES]
    more = len(changes) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or entry.command


def _change_text(change: RecordedChange) -> str:
    before, after = stage_text(change["before"]), stage_text(change["after"])
    moves = [f"{before} → {after}"] if before != after else []
    return f"{change['route']} {', '.join([*moves, *change.get('fields', ())])}"


def _recorded(route: Route | None) -> RecordedStage | None:
    return {"stage": route.stage, "percent": route.percent} if route else None


def answer_text(route: Route | None, api: Api) -> str:
    """Who answers a route, in words."""
    answer = _stage(route).answers(api)
    if answer is Answer.SPLIT and route is not None:
        return f"fastapi for {route.percent:g}% of callers, else django"
    return "410 Gone" if answer is Answer.GONE else str(answer)


def _other_changes(running: RouteTable, wanted: RouteTable) -> Iterator[str]:
    for kind in ("fixed", "throttles"):
        before = {entry.name: entry for entry in getattr(running, kind)}
        after = {entry.name: entry for entry in getattr(wanted, kind)}
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            if old != new:
                yield f"{kind.removesuffix('s')} {name}: {_entry_text(old)} → {_entry_text(new)}"


def _entry_text(entry: Fixed | RequestLimit | None) -> str:
    if entry is None:
        return "none"
    values = {key: value for key, value in dataclasses.asdict(entry).items() if value is not None}
    return ", ".join(f"{key} {value}" for key, value in values.items() if key not in {"name", "line"})


def _place(route: Route | None) -> tuple[Stage, float | None]:
    return (route.stage, route.percent) if route else (Stage.LEGACY, None)


def _stage(route: Route | None) -> Stage:
    return route.stage if route else Stage.LEGACY


def _value_text(value: object) -> str:
    if value is None or value is False:
        return "no"
    if value is True:
        return "yes"
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if isinstance(value, dt.date) else f"{value}"
