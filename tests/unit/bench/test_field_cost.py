"""A field of a body costs a fraction of DRF's and about what Pydantic's does, measured in one run."""

import pytest

from tests.bench.field_cost import KINDS, field_cost

# Of each it is about twice at most; so much where others run, too.
_OF_PYDANTICS = 2.75


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_costs_a_fraction_of_drfs_and_about_pydantics(kind: str) -> None:
    cost = field_cost(kind)
    assert cost.library < cost.drf / 3, cost
    assert cost.library < cost.pydantic * _OF_PYDANTICS, cost
