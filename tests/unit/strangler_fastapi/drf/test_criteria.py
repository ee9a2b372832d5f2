"""Conditions whose values are parameters: one statement serves every value."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Date, Integer, Numeric, SmallInteger, Text, Uuid, column
from sqlalchemy.dialects import postgresql

from strangler_fastapi.drf.criteria import Criterion, clauses_of, equals, key_of, lookup, primary_key, values_of
from strangler_fastapi.errors import NotFound

ID = column("id", BigInteger)


def sql(criterion: Criterion) -> str:
    return str(criterion.clause().compile(dialect=postgresql.dialect()))


def test_two_values_share_a_statement() -> None:
    first, second = (equals("author_id", lambda: ID, value) for value in (1, 2))
    assert key_of((first,)) == key_of((second,)) == ("author_id",)
    assert sql(first) == sql(second) == "id = %(author_id)s::BIGINT"
    assert values_of((first, equals("pk", lambda: ID, 7))) == {"author_id": 1, "pk": 7}
    assert len(clauses_of((first, second))) == 2


@given(number=st.integers())
@example(number=2**63 - 1)
@example(number=-(2**63))
@example(number=2**63)
def test_a_key_too_large_for_the_column_matches_nothing(number: int) -> None:
    criterion = primary_key(lambda: ID, str(number))
    if abs(number) < 2**63:
        assert (criterion.name, criterion.values) == ("pk", {"pk": number})
    else:
        assert (criterion.name, sql(criterion), criterion.values) == ("nothing", "false", {})


@pytest.mark.parametrize(("text", "key"), [("+1", 1), (" 1 ", 1), ("1_0", 10), ("٣", 3), ("-1", -1), ("007", 7)])
def test_a_key_is_whatever_python_reads_as_a_number(text: str, key: int) -> None:
    assert primary_key(lambda: ID, text).values == {"pk": key}


@pytest.mark.parametrize("text", ["", "x", "1.0", "1e3", "0x1", "1" * 5000, "1\x00"])
def test_what_is_no_number_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        primary_key(lambda: ID, text)


def named(kind: Any, text: str) -> Any:
    """What a path's text stands for; "nothing" where no row can have it, None where it is no value at all."""
    try:
        criterion = lookup(lambda: column("key", kind), text)
    except NotFound:
        return None
    return criterion.values.get("pk of the path", criterion.name)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        *((BigInteger(), "7", 7), (BigInteger(), str(2**63), "nothing"), (BigInteger(), "x", None)),
        *(
            (Integer(), str(2**31 - 1), 2**31 - 1),
            (Integer(), str(2**31), "nothing"),
            (Integer(), str(-(2**31)), -(2**31)),
            (Integer(), str(-(2**31) - 1), "nothing"),
            (SmallInteger(), "40000", "nothing"),
        ),
        *((Text(), "a b", "a b"), (Text(), "a\x00", None), (Uuid(), "7", None), (Uuid(), "0" * 32, UUID(int=0))),
        *((Date(), "2026-01-02", date(2026, 1, 2)), (Date(), "2026", None), (Numeric(), "1.50", Decimal("1.50"))),
        (Numeric(), "x", None),
    ],
)
def test_what_a_path_names_is_read_as_the_column_has_it(kind: Any, text: str, value: Any) -> None:
    assert named(kind, text) == value
