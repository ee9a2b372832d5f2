"""All that the page shows, read from what the other commands keep; what can't be read is a sentence."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from strangler.board.differences import RouteDifferences, ShadowPlaces, differences_of
from strangler.board.progress import Progress, commands_of, progress_of
from strangler.board.traffic import RouteTraffic, TrafficReader, TrafficWindow
from strangler.errors import StranglerError, UsageError, many
from strangler.gateway.interface import ejection_read, running_version
from strangler.ramp.state import RampState
from strangler.ramp.store import RampStore
from strangler.rollout.evidence import RouteEvidence
from strangler.rollout.history import HistoryEntry
from strangler.rollout.plan import entry_text
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Route

_T = TypeVar("_T")
_Otherwise = TypeVar("_Otherwise")
# Evidence is bound to digests of both stacks' sources, and the schema to a read of PostgreSQL's catalogue.
_RENEW_SECONDS: Final = 30.0
_SHOWN_ENTRIES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What is known of whether both stacks answer alike: a word (`equal`, `different`, `unproven`) and a sentence."""

    word: str
    text: str


@dataclass(frozen=True, kw_only=True)
class BoardRoute:
    """A row of the page."""

    route: Route
    traffic: RouteTraffic | None
    parity: Parity
    commands: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SchemaHealth:
    """Whether the database is as the contract and FastAPI want it (None: not known), and a sentence."""

    ok: bool | None
    text: str


@dataclass(frozen=True, kw_only=True)
class BoardEntry:
    """A line of the history."""

    entry: HistoryEntry
    what: str


@dataclass(frozen=True, kw_only=True)
class BoardState:
    """The page at one moment; `problems` are sentences, and `ramp` is watched by a process where `watched` says so."""

    name: str
    moment: dt.datetime
    minutes: int
    progress: Progress
    routes: tuple[BoardRoute, ...]
    requests: int
    schema: SchemaHealth
    ramp: RampState | None
    watched: bool
    history: tuple[BoardEntry, ...]
    problems: tuple[str, ...]


class Board:
    """Reads the state of one project.

    Args:
        name: the project's.
        rollout: opens the moves of its gateway anew, since one keeps the digests of the code that it has seen.
        schema: whether the tables are as wanted; may take seconds.
        ramps: its ramps.
        shadow: the differences that the shadow has found; may take seconds.
        traffic: its access log.
        minutes: how many the plots show.
    """

    def __init__(
        self,
        *,
        name: str,
        rollout: Callable[[], Rollout],
        schema: Callable[[], SchemaHealth],
        ramps: RampStore,
        shadow: ShadowPlaces,
        traffic: TrafficReader,
        minutes: int,
    ) -> None:
        self._name = name
        self._open = rollout
        self._schema = schema
        self._ramps = ramps
        self._shadow = shadow
        self._traffic = traffic
        self._minutes = minutes
        self._rollout = rollout()
        self._evidence: Mapping[str, RouteEvidence] = {}
        self._known_schema = SchemaHealth(ok=None, text="The schema is being compared.")
        self._slow_problems: tuple[str, ...] = ()
        self._renewed: float | None = None

    def first(self) -> BoardState:
        """What is there at once: without the log, the comparisons and the schema."""
        return self._snapshot(TrafficWindow(), ["The access log, the comparisons and the schema are being read."])

    def read(self) -> BoardState:
        """All of it, as it is now."""
        traffic = self._traffic.read(now=time.time())
        return self._snapshot(traffic, [traffic.problem] if traffic.problem else [])

    def differences(self, route: str) -> RouteDifferences:
        """What is known to differ at a route."""
        return differences_of(route, self._evidence.get(route), self._shadow)

    def renew(self) -> None:
        """Read anew what takes long, if it wasn't read lately."""
        if self._renewed is not None and time.monotonic() < self._renewed + _RENEW_SECONDS:
            return
        problems: list[str] = []
        self._rollout = _known(self._open, self._rollout, problems)
        running = _known(lambda: self._rollout.running()[1].routes, (), [])
        # Before that, the way to the database would make the secrets of a development run.
        unstarted = SchemaHealth(ok=None, text="Not compared before the gateway's first start.")
        self._known_schema = self._schema() if running else unstarted
        names = [route.name for route in running]
        self._evidence = _known(lambda: self._rollout.evidence(names), {}, problems)
        self._slow_problems = tuple(problems)
        self._renewed = time.monotonic()

    def _snapshot(self, traffic: TrafficWindow, problems: list[str]) -> BoardState:
        now = dt.datetime.now(dt.UTC)
        entries = _known(self._rollout.entries, (), problems)
        routes = _known(self._routes, (), problems)
        traffic = traffic.of(route.name for route in routes)
        ramp = _known(self._ramps.read, None, problems)
        interrupted = _known(self._rollout.folder.interrupted, None, problems)
        if interrupted:
            problems.append(f"{interrupted.notice}.")
        if entries:
            problems += _gateway_problems(self._rollout.gateway.url)
        return BoardState(
            name=self._name,
            moment=now,
            minutes=self._minutes,
            progress=progress_of(routes, entries, traffic=traffic.fastapi_share, now=now),
            routes=tuple(self._row(route, traffic) for route in routes),
            requests=traffic.requests,
            schema=self._known_schema,
            ramp=ramp,
            watched=ramp is not None and not ramp.phase.is_end and self._ramps.runs,
            history=tuple(
                BoardEntry(entry=each, what=entry_text(each)) for each in entries[: -_SHOWN_ENTRIES - 1 : -1]
            ),
            problems=(*dict.fromkeys([*problems, *self._slow_problems]),),
        )

    def _routes(self) -> Sequence[Route]:
        """The routes as they run; before the first start those of the file."""
        try:
            return self._rollout.running()[1].routes
        except UsageError:
            return self._rollout.parse(self._rollout.file_content()).routes

    def _row(self, route: Route, traffic: TrafficWindow) -> BoardRoute:
        return BoardRoute(
            route=route,
            traffic=traffic.routes.get(route.name),
            parity=parity_of(route, self._evidence.get(route.name), wanted=self._rollout.proof.equal),
            commands=commands_of(route),
        )


