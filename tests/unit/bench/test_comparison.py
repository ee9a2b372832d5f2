import json

import pytest

from tests.bench.comparison import P99, Comparison, Round, Verdict
from tests.bench.wrk import Load


def load(requests: int, *, p99_ms: float = 10.0, seconds: float = 1.0) -> Load:
    return Load(
        requests=requests, seconds=seconds, p50_ms=p99_ms / 2, p99_ms=p99_ms, unsent=0, errors={}, cpu_seconds=0.5
    )


def comparison(*rates: tuple[int, int], target: float | None = None) -> Comparison:
    rounds = [Round(v1=load(v1), v2=load(v2, p99_ms=5)) for v1, v2 in rates]
    return Comparison("detail", target=target, rounds=rounds)


def test_rate_is_per_second_and_the_cores_time_per_request() -> None:
    assert load(250, seconds=2.0).rate == 125
    assert load(250, seconds=2.0).cpu_ms == 2


def test_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # Between the rounds the whole machine became four times slower; the medians' own ratio would be 2.5.
    found = comparison((400, 2000), (200, 1000), (100, 400))
    assert found.ratio == 5
    assert list(found.spread) == [4, 5]
    assert (found.v1.rate, found.v2.rate) == (200, 1000)


@pytest.mark.parametrize(("rate", "met"), [(399, False), (400, True), (401, True)])
def test_target_is_met_from_its_own_value_on(rate: int, met: bool) -> None:
    assert comparison((100, rate), target=4).verdicts[0] == Verdict(target="≥ 4 ×", met=met)


@pytest.mark.parametrize(("p99_ms", "met"), [(9.9, True), (10.0, False), (10.1, False)])
def test_p99_must_be_below_the_other_stacks(p99_ms: float, met: bool) -> None:
    found = Comparison("feed", target=None, rounds=[Round(v1=load(100), v2=load(100, p99_ms=p99_ms))])
    assert found.verdicts == [Verdict(target=P99, met=met)]
    assert found.met is met


def test_p99_is_the_median_of_all_rounds() -> None:
    rounds = [Round(v1=load(1, p99_ms=10), v2=load(1, p99_ms=p99_ms)) for p99_ms in (1, 9, 500)]
    assert Comparison("feed", target=None, rounds=rounds).v2.p99_ms == 9


def test_one_missed_target_is_enough() -> None:
    assert not comparison((100, 300), target=4).met
    assert comparison((100, 300), target=2.5).met


def test_document_is_json_with_every_round() -> None:
    document = json.loads(json.dumps(comparison((100, 400), (100, 600), target=4).document()))
    assert document["ratio"] == 5
    assert (document["ratio_least"], document["ratio_most"]) == (4, 6)
    assert [each["v2"]["requests"] for each in document["rounds"]] == [400, 600]
    assert {"target": "≥ 4 ×", "met": True} in document["targets"]
