"""How a canary is judged."""

import math
import random

import pytest

from strangler.metrics.callers import CallerSample
from strangler.metrics.tally import StackTally
from strangler.ramp.gates import CanaryLimits, Figures, GateResult, Verdict, Window, judge, worst
from strangler.ramp.statistics import evidence_above, upper_bound
from strangler.routes.route import Stack


def tally(requests: int, errors: int = 0, *, scale: float = 1.0, seed: int = 0) -> StackTally:
    """Requests of about 20 ms, as latencies are spread."""
    found, rng = StackTally(requests=requests, errors=errors), random.Random(seed)  # noqa: S311 - repeatable, and no secret
    for _ in range(requests):
        found.times.add(scale * rng.lognormvariate(math.log(0.02), 0.6))
    return found


def judged(
    canary: StackTally,
    control: StackTally,
    *,
    percent: float = 5,
    next_percent: float = 25,
    parts: int = 10,
    recent: Window | None = None,
    callers: CallerSample | None = None,
) -> dict[str, GateResult]:
    figures = Figures(
        route="posts.list",
        percent=percent,
        next_percent=next_percent,
        step=Window(canary=canary, control=control),
        recent=recent or Window(),
        parts=parts,
        callers=callers,
    )
    return {result.gate: result for result in judge(figures, CanaryLimits())}


def callers(fastapi: int, django: int) -> CallerSample:
    sample = CallerSample()
    for number in range(fastapi + django):
        sample.add(f"user:{number}", Stack.FASTAPI if number < fastapi else Stack.DJANGO)
    return sample


def test_a_canary_that_does_as_well_passes() -> None:
    found = judged(tally(2000, 1), tally(40_000, 20, seed=1), callers=callers(50, 950))
    assert worst(found.values()) is Verdict.PASS, found


def test_errors_that_cannot_be_chance_are_a_breach_with_figures() -> None:
    found = judged(tally(1000, 15), tally(20_000, 10, seed=1))["errors"]
    assert (found.verdict, found.sentence) == (
        Verdict.BREACH,
        "5xx 1.50% (15 of 1,000) against 0.05% (10 of 20,000), more than 0.1 points above",
    )


@pytest.mark.parametrize(("requests", "errors"), [(20, 1), (200, 2), (1000, 4)])
def test_errors_that_may_be_chance_are_inconclusive(requests: int, errors: int) -> None:
    found = judged(tally(requests, errors), tally(20_000, 10, seed=1))["errors"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "it may be" in found.sentence


def test_a_larger_step_wants_more_to_be_known() -> None:
    canary, control = tally(800), tally(40_000, 10, seed=1)
    assert judged(canary, control, next_percent=25)["errors"].verdict is Verdict.PASS
    assert judged(canary, control, next_percent=100)["errors"].verdict is Verdict.INCONCLUSIVE


def test_errors_that_both_stacks_have_are_no_breach() -> None:
    assert judged(tally(1000, 300), tally(20_000, 6000, seed=1))["errors"].verdict is not Verdict.BREACH


def test_errors_that_begin_late_are_found_in_the_last_minute() -> None:
    recent = Window(canary=tally(60, 20), control=tally(1200, seed=1))
    found = judged(tally(200_000, 20), tally(200_000, seed=1), recent=recent)["errors"]
    assert found.verdict is Verdict.BREACH
    assert found.sentence.startswith("5xx 33.33% (20 of 60) against 0.00% (0 of 1,200) in the last minute")


def test_without_others_an_outage_is_a_breach_nevertheless() -> None:
    assert judged(tally(6, 6), StackTally())["errors"].verdict is Verdict.BREACH


def test_a_slower_canary_is_a_breach() -> None:
    found = judged(tally(2000, scale=1.5), tally(20_000, seed=1))["p95"]
    assert found.verdict is Verdict.BREACH
    assert found.sentence.endswith("more than 1.2 times")


def test_a_millisecond_more_is_none() -> None:
    canary, control = StackTally(), StackTally()
    for number in range(5000):
        control.times.add(0.002 + 0.001 * (number % 2))
        canary.times.add(0.003 + 0.001 * (number % 2))
    assert judged(canary, control, next_percent=100)["p95"].verdict is Verdict.PASS


def test_without_others_a_slow_minute_is_no_breach_and_a_slow_hold_is() -> None:
    control, slow = tally(20_000, seed=1), tally(600, scale=3)
    recent = Window(canary=slow)
    alone = {"percent": 100, "next_percent": 100}
    assert judged(tally(600, scale=3), control, parts=4, recent=recent, **alone)["p95"].verdict is Verdict.INCONCLUSIVE
    assert judged(tally(20_000), control, parts=10, recent=recent, **alone)["p95"].verdict is Verdict.PASS
    assert judged(tally(20_000, scale=1.5), control, parts=10, **alone)["p95"].verdict is Verdict.BREACH


def test_little_traffic_and_a_burst_are_inconclusive() -> None:
    assert judged(StackTally(), tally(100))["traffic"].verdict is Verdict.INCONCLUSIVE
    assert "came in a burst" in judged(tally(1000), tally(1000), parts=2)["traffic"].sentence


@pytest.mark.parametrize(
    ("fastapi", "verdict"), [(50, Verdict.PASS), (75, Verdict.INCONCLUSIVE), (400, Verdict.BREACH), (0, Verdict.BREACH)]
)
def test_the_share_of_callers(fastapi: int, verdict: Verdict) -> None:
    assert judged(tally(10), tally(10), callers=callers(fastapi, 1000 - fastapi))["callers"].verdict is verdict


def test_a_sample_of_many_callers_keeps_their_share() -> None:
    sample = callers(20_000, 180_000)
    assert len(sample.known) <= 4096
    assert sample.estimate(Stack.FASTAPI) == pytest.approx(20_000, rel=0.15)
    assert sample.counts[Stack.FASTAPI] / len(sample.known) == pytest.approx(0.1, rel=0.15)


def test_bounds_are_those_of_the_rule_of_three_and_of_certainty() -> None:
    assert upper_bound(0, 300, evidence=3) == pytest.approx(0.01, rel=0.01)
    assert upper_bound(0, 0, evidence=3) == 1
    assert upper_bound(5, 5, evidence=3) == 1
    assert evidence_above(1, 100, 0.05) == 0
    assert evidence_above(5, 5, 0) == math.inf
