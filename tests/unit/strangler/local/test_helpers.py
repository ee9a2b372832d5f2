"""A helper that ends is started again, after a pause that grows."""

import logging
import os
from pathlib import Path
from typing import cast

import pytest

from strangler.errors import FailedError
from strangler.local.helpers import Helper, HelperKeeper
from strangler.local.process import Child

HELPER = Helper(name="shadow", argv=("shadow",), env={}, cwd=Path(os.sep), address="unix:shadow.sock")


class Ended:
    """A child as the keeper sees it."""

    exit_code: int | None = None

    def stop(self, *, timeout: float) -> None:
        assert timeout >= 0


class Bench:
    """A keeper with a clock that is set by hand."""

    def __init__(self, logged: pytest.LogCaptureFixture) -> None:
        self.now = 0.0
        self._logged = logged
        self.started: list[Child] = []
        self.fails = False
        self.keeper = HelperKeeper(HELPER, spawn=self.spawn, started=self.started.append, clock=lambda: self.now)

    @property
    def messages(self) -> list[str]:
        return self._logged.messages

    def spawn(self, _helper: Helper) -> Child:
        if self.fails:
            raise FailedError("shadow can't be started: no such file")
        return cast("Child", Ended())

    def end(self, code: int = -9) -> None:
        cast("Ended", self.started[-1]).exit_code = code
        self.keeper.restart_if_ended()

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
        self.keeper.restart_if_ended()


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO, "strangler")
    bench = Bench(caplog)
    bench.keeper.start()
    return bench


def test_one_that_runs_is_left_alone(bench: Bench) -> None:
    bench.pass_seconds(1000)
    assert (len(bench.started), bench.messages) == (1, [])


def test_a_helper_that_ended_is_logged_and_restarted_after_its_pause(bench: Bench) -> None:
    bench.end()
    assert bench.messages == ["shadow ended with code -9; clients don't need it, and it is started again in 1 s"]
    bench.pass_seconds(0.9)
    assert len(bench.started) == 1
    bench.pass_seconds(0.2)
    assert (len(bench.started), len(bench.messages)) == (2, 1)


def test_the_pause_doubles_until_it_runs_for_long(bench: Bench) -> None:
    for pause in (1, 2, 4, 8, 16, 32, 64, 64):
        bench.end()
        assert bench.messages[-1].endswith(f"again in {pause} s")
        bench.pass_seconds(pause)
    bench.pass_seconds(65)
    bench.end()
    assert bench.messages[-1].endswith("again in 1 s")


def test_one_that_cannot_be_started_is_tried_again(bench: Bench) -> None:
    bench.fails = True
    bench.end()
    bench.pass_seconds(1)
    assert bench.messages[-1].startswith("shadow can't be started: no such file; clients don't need it")
    bench.fails = False
    bench.pass_seconds(2)
    assert len(bench.started) == 2
