"""What a function makes of columns is answered as DRF's encoder writes it."""

from decimal import Decimal

import pytest

from strangler_fastapi.drf.fields.computed_fields import ComputedField


@pytest.mark.parametrize(
    ("row", "answer"), [((Decimal("3.50"), 3), 10.5), (("ab", 2), "abab"), ((2, 3), 6), ((True, 1), 1)]
)
def test_a_decimal_is_a_number_where_no_field_writes_it(row: tuple[object, ...], answer: object) -> None:
    field = ComputedField(columns=("price", "number"), function=lambda price, number: price * number)
    shown = field.representation()
    assert shown is not None
    assert (shown(row), type(shown(row))) == (answer, type(answer))
    assert ComputedField(columns=("price",)).representation() is None
