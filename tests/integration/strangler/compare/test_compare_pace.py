"""`strangler compare` asks no more than it may, and ends when it should."""

import signal
import threading
import time

import pytest

from tests.comparison_runs import SECONDS, Compare, Run
from tests.shadows import Reply, Request, TinyStack


@pytest.mark.long
def test_a_run_stops_by_itself_where_a_side_fails(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 200)
    stacks[0].reply = stacks[1].reply = lambda _request: Reply(b'{"detail":"x"}', status=500)
    run = compare.run(stacks[0].url, stacks[1].url, "--stop-window", "20", "--concurrency", "1")
    assert run.code == 4
    assert "stopped: 20 of the last 20 answers of left were errors" in run.out
    assert run.report["stopped"]
    assert 20 <= len(stacks[0].asked) < 40


@pytest.mark.long
def test_no_more_is_asked_than_the_rate(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 21)
    came: dict[int, list[float]] = {0: [], 1: []}
    for number, stack in enumerate(stacks):
        stack.reply = lambda _request, number=number: (came[number].append(time.monotonic()), Reply())[1]  # type: ignore[misc]
    assert compare.run(stacks[0].url, stacks[1].url, "--rate", "40", "--concurrency", "8").code == 0
    for times in came.values():
        assert len(times) == 21
        assert times[-1] - times[0] >= 20 / 40 - 0.05


def test_no_more_is_under_way_than_the_concurrency(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 40)
    lock, under_way, most = threading.Lock(), [0], [0]

    def reply(_request: Request) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        return Reply()

    stacks[0].reply = reply
    assert compare.run(stacks[0].url, stacks[1].url, "--concurrency", "3").code == 0
    assert most[0] == 3


def test_an_interrupt_ends_the_run_with_its_report(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 1000)
    process = compare.start(stacks[0].url, stacks[1].url, "--rate", "20")
    deadline = time.monotonic() + SECONDS
    while len(stacks[1].asked) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    run = Run(process.returncode, out, err, compare.folder)
    assert (run.code, run.report["stopped"]) == (4, "interrupted")
    assert "stopped: interrupted" in run.out
