"""The way of a ramp: on, back, stopped, and killed between any two writes."""

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.metrics.follower import AccessLogFollower
from strangler.ramp import store as store_module
from strangler.ramp.gates import CanaryLimits
from strangler.ramp.ramp import Ramp, ramp_begin
from strangler.ramp.state import Phase, RampPlan, RampRequest, RouteState
from strangler.ramp.steps import hours_parse, is_within, moment_parse, seconds_parse, steps_after, steps_parse
from strangler.ramp.store import RampFolder
from strangler.rollout.edits import Edits
from tests.unit.strangler.metrics.test_access_log import line

ROUTE = "posts.list"
PARALLEL = RouteState(stage="parallel")
STEPS = (20.0, 50.0, 100.0)
# Few requests are enough to go on.
LIMITS = CanaryLimits(errors=3, p95=3, p99=3)


class KilledError(BaseException):
    """The process has ended."""


class World:
    """A gateway whose requests are made up; all that outlives a killed process."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "nginx.log"
        self.folder = RampFolder(folder / "ramp")
        self.place = PARALLEL
        self.clock = 1_795_348_800.0
        self.failing = 0.0
        self.requests = 40
        self.moves: list[str] = []
        self.said: list[str] = []
        self.hooks: list[str] = []
        self.refused = self.refused_first = ""
        self.unhealthy = ""
        self.different = 0
        self.minutes = 12 * 60
        self.random = random.Random(3)  # noqa: S311 - repeatable, and no secret
        self.on_step: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.clock

    def minute(self) -> int:
        return self.minutes

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def places(self, names: Sequence[str]) -> Mapping[str, RouteState]:
        return dict.fromkeys(names, self.place)

    def move(self, edits: Edits, *, reason: str) -> None:
        self._apply(edits, reason)

    def take_back(self, edits: Edits, *, reason: str) -> None:
        self._apply(edits, reason)

    def clearance(self, document: Mapping[str, Any]) -> str | None:
        return self.refused if document["percent"] > 20 else self.refused_first

    def health(self) -> str:
        return self.unhealthy

    def differences(self, names: Sequence[str]) -> Mapping[str, int]:
        return dict.fromkeys(names, self.different)

    def hook(self, event: str, document: Mapping[str, Any]) -> None:
        self.hooks.append(f"{event} {document['percent']:g}")

    def pass_second(self) -> None:
        self.clock += 1
        time = dt.datetime.fromtimestamp(self.clock, dt.UTC).isoformat(timespec="seconds")
        share = 1.0 if self.place.stage == "migrated" else (self.place.percent or 0) / 100
        with self.log.open("a") as file:
            for _ in range(self.requests):
                user = self.random.randrange(100_000)
                fastapi = user < share * 100_000
                status = 500 if fastapi and self.random.random() < self.failing else 200
                stack = "fastapi" if fastapi else "django"
                seconds = f"{self.random.lognormvariate(-4, 0.3):.3f}"
                file.write(line(time=time, stack=stack, caller=f"user:{user}", status=status, upstream_time=seconds))

    def _apply(self, edits: Edits, reason: str) -> None:
        self.on_step()
        self.place = RouteState(**edits[ROUTE])
        self.moves.append(f"{self.place.stage} {self.place.percent or 0:g}: {reason}")
        self.on_step()


def plan(**changes: Any) -> RampPlan:
    values: dict[str, Any] = {
        "routes": [ROUTE],
        "steps": STEPS,
        "hold": 10.0,
        "between": None,
        "approvals": (),
        "limits": {ROUTE: LIMITS},
        "before": {ROUTE: PARALLEL},
        "differences": {ROUTE: 0},
        "who": "ann@host",
        "command": "ramp posts.list",
    }
    return RampPlan(**values | changes)


def begin(world: World, **changes: Any) -> Ramp:
    follower = AccessLogFollower.at_end(world.log)
    return ramp_begin(plan(**changes), store=world.folder, follower=follower, around=world)


def resume(world: World) -> Ramp:
    state = world.folder.read()
    assert state is not None
    return Ramp(state, store=world.folder, follower=AccessLogFollower(world.log, state.position), around=world)


def run(ramp: Ramp, world: World, *, seconds: int = 120) -> Ramp:
    for _ in range(seconds):
        if ramp.state.phase.is_end:
            break
        ramp.tick()
        world.pass_second()
    return ramp


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_healthy_canary_goes_to_the_end(world: World) -> None:
    ended = run(begin(world), world)
    assert ended.state.phase is Phase.FINISHED, world.said
    assert world.moves == [
        "canary 20: ramp: step 20%",
        "canary 50: ramp: step 50%",
        "migrated 0: ramp: step 100%",
    ]
    assert world.hooks == ["step 20", "step 50", "step 100", "finish 100"]


def test_a_canary_that_begins_to_fail_is_taken_back_with_its_figures(world: World) -> None:
    ramp = begin(world)
    while ramp.state.percent != 50:
        run(ramp, world, seconds=1)
    world.failing = 0.5
    begun = world.clock
    run(ramp, world)
    assert (ramp.state.phase, world.place) == (Phase.RETURNED, PARALLEL)
    assert world.clock - begun < 5
    assert world.moves[-1].startswith("parallel 0: ramp: posts.list 5xx ")
    assert world.hooks[-1] == "rollback 50"
    events = [event["event"] for event in world.folder.events()]
    assert events[-1] == "returned"
    assert world.folder.events()[-1]["why"] == ramp.state.why


def test_without_traffic_it_waits_and_says_so(world: World) -> None:
    world.requests = 0
    ramp = run(begin(world), world, seconds=60)
    assert (ramp.state.phase, ramp.state.percent) == (Phase.WATCHING, 20)
    assert ramp.state.why.startswith("inconclusive, posts.list: 0 requests of the canary")
    assert len(world.said) == 3, world.said


@pytest.mark.parametrize(("what", "value"), [("unhealthy", "no answer"), ("different", 1)])
def test_what_is_found_besides_the_figures_takes_it_back(world: World, what: str, value: object) -> None:
    ramp = run(begin(world), world, seconds=5)
    setattr(world, what, value)
    run(ramp, world, seconds=6)
    assert (ramp.state.phase, world.place) == (Phase.RETURNED, PARALLEL)


def test_a_pause_keeps_it_at_its_step_and_still_takes_it_back(world: World) -> None:
    ramp = run(begin(world), world, seconds=3)
    world.folder.ask(RampRequest(want="pause", who="bob@host"), moment=1.0)
    run(ramp, world, seconds=30)
    assert ramp.state.percent == 20
    assert ramp.state.why.startswith("paused")
    world.failing = 1.0
    run(ramp, world, seconds=5)
    assert ramp.state.phase is Phase.RETURNED


def test_steps_wait_for_their_hours_and_for_somebody_else(world: World) -> None:
    world.minutes = 8 * 60
    ramp = run(begin(world, between=(540, 960), approvals=(50.0,)), world, seconds=30)
    assert ramp.state.why == "good, and waits for 09:00-16:00"
    world.minutes = 9 * 60
    run(ramp, world, seconds=3)
    assert "waits for somebody else to approve 50%" in ramp.state.why
    world.folder.ask(RampRequest(want="approve", who="bob@host"), moment=1.0)
    run(ramp, world, seconds=3)
    assert ramp.state.percent == 50


def test_an_abort_takes_it_back(world: World) -> None:
    ramp = run(begin(world), world, seconds=20)
    world.folder.ask(RampRequest(want="abort", who="bob@host", reason="wrong"), moment=1.0)
    run(ramp, world, seconds=2)
    assert (ramp.state.phase, world.place, ramp.state.why) == (
        Phase.RETURNED,
        PARALLEL,
        "aborted by bob@host: wrong",
    )


def test_what_somebody_else_has_moved_stays_there(world: World) -> None:
    ramp = run(begin(world), world, seconds=5)
    world.place = RouteState(stage="legacy")
    run(ramp, world, seconds=3)
    assert (ramp.state.phase, world.place.stage, len(world.moves)) == (Phase.SUPERSEDED, "legacy", 1)


def test_a_step_that_may_not_begin_is_waited_for(world: World) -> None:
    world.refused = "posts.title is missing"
    ramp = run(begin(world), world, seconds=30)
    assert ramp.state.why == "50% may not begin: posts.title is missing"
    world.refused = ""
    assert run(ramp, world).state.phase is Phase.FINISHED


def test_a_first_step_that_is_refused_ends_it(world: World) -> None:
    ramp = begin(world)

    def refuse() -> None:
        raise UnsafeError("plan x is refused as unsafe", "compare it")

    world.on_step = refuse
    with pytest.raises(UnsafeError):
        ramp.tick()
    assert (ramp.state.phase, world.place) == (Phase.RETURNED, PARALLEL)


def test_routes_that_cannot_be_taken_back_yet_are_tried_again(world: World) -> None:
    ramp = run(begin(world), world, seconds=5)
    failures = [FailedError("nginx does not answer"), FailedError("nginx does not answer")]

    def fail() -> None:
        if failures:
            raise failures.pop()

    world.on_step = fail
    world.failing = 1.0
    for _ in range(10):
        world.pass_second()
        try:
            ramp.tick()
        except FailedError:
            assert ramp.state.phase is Phase.RETURNING
    assert (ramp.state.phase, world.place) == (Phase.RETURNED, PARALLEL)


@pytest.mark.parametrize("failing", [False, True])
def test_a_kill_between_any_two_writes_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """Killed before and after each write and each move, and resumed."""
    written = {name: getattr(store_module, name) for name in ("write_durably", "append_durably", "remove_durably")}
    number, killed = 0, True
    while killed:
        number, killed = number + 1, False
        world = World(tmp_path / str(number))
        world.log.parent.mkdir()
        world.failing = 0.4 if failing else 0.0
        left = [number]

        def count(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KilledError

        def counted(write: Callable[..., None], count: Callable[[], None]) -> Callable[..., None]:
            def wrapped(*arguments: Any) -> None:
                count()
                write(*arguments)
                count()

            return wrapped

        for name, write in written.items():
            monkeypatch.setattr(store_module, name, counted(write, count))
        world.on_step = count
        try:
            run(begin(world, steps=(50.0, 100.0), hold=5.0), world)
        except KilledError:
            killed = True
        if world.folder.read() is None:
            assert (number, world.moves) == (1, [])
            continue
        run(resume(world), world)
        ended = world.folder.read()
        assert ended is not None
        wanted = (Phase.RETURNED, PARALLEL) if failing else (Phase.FINISHED, RouteState(stage="migrated"))
        assert (ended.phase, world.place) == wanted, (number, world.said)
        assert len(world.moves) == len(set(world.moves)), (number, world.moves)
        assert "returned" in [event["event"] for event in world.folder.events()] or not failing
    assert number > 12


def test_what_was_measured_before_a_kill_is_not_measured_again(world: World) -> None:
    ramp = run(begin(world), world, seconds=8)
    assert ramp.state.measured[ROUTE]["step"]["canary"]["requests"] > 0
    again = resume(world)
    again.tick()
    lines = world.log.read_text().splitlines()
    figures = [each for each in again.state.results if each["gate"] == "traffic"]
    canary = sum('"fastapi"' in each for each in lines)
    assert figures[0]["sentence"].startswith(
        f"{canary:,} requests of the canary, {len(lines) - canary:,} of the others"
    )


def test_a_second_ramp_waits_for_the_end_of_the_first(world: World) -> None:
    begin(world)
    with pytest.raises(UsageError, match=r"a ramp of posts\.list hasn't ended: go on with strangler ramp resume"):
        begin(world)


def test_steps_and_times_as_they_are_typed() -> None:
    assert steps_parse("1,5,12.5,100") == (1, 5, 12.5, 100)
    assert (seconds_parse("90s"), seconds_parse("10m"), hours_parse("22:30-06:00")) == (90, 600, (1350, 360))
    assert [is_within((1350, 360), minute) for minute in (1349, 1350, 0, 359, 360)] == [False, True, True, True, False]
    for text in ("5,1", "0,5", "101", "a", "5,5", "1.234"):
        with pytest.raises(UsageError):
            steps_parse(text)
    for text in ("10", "0s", "1d"):
        with pytest.raises(UsageError):
            seconds_parse(text)
    for text in ("9-16", "24:00-01:00", "09:00-09:00"):
        with pytest.raises(UsageError):
            hours_parse(text)


def test_a_ramp_begins_where_its_routes_are() -> None:
    assert steps_after(STEPS, [PARALLEL]) == STEPS
    assert steps_after(STEPS, [RouteState(stage="canary", percent=50)]) == (50, 100)
    for places in (
        [RouteState(stage="legacy")],
        [RouteState(stage="canary", percent=60)],
        [PARALLEL, RouteState(stage="canary", percent=5)],
    ):
        with pytest.raises(UsageError):
            steps_after(STEPS, places)


def test_one_that_begins_later_moves_nothing_before_and_is_cleared_then(world: World) -> None:
    world.refused_first = "the schema has drifted"
    ramp = begin(world, at=world.clock + 30)
    run(ramp, world, seconds=30)
    assert (ramp.state.phase, world.moves, ramp.state.standing) == (Phase.WAITING, [], "for 20%")
    assert ramp.state.why.startswith("begins: ")
    run(ramp, world, seconds=10)
    assert (ramp.state.phase, world.moves) == (Phase.WAITING, [])
    assert ramp.state.why == "20% may not begin: the schema has drifted"
    world.refused_first = ""
    run(resume(world), world, seconds=40)
    assert world.moves[0] == "canary 20: ramp: step 20%"


def test_one_that_waits_for_its_time_can_be_paused_and_ended(world: World) -> None:
    ramp = begin(world, at=world.clock + 5)
    world.folder.ask(RampRequest(want="pause", who="bob@host"), moment=1)
    run(ramp, world, seconds=20)
    assert (ramp.state.phase, ramp.state.paused, world.moves) == (Phase.WAITING, True, [])
    world.folder.ask(RampRequest(want="abort", who="bob@host"), moment=2)
    run(ramp, world)
    assert (ramp.state.phase, world.moves) == (Phase.RETURNED, [])


def test_what_was_logged_before_the_first_step_is_no_figure_of_it(world: World) -> None:
    ramp = begin(world, at=world.clock + 20)
    run(ramp, world, seconds=21)
    world.requests = 0
    run(ramp, world, seconds=2)
    assert ramp.state.phase is Phase.WATCHING
    ramp.keep()
    assert ramp.state.measured[ROUTE]["step"]["control"]["requests"] <= 40


def test_times_to_begin_at() -> None:
    now = dt.datetime(2027, 1, 31, 21, 0).astimezone().timestamp()
    assert moment_parse("22:00", now=now) == now + 3600
    assert moment_parse("20:00", now=now) == now + 23 * 3600
    assert moment_parse("2027-02-01T21:00", now=now) == now + 24 * 3600
    for text in ("25:00", "noon", "2027-01-31T20:59"):
        with pytest.raises(UsageError, match=text):
            moment_parse(text, now=now)
