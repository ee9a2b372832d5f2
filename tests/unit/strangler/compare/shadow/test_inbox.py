"""What a series of numbers lacks, whatever order several senders give it."""

import pytest

from strangler.compare.shadow.inbox import SequenceGaps


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([7, 8, 9], 0),
        ([7, 9, 12], 3),
        ([7, 9, 8, 10], 0),
        # The first to come needn't be the first that was sent, and what came before it was sent to nobody.
        ([8, 7, 9], 0),
        ([7, 8, 50_000_000, 50_000_001], 0),
        ([50_000_000, 1, 2, 4], 1),
    ],
)
def test_numbers_that_did_not_come_are_counted(numbers: list[int], missing: int) -> None:
    gaps = SequenceGaps()
    for number in numbers:
        gaps.came(number)
    assert gaps.take() == missing
    assert gaps.take() == 0
