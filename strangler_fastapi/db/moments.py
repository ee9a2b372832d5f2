"""Days and moments as the database has them: the first and the last that Python knows are none of the infinite ones.

The driver sends `date.max`, `datetime.max` and the least of both as `infinity` and `-infinity`, on which Django fails
when it reads them. They are what .NET takes for no moment, and what many projects take for no end.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import asyncpg

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_FIRST_DAY: Final = _EPOCH.toordinal()
# As PostgreSQL sends them.
_INFINITE_DAYS: Final = (-(2**31), 2**31 - 1)
_INFINITE_MOMENTS: Final = (-(2**63), 2**63 - 1)


async def exact_moments(connection: asyncpg.Connection) -> None:
    """Has a connection send every day and moment as it is; infinite ones are read as the driver reads them.

    Raises:
        asyncpg.PostgresError: as of the driver's `set_type_codec`, and the rest.
    """
    for name, (encode, decode) in _CODECS.items():
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encode, decoder=decode, format="tuple")


def _sent_day(day: date) -> tuple[int]:
    return (day.toordinal() - _FIRST_DAY,)


def _read_day(sent: tuple[int]) -> date:
    days = sent[0]
    try:
        return date.fromordinal(days + _FIRST_DAY)
    except (OverflowError, ValueError):
        if days not in _INFINITE_DAYS:
            raise
        return date.max if days > 0 else date.min


def _sent_moment(moment: date) -> tuple[int]:
    if not isinstance(moment, datetime):
        # Of UTC as everywhere here, where the driver takes the zone of the process.
        return _sent_local_moment(moment)
    return _microseconds(moment.astimezone(UTC) - _EPOCH)


def _read_moment(sent: tuple[int]) -> datetime:
    try:
        return _EPOCH + timedelta(0, 0, sent[0])
    except OverflowError:
        return _infinite(sent[0]).replace(tzinfo=UTC)


def _sent_local_moment(moment: date) -> tuple[int]:
    # A day is its first moment, as to the driver.
    local = moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)
    return _microseconds(local - _LOCAL_EPOCH)


def _read_local_moment(sent: tuple[int]) -> datetime:
    try:
        return _LOCAL_EPOCH + timedelta(0, 0, sent[0])
    except OverflowError:
        return _infinite(sent[0])


def _microseconds(since: timedelta) -> tuple[int]:
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,)


def _infinite(sent: int) -> datetime:
    if sent not in _INFINITE_MOMENTS:
        raise OverflowError("PostgreSQL has a moment that is none of Python's: change the row.")
    return datetime.max if sent > 0 else datetime.min  # noqa: DTZ901 - without one


_CODECS: Final[dict[str, tuple[Callable[[Any], tuple[int]], Callable[[tuple[int]], date]]]] = {
    "date": (_sent_day, _read_day),
    "timestamp": (_sent_local_moment, _read_local_moment),
    "timestamptz": (_sent_moment, _read_moment),
}
