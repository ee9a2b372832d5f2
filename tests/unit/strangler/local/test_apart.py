"""Work in a copy of this process."""

import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from strangler.errors import FailedError, UsageError
from strangler.local.apart import run_apart
from strangler.local.process import StopRequested
from strangler.routes.mistakes import Mistake, RoutesError


class _WithWords(Exception):
    """One that pickle makes of other arguments than it has."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def _raise(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_what_it_gives_comes_back_and_what_it_changes_does_not() -> None:
    changed: list[int] = []

    def work() -> bytes:
        changed.append(os.getpid())
        return b"x" * 1_000_000

    assert len(run_apart(work)) == 1_000_000
    assert changed == []


def test_what_it_imports_is_not_imported_here() -> None:
    def work() -> bool:
        import this

        return this.__name__ in sys.modules

    assert run_apart(work)
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    "error",
    [
        UsageError("wrong", "do it right"),
        RoutesError("routes.toml", [Mistake("a mistake", 3), Mistake("another", 4)]),
        StopRequested(),
    ],
)
def test_what_it_raises_is_raised_here(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        run_apart(_raise(error))
    assert str(caught.value) == str(error)
    assert not hasattr(caught.value, "__notes__") or isinstance(error, StopRequested)


def test_an_unexpected_exception_says_where_it_was_raised() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_apart(_raise(ZeroDivisionError("by nothing")))
    assert "in work" in caught.value.__notes__[0]


def test_an_exception_that_can_not_be_passed_on_is_its_text() -> None:
    with pytest.raises(RuntimeError, match="_WithWords: one two"):
        run_apart(_raise(_WithWords("one", "two")))


def test_a_copy_that_is_killed_is_a_failure() -> None:
    with pytest.raises(FailedError, match="was ended by SIGKILL"):
        run_apart(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_what_is_raised_meanwhile_ends_the_work() -> None:
    # Servers of other tests are children of this process, too.
    before, looks = {*psutil.Process().children()}, list[psutil.Process]()

    def meanwhile() -> None:
        looks.extend({*psutil.Process().children()} - before)
        raise StopRequested

    with pytest.raises(StopRequested):
        run_apart(lambda: time.sleep(60), meanwhile=meanwhile)
    assert looks
    assert not any(each.is_running() for each in looks)


def test_what_it_prints_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("before ")
    run_apart(lambda: sys.stdout.write("apart\n"))
    assert capfd.readouterr().out == "before apart\n"
