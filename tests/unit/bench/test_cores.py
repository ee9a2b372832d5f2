"""A process has a core of its own for a while, with its threads and children, and nothing else has that one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from strangler.errors import UsageError
from tests.bench.bystanders import Bystanders
from tests.bench.cores import alone_on_a_core

needs_two = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
THREADED = "import threading; threading.Thread(target=input).start(); print('ready', flush=True)"


@contextmanager
def program(code: str) -> Iterator[psutil.Process]:
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - this Python
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield psutil.Process(process.pid)
        process.kill()


def cores_of(process: psutil.Process) -> set[frozenset[int]]:
    return {frozenset(os.sched_getaffinity(thread.id)) for thread in process.threads()}


@needs_two
def test_a_core_of_its_own_and_the_rest_for_others() -> None:
    every = os.sched_getaffinity(0)
    first, *rest = sorted(every)
    with program(THREADED) as slow, program(THREADED) as other:
        with alone_on_a_core(slow, others=[other]):
            assert len(slow.threads()) == 2
            assert cores_of(slow) == {frozenset([first])}
            assert cores_of(other) == cores_of(psutil.Process()) == {frozenset(rest)}
            with program(THREADED) as later:
                assert cores_of(later) == {frozenset(rest)}
        assert cores_of(slow) == cores_of(other) == cores_of(psutil.Process()) == {frozenset(every)}


@needs_two
def test_who_has_ended_meanwhile_is_no_failure() -> None:
    with program(THREADED) as slow, program(THREADED) as other, alone_on_a_core(slow, others=[other]):
        for process in (slow, other):
            process.kill()
            process.wait()


def test_one_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    with pytest.raises(UsageError, match="there is one core only"), alone_on_a_core(psutil.Process(), others=[]):
        pass


def test_what_this_program_starts_is_no_bystander(monkeypatch: pytest.MonkeyPatch) -> None:
    bystanders = Bystanders()
    busy = psutil.cpu_times()
    with program("x = 0\nfor each in range(3_000_000): x += each\nprint('ready', flush=True)\ninput()") as worked:
        taken = sum(worked.cpu_times()[:2])
        monkeypatch.setattr(psutil, "cpu_times", lambda: busy._replace(user=busy.user + taken))
        assert bystanders.cores() < 0.2
        monkeypatch.setattr(psutil, "cpu_times", lambda: busy._replace(user=busy.user + taken + 100))
        assert bystanders.cores() > 1