def parity_of(route: Route, found: RouteEvidence | None, *, wanted: int) -> Parity:
    """What the comparisons and the shadow say of a route; `wanted` equal comparisons are what a move needs."""
    if route.v2_only:
        return Parity(word="equal", text="v2 only: there is nothing to compare")
    compared = found.compared if found else None
    shadow = (found.shadow if found else None) or {}
    clauses = [*_compared_clauses(found)]
    if shadow:
        clauses.append(f"shadow: {shadow.get('different', 0):,} of {shadow.get('asked', 0):,} different")
    if (compared and compared.different) or shadow.get("different"):
        word = "different"
    elif compared and not compared.changed and not compared.lacks and compared.equal >= max(1, wanted):
        word = "equal"
    else:
        word = "unproven"
    return Parity(word=word, text="; ".join(clauses))


def _compared_clauses(found: RouteEvidence | None) -> Iterator[str]:
    compared = found.compared if found else None
    if compared is None:
        yield "not compared lately"
        return
    day = compared.last.time[:16].replace("T", " ")
    if compared.changed:
        yield f"compared {day}, before {' and '.join(compared.changed)} changed"
        return
    yield f"{compared.equal:,} equal, {compared.last.different:,} of the last {compared.last.asked:,} different, {day}"
    if compared.standing:
        yield f"{many(compared.different, 'difference')} not settled"
    if compared.lacks:
        yield f"without {' and without '.join(compared.lacks)}"


def _gateway_problems(url: str) -> Iterator[str]:
    if running_version(url) is None:
        yield "No gateway answers: the stages are those that were applied last."
    elif (ejection := ejection_read(url)) is not None and ejection.ejected:
        yield f"FastAPI is ejected since {ejection.since}: Django answers its reads."


def _known(read: Callable[[], _T], otherwise: _Otherwise, problems: list[str]) -> _T | _Otherwise:
    """What `read` gives; where it can't, `otherwise`, and a problem more."""
    try:
        return read()
    except StranglerError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{error.filename or 'a file'} isn't readable ({error.strerror}).")
    return otherwise
