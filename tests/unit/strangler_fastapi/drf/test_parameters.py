"""Validated query parameters are those of DRF's IntegerField, in the same words."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers

from strangler_fastapi.drf.parameters import IntegerParameter, integer_parameter
from strangler_fastapi.errors import ValidationFailed

LIMIT = IntegerParameter(default=10, least=1, most=50)
DIGITS = st.text(st.sampled_from(list("0123456789.-+_ e")), max_size=6)


class Limit(serializers.Serializer[Any]):
    limit = serializers.IntegerField(default=10, min_value=1, max_value=50)


def drf_answer(text: str) -> Any:
    # An empty parameter counts as left out, as v1's views have it.
    serializer = Limit(data={"limit": text} if text else {})
    return serializer.validated_data if serializer.is_valid() else {"errors": serializer.errors}


@given(text=DIGITS | st.text(max_size=6) | st.integers(-5, 60).map(str))
@example(text="50")
@example(text="51")
@example(text="1")
@example(text="0")
@example(text="7.000 ")
@example(text="5" * 1001)
@example(text="5" * 1000)
@example(text="٣")
def test_a_whole_number_is_read_as_in_drf(text: str) -> None:
    try:
        found: Any = {"limit": integer_parameter({"limit": text}, "limit", LIMIT)}
    except ValidationFailed as error:
        found = {"errors": error.body}
    assert found == drf_answer(text)


def test_a_number_left_out_is_the_default() -> None:
    assert integer_parameter({}, "limit", LIMIT) == integer_parameter({"limit": ""}, "limit", LIMIT) == 10
