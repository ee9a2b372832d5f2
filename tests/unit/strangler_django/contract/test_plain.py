import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from psycopg.types.range import Range

from shared_schema.contract.values import as_column
from strangler_django.contract.plain import callable_path, plain


class Kind(Enum):
    NEW = "new"


class Size(IntEnum):
    BIG = 3


class Word(StrEnum):
    HELLO = "hello"


class Caller:
    def __call__(self) -> int:
        return 1

    def method(self) -> int:
        return 2


def numbered() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (Decimal("9.90"), "numeric(8,2)"),
        (date(2020, 1, 31), "date"),
        (time(9, 30), "time without time zone"),
        (datetime(2020, 1, 31, 12, 0, 0, 123456, tzinfo=UTC), "timestamp with time zone"),
        (timedelta(days=28, seconds=3, microseconds=7), "interval"),
        (-timedelta(hours=1), "interval"),
        (UUID("6b1f7c2e-0000-4000-8000-000000000001"), "uuid"),
        (b"\x00\xff", "bytea"),
        (b"", "bytea"),
        ([Decimal("1.5")], "numeric[]"),
        (float("inf"), "double precision"),
        ({"a": [1, None, True]}, "jsonb"),
    ],
)
def test_a_value_comes_back_from_the_file(value: Any, type_name: str) -> None:
    read = as_column(json.loads(json.dumps(plain(value))), type_name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Kind.NEW, '"new"'),
        (Size.BIG, "3"),
        (Word.HELLO, '"hello"'),
        (gettext_lazy("hello"), '"hello"'),
        ({"word b", "word a", "word d", "word c"}, '["word a", "word b", "word c", "word d"]'),
        ((1, 2), "[1, 2]"),
        ({1: Kind.NEW}, '{"1": "new"}'),
        (re.compile("^a"), '"^a"'),
        (float("nan"), '"nan"'),
        (memoryview(b"\x01"), r'"\\x01"'),
        (Range(1, 5, "[)"), '{"lower": 1, "upper": 5, "bounds": "[)"}'),
    ],
)
def test_what_python_has_and_json_has_not(value: Any, text: str) -> None:
    assert json.dumps(plain(value)) == text


def test_of_what_has_no_form_the_class_is_reported() -> None:
    assert plain(Caller()) == f"{__name__}.Caller"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (dict, "builtins.dict"),
        (numbered, f"{__name__}.numbered"),
        (partial(numbered, 1), f"partial({__name__}.numbered)"),
        (Caller(), f"{__name__}.Caller"),
        (Caller().method, f"{__name__}.Caller.method"),
        (date.today, "datetime.date.today"),
        (datetime.now, "datetime.datetime.now"),
        (random.random, "random.Random.random"),
    ],
)
def test_a_callable_is_named_by_its_path(value: Any, path: str) -> None:
    assert callable_path(value) == path
