"""When a statement is planned anew for its values."""

from contextlib import ExitStack

import pytest

from strangler_fastapi.db import plans
from strangler_fastapi.db.plans import PlanChoice

QUICK, SLOW, SLOWEST = 0.001, 0.1, 0.3


def after(*seconds: float) -> PlanChoice:
    choice = PlanChoice()
    for each in seconds:
        choice.took(each, is_anew=choice.is_anew)
    return choice


def test_what_is_quick_goes_by_the_plan_that_is_kept() -> None:
    choice = after(*[QUICK] * 1000)
    assert not choice.is_anew
    assert not choice.is_slow


def test_what_was_slow_is_planned_anew_for_as_long_as_that_is_quicker() -> None:
    assert after(SLOWEST).is_anew
    assert after(SLOWEST).is_slow
    assert after(SLOWEST, *[SLOW] * 1000).is_anew


def test_the_kept_plan_is_tried_again_after_a_hundred_quick_runs() -> None:
    assert after(SLOW, *[QUICK] * 99).is_anew
    assert not after(SLOW, *[QUICK] * 100).is_anew
    assert after(SLOWEST, *[QUICK] * 99, SLOW, *[QUICK] * 99).is_anew
    assert after(SLOW, *[QUICK] * 100, SLOW).is_anew


def test_a_database_that_is_slow_by_itself_plans_little() -> None:
    choice, planned = PlanChoice(), 0
    for _ in range(1000):
        planned += choice.is_anew
        choice.took(SLOW, is_anew=choice.is_anew)
    assert planned < 60


def test_a_single_run_that_was_no_quicker_changes_nothing() -> None:
    assert after(SLOWEST, *[SLOW, SLOW, SLOWEST, SLOWEST] * 100).is_anew


def test_a_kept_plan_that_gets_worse_than_those_it_was_compared_with_is_left() -> None:
    """A statement's first executions are planned for their values, too."""
    choice = after(*[SLOW] * 6)
    assert not choice.is_anew
    choice.took(SLOW, is_anew=choice.is_anew)
    assert not choice.is_anew
    choice.took(SLOWEST, is_anew=choice.is_anew)
    assert choice.is_anew


def test_runs_that_began_before_the_choice_say_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the rest of ten requests at once would pass for runs that were planned anew, in vain."""
    moments = iter([0.0] * 10 + [SLOWEST * 10] * 10)
    monkeypatch.setattr(plans.time, "perf_counter", lambda: next(moments))
    choice = PlanChoice()
    with ExitStack() as runs:
        assert not any(runs.enter_context(choice.timed()) for _ in range(10))
    assert PlanChoice.under_way == 0
    assert choice.is_anew
    # Of those that are planned anew some end after the choice for the kept plan, too.
    for _ in range(10):
        choice.took(SLOWEST, is_anew=True)
    assert not choice.is_anew
    choice.took(10 * SLOWEST, is_anew=True)
    assert not choice.is_anew


def test_a_run_is_slow_by_its_share_of_the_time_of_all_that_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 0.1, 1.0, 1.1])
    monkeypatch.setattr(plans.time, "perf_counter", lambda: next(moments))
    alone, crowded = PlanChoice(), PlanChoice()
    with alone.timed():
        pass
    assert alone.is_anew
    monkeypatch.setattr(PlanChoice, "under_way", 9)
    with crowded.timed():
        pass
    assert not crowded.is_slow
    assert PlanChoice.under_way == 9


def test_a_run_that_fails_says_nothing_and_is_under_way_no_longer() -> None:
    choice = PlanChoice()
    with pytest.raises(OSError, match="gone"), choice.timed():
        raise OSError("gone")
    assert PlanChoice.under_way == 0
    assert not choice.is_anew
