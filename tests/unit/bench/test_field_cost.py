"""A field of a body costs at most half of DRF's, measured in one run."""

import pytest

from tests.bench.field_cost import KINDS, field_cost


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_costs_at_most_half_of_drfs(kind: str) -> None:
    cost = field_cost(kind)
    assert cost.library < cost.drf / 2, cost
