"""A program that ends is started again: at once, then after a pause that grows."""

import logging
import os
import signal
from pathlib import Path
from typing import cast

import pytest

from strangler.errors import FailedError
from strangler.local.keeper import Helper, Keeper
from strangler.local.process import Child, Program

HELPER = Helper(name="shadow", argv=("shadow",), env={}, cwd=Path(os.sep), address="unix:shadow.sock")
SERVICE = Program(name="fastapi", argv=("fastapi",), env={}, cwd=Path(os.sep))


class Ended:
    """A child as the keeper sees it."""

    exit_code: int | None = None
    stopped = 0
    group_runs = False

    def __init__(self) -> None:
        self.process = self
        self.signals: list[int] = []

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def stop(self, *, timeout: float) -> None:
        assert timeout >= 0
        self.stopped += 1


class Bench:
    """A keeper with a clock that is set by hand."""

    def __init__(self, program: Program, logged: pytest.LogCaptureFixture) -> None:
        self.now = 0.0
        self._logged = logged
        self.started: list[Ended] = []
        self.seen: list[tuple[bool, int]] = []
        self.fails = False
        self.keeper = Keeper(program, spawn=self.spawn, changed=self.changed, clock=lambda: self.now)
        self.keeper.start()

    @property
    def messages(self) -> list[str]:
        return self._logged.messages

    def spawn(self, _program: Program) -> Child:
        if self.fails:
            raise FailedError("it can't be started: no such file")
        self.started.append(Ended())
        return cast("Child", self.started[-1])

    def changed(self, keeper: Keeper) -> None:
        self.seen.append((keeper.child is not None, keeper.restarts))

    def end(self, code: int = -9) -> None:
        self.started[-1].exit_code = code
        self.keeper.restart_if_ended()

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
        self.keeper.restart_if_ended()


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO, "strangler")
    return Bench(SERVICE, caplog)


def test_one_that_runs_is_left_alone(bench: Bench) -> None:
    bench.pass_seconds(1000)
    assert (len(bench.started), bench.messages) == (1, [])
    assert bench.seen == [(True, 0)]


def test_a_program_that_ended_is_started_again_at_once(bench: Bench) -> None:
    bench.end()
    assert bench.messages == ["fastapi was ended by SIGKILL; it is started again at once"]
    assert bench.seen == [(True, 0), (False, 0), (True, 1)]
    # What is left of its group would keep its port.
    assert bench.started[0].stopped == 1
    assert bench.keeper.last_end.startswith("fastapi was ended by SIGKILL at 20")


def test_the_pause_doubles_until_it_runs_for_long(bench: Bench) -> None:
    bench.end()
    for pause in (1, 2, 4, 8, 16, 32, 64, 64):
        bench.end(code=1)
        assert bench.messages[-1] == f"fastapi ended with code 1; it is started again in {pause} s"
        bench.pass_seconds(pause - 0.1)
        assert bench.keeper.child is None
        bench.pass_seconds(0.1)
        assert bench.keeper.child is not None
    bench.pass_seconds(65)
    bench.end()
    assert bench.messages[-1].endswith("again at once")


def test_one_that_cannot_be_started_is_tried_again(bench: Bench) -> None:
    bench.fails = True
    bench.end()
    assert bench.messages[-1] == "it can't be started: no such file; it is started again in 1 s"
    bench.fails = False
    bench.pass_seconds(1)
    assert len(bench.started) == 2
    assert bench.keeper.restarts == 2


def test_a_restart_that_was_asked_for_is_no_failure(bench: Bench) -> None:
    bench.end()
    bench.keeper.ask_restart()
    assert bench.started[1].signals == [signal.SIGTERM]
    bench.end(code=0)
    assert (len(bench.started), len(bench.messages), bench.keeper.restarts) == (3, 1, 1)


def test_a_restart_that_was_asked_for_waits_for_no_pause(bench: Bench) -> None:
    for _ in range(3):
        bench.end(code=1)
    bench.pass_seconds(0.5)
    assert bench.keeper.child is None
    bench.keeper.ask_restart()
    bench.pass_seconds(0)
    assert bench.keeper.child is not None


def test_one_that_was_asked_to_end_is_started_no_more(bench: Bench) -> None:
    bench.keeper.ask_end()
    assert bench.started[0].signals == [signal.SIGTERM]
    bench.end(code=0)
    bench.pass_seconds(1000)
    assert (len(bench.started), bench.messages, bench.keeper.ending) == (1, [], "ended with code 0")


def test_workers_that_serve_without_their_main_process_are_left_to_be_replaced(bench: Bench) -> None:
    bench.keeper.let_orphans_serve(lambda: True)
    bench.started[0].group_runs = True
    bench.end()
    assert bench.messages == ["fastapi was ended by SIGKILL; its workers serve until another is ready"]
    assert (bench.keeper.wants_replacement, bench.started[0].stopped) == (False, 0)
    bench.pass_seconds(2)
    assert (bench.keeper.wants_replacement, len(bench.started)) == (True, 1)
    bench.keeper.replacement_begins()
    assert not bench.keeper.wants_replacement
    bench.keeper.ask_restart()
    bench.pass_seconds(0)
    assert (len(bench.started), bench.started[0].stopped, bench.keeper.restarts) == (2, 1, 1)
    assert not bench.keeper.is_orphaned
    assert bench.keeper.last_end.startswith("fastapi was ended by SIGKILL at 20")


def test_a_replacement_that_fails_is_tried_again_later_each_time(bench: Bench) -> None:
    bench.keeper.let_orphans_serve(lambda: True)
    bench.started[0].group_runs = True
    bench.end()
    for pause in (2, 2, 2, 4, 8):
        bench.pass_seconds(pause - 0.1)
        assert not bench.keeper.wants_replacement
        bench.pass_seconds(0.1)
        assert bench.keeper.wants_replacement
        bench.keeper.replacement_begins()


@pytest.mark.parametrize("ends", ["its workers end", "they answer no more"])
def test_workers_that_go_too_are_started_again_with_their_main_process(bench: Bench, ends: str) -> None:
    serves = [True]
    bench.keeper.let_orphans_serve(lambda: serves[0])
    bench.started[0].group_runs = True
    bench.end()
    if ends == "its workers end":
        bench.started[0].group_runs = False
    else:
        serves[0] = False
    bench.pass_seconds(2)
    assert (len(bench.started), bench.started[0].stopped, bench.keeper.restarts) == (2, 1, 1)
    assert not bench.keeper.wants_replacement


def test_a_helper_is_said_to_be_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "strangler")
    bench = Bench(HELPER, caplog)
    bench.end()
    assert bench.messages == ["shadow was ended by SIGKILL, which clients don't need; it is started again at once"]
