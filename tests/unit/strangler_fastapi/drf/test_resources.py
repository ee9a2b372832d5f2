"""What a Resource is made of, before a service runs."""

import pytest

from strangler_fastapi.drf.resources import Resource
from tests.shop.crates.serializers import CRATE_SERIALIZER, CRATES


@pytest.mark.parametrize(("proxy", "named"), [(None, "Crate"), ("Ferry", "Ferry")])
def test_a_row_that_is_not_there_is_called_by_djangos_model(proxy: str | None, named: str) -> None:
    rows = Resource(CRATES.model, CRATE_SERIALIZER, model_name=proxy)
    assert rows.listing.noun == named
