"""Values of a test that runs once for each of them."""

from collections.abc import Iterable
from typing import Any

import pytest


def rest_long(values: Iterable[Any]) -> list[Any]:
    """The first value, and all others among the cases of `make test-long`: for values that go through the same code."""
    first, *others = values
    return [first, *(pytest.param(value, marks=pytest.mark.long) for value in others)]
