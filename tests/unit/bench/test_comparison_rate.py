import pytest

from tests.bench.comparison_rate import Compared, Pair, Result, Setting
from tests.bench.wrk import Load


def pair(alone: int, compared: int, *, bystanders: float = 0.0) -> Pair:
    load = Load(requests=alone, seconds=1.0, p50_ms=1, p99_ms=2, unsent=0, errors={}, cpu_seconds=0.5)
    return Pair(alone=load, compared=Compared(cases=compared, seconds=1.0, cpu_seconds=0.1), bystanders=bystanders)


def result(*rates: tuple[int, int], own_core: bool = True) -> Result:
    return Result(setting=Setting(own_core=own_core, concurrency=4), pairs=[pair(*each) for each in rates])


def test_what_the_first_case_takes_is_left_out() -> None:
    start = Compared(cases=1, seconds=0.2, cpu_seconds=0.7)
    assert Compared(cases=101, seconds=1.2, cpu_seconds=0.9).beyond(start).rate == 100
    assert Compared(cases=101, seconds=1.2, cpu_seconds=0.9).beyond(start).cpu_ms == pytest.approx(2)


def test_the_ratio_is_that_of_the_medians_with_the_range_of_the_rounds() -> None:
    found = result((100, 90), (200, 100), (120, 120))
    assert (found.alone, found.compared, found.ratio) == (120, 100, pytest.approx(100 / 120))
    assert ", 0.83 (0.50-1.00), met;" in str(found)


@pytest.mark.parametrize(("compared", "missed"), [(79, True), (80, False), (120, False)])
def test_the_target_is_met_from_its_own_value_on(compared: int, *, missed: bool) -> None:
    assert result((100, compared)).missed is missed
    assert (", missed;" in str(result((100, compared)))) is missed


def test_without_a_core_of_its_own_there_is_no_target_and_still_a_number() -> None:
    found = result((100, 40), own_core=False)
    assert not found.missed
    assert str(found) == (
        " 4 at once, no core of its own: 100 answers a second alone, 40 cases compared a second, "
        "0.40 (0.40-0.40), no target; others took 0.0 cores"
    )


def test_what_others_took_is_reported() -> None:
    setting = Setting(own_core=True, concurrency=16)
    pairs = [pair(1, 1, bystanders=cores) for cores in (0.1, 1.5, 1.2)]
    assert str(Result(setting=setting, pairs=pairs)).endswith("; others took 1.2 cores")
