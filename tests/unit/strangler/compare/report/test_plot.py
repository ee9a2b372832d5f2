from itertools import pairwise

import pytest

from strangler.compare.report.plot import HEIGHT, MIDDLE, WIDTH, plot_of
from tests.comparison_reports import timing


def test_the_left_stands_above_the_axis_and_the_right_below() -> None:
    plot = plot_of(timing(0.01, 0.02, 0.02), timing(0.005, 0.04))
    assert plot is not None
    assert {bar.y + bar.height for bar in plot.left.bars} == {MIDDLE}
    assert {bar.y for bar in plot.right.bars} == {MIDDLE}


def test_what_takes_longer_stands_further_right() -> None:
    plot = plot_of(timing(0.01), timing(0.1))
    assert plot is not None
    assert plot.left.bars[0].x < plot.right.bars[0].x


def test_a_quantile_lies_in_the_bar_of_its_answers() -> None:
    plot = plot_of(timing(*[0.013] * 9, 0.4), timing(0.013, 0.4))
    assert plot is not None
    bar, place = plot.left.bars[0], dict(plot.left.quantiles)["p50"]
    assert bar.x - 1 <= place <= bar.x + bar.width + 1


@pytest.mark.parametrize("seconds", [(0.01,), (1e-6, 100.0), (0.001, 0.0011), (1e-9,)])
def test_all_is_within_the_plot_and_labels_apart(seconds: tuple[float, ...]) -> None:
    plot = plot_of(timing(*seconds), timing(*seconds))
    assert plot is not None
    for bar in (*plot.left.bars, *plot.right.bars):
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
    assert all(other - one >= 50 for (_, one), (_, other) in pairwise(plot.ticks))


def test_a_side_without_times_has_no_plot() -> None:
    assert plot_of(timing(0.1), None) is None
