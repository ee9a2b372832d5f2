"""What a Resource is made of, before a service runs."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from strangler_fastapi.drf.caller_rows import CALLER
from strangler_fastapi.drf.http.own_handler import NOW
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.errors import NotPorted
from tests.shop.crates.serializers import CRATE_SERIALIZER, CRATES


@pytest.mark.parametrize(("proxy", "named"), [(None, "Crate"), ("Ferry", "Ferry")])
def test_a_row_that_is_not_there_is_called_by_djangos_model(proxy: str | None, named: str) -> None:
    rows = Resource(CRATES.model, CRATE_SERIALIZER, model_name=proxy)
    assert rows.listing.noun == named


def test_nobody_is_no_value_of_a_row() -> None:
    """Where Django refuses to save AnonymousUser, the column isn't emptied."""
    somebody: Any = SimpleNamespace(state=SimpleNamespace(caller=SimpleNamespace(id=7)))
    nobody: Any = SimpleNamespace(state=SimpleNamespace(caller=None))
    now = datetime.now(UTC)
    assert CRATES._assigned("owner_id", CALLER, somebody, now) == 7
    with pytest.raises(NotPorted):
        CRATES._assigned("owner_id", CALLER, nobody, now)
    assert CRATES._assigned("seen_at", NOW, nobody, now) is now
    assert CRATES._assigned("number", 3, nobody, now) == 3
