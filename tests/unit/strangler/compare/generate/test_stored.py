"""Values that requests are made of, as rows hold them."""

from typing import Any, cast
from unittest.mock import patch

from strangler.compare.generate.stored import StoredValues
from tests.generated_world import CONTRACT


def test_an_array_is_its_values_with_commas() -> None:
    stored = StoredValues(cast("Any", None), CONTRACT, seed=1)
    with patch.object(stored, "column", return_value=[["new", "used"], ["new", "used"], [1, None], []]):
        assert {*stored.samples("wares", "tags", drawn=3)} == {"new,used", "1,None", ""}
