"""Days and moments on their way to the database and back."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strangler_fastapi.db.moments import exact_moments

INFINITE = {"date": (-(2**31), 2**31 - 1), "timestamp": (-(2**63), 2**63 - 1), "timestamptz": (-(2**63), 2**63 - 1)}


class Connection:
    """What the driver is told."""

    def __init__(self) -> None:
        self.codecs: dict[str, tuple[Callable[[Any], tuple[int]], Callable[[tuple[int]], Any]]] = {}

    async def set_type_codec(self, name: str, *, schema: str, encoder: Any, decoder: Any, format: str) -> None:
        assert (schema, format) == ("pg_catalog", "tuple")
        self.codecs[name] = encoder, decoder


def codecs() -> dict[str, tuple[Callable[[Any], tuple[int]], Callable[[tuple[int]], Any]]]:
    connection = Connection()
    asyncio.run(exact_moments(connection))
    return connection.codecs


CODECS = codecs()
FIRST, LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))  # noqa: DTZ901 - these very ones
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9))])


@given(day=st.dates())
@example(day=date.min)
@example(day=date.max)
def test_each_day_comes_back_and_is_none_of_the_infinite_ones(day: date) -> None:
    encode, decode = CODECS["date"]
    assert encode(day)[0] == (day - date(2000, 1, 1)).days
    assert decode(encode(day)) == day


@given(moment=st.datetimes(timezones=st.just(UTC)))
@example(moment=FIRST)
@example(moment=LAST)
def test_each_moment_comes_back_and_is_none_of_the_infinite_ones(moment: datetime) -> None:
    for name, sent in (("timestamp", moment.replace(tzinfo=None)), ("timestamptz", moment)):
        encode, decode = CODECS[name]
        assert encode(sent)[0] == (moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert decode(encode(sent)) == sent


@given(moment=st.datetimes(timezones=ZONES).filter(lambda moment: 1 < moment.year < 9999))
def test_a_moment_of_another_zone_is_kept_in_utc(moment: datetime) -> None:
    encode, decode = CODECS["timestamptz"]
    assert decode(encode(moment)) == moment
    assert decode(encode(moment)).tzinfo is UTC


@pytest.mark.parametrize("day", [date(2026, 1, 2), date.min, date.max])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_day_is_its_first_moment_whatever_the_zone_of_the_process(
    monkeypatch: pytest.MonkeyPatch, zone: str, day: date
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for name, offset in (("timestamp", ""), ("timestamptz", "+00:00")):
            encode, decode = CODECS[name]
            assert decode(encode(day)).isoformat() == f"{day}T00:00:00{offset}"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("name", ["date", "timestamp", "timestamptz"])
def test_infinite_ones_are_read_as_the_least_and_the_greatest(name: str) -> None:
    decode = CODECS[name][1]
    least, most = (decode((sent,)) for sent in INFINITE[name])
    assert (least.year, most.year) == (1, 9999)
    for sent in INFINITE[name]:
        with pytest.raises((OverflowError, ValueError)):
            decode((sent // 2,))
