"""How many requests a caller may send in a time: DRF's throttles, which count with Django's in one table.

    HISTORIES = Histories(ThrottleHistory)
    View(…, throttles=(AnonRateThrottle(HISTORIES, "20/min"), UserRateThrottle(HISTORIES, "1000/day")))

Django counts there once `strangler_django.throttling` is among its INSTALLED_APPS. A request that is let pass is
counted at once, whatever becomes of it; one that is refused isn't. Source: `rest_framework.throttling`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import Executable, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import DateTime
from starlette.requests import Request

from shared_schema.consumer.samples import MOMENT, Sample
from shared_schema.throttling import PRUNED, history_key, prune_until
from strangler_fastapi.db.query import Rows, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.errors import Throttled

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOMENT: Final[Any] = DateTime(timezone=True)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Histories:
    """The mapped class of `strangler_throttle_histories` (`cache_key`, `history`, `expires`); `now` is the clock."""

    mapped: Any
    now: Callable[[], datetime] = _utc_now

    async def wait(self, session: RequestSession, key: str, *, most: int, seconds: int) -> float | None:
        """Counts a request of at most so many in so many seconds, and returns None.

        Where there were as many, it is not counted, and the seconds until there is room are returned; infinity where
        nobody can say, since there were more than now may be.
        """
        now, lasts = self.now(), timedelta(seconds=seconds)
        found = await fetch_value(session, self.count(key, now, lasts, most)) if most > 0 else None
        if found is not None:
            if found == 1:
                await fetch(session, self.prune(now))
            return None
        history = await fetch_value(session, self.history(key)) or ()
        recent = [moment for moment in history if moment > now - lasts]
        if len(recent) > most:
            return math.inf
        left = recent[-1] + lasts - now if recent else lasts
        return left.total_seconds() / (most - len(recent) + 1)

    def count(self, key: str, now: datetime, lasts: timedelta, most: int) -> Rows:
        """Counts a request and returns how many there are now; returns none where there is no room."""
        table = self.mapped.__table__

        def build() -> Executable:
            moment, given = func.unnest(table.c.history).column_valued("moment"), bindparam("now", type_=_MOMENT)
            counted = select(moment).where(moment > bindparam("since", type_=_MOMENT)).order_by(moment.desc())
            recent = func.array(counted.scalar_subquery())
            first = bindparam("first", type_=ARRAY(_MOMENT))
            row = insert(table).values(cache_key=bindparam("key"), history=first, expires=bindparam("expires"))
            return row.on_conflict_do_update(
                index_elements=["cache_key"],
                set_={"history": func.array_prepend(given, recent), "expires": bindparam("expires")},
                where=func.cardinality(recent) < bindparam("most"),
            ).returning(func.cardinality(table.c.history))

        times = {"now": now, "first": [now], "since": now - lasts, "expires": now + lasts}
        return self._rows("count", build, key=history_key(key), most=most, **times)

    def history(self, key: str) -> Rows:
        """The moments of the requests that were counted, the latest first."""
        mapped = self.mapped
        return self._rows(
            "history", lambda: select(mapped.history).where(mapped.cache_key == bindparam("key")), key=history_key(key)
        )

    def prune(self, now: datetime) -> Rows:
        """Removes some rows that have expired, but for those that another request has locked."""
        table = self.mapped.__table__

        def build() -> Executable:
            old = select(table.c.cache_key).where(table.c.expires <= bindparam("until")).order_by(table.c.expires)
            return delete(table).where(table.c.cache_key.in_(old.limit(PRUNED).with_for_update(skip_locked=True)))

        return self._rows("prune", build, until=prune_until(now))

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        for rows in (self.count("sample", MOMENT, timedelta(1), 1), self.history("sample"), self.prune(MOMENT)):
            yield as_sample(rows)

    def _rows(self, name: str, build: Any, **values: Any) -> Rows:  # noqa: ANN401 - as Rows has them
        return Rows((self.mapped.__tablename__, name), build, values)


class BaseThrottle:
    """Lets a request pass or has it come again; a project's own has `wait`."""

    async def wait(self, request: Request, caller: Any, session: RequestSession) -> float | None:  # noqa: ANN401 - a project's own caller
        """None where the request may pass, else the seconds until it may; infinity where nobody can say.

        The caller is None where the request is anonymous. What the session has written is committed afterwards.
        """
        raise NotImplementedError


class SimpleRateThrottle(BaseThrottle):
    """So many requests in a second, minute, hour or day: `rate` is `20/min`, of which DRF reads a letter.

    Args:
        histories: what is counted so far.
        scope: what is counted together, a part of the key.
        num_proxies: of how many proxies the client's address is asked (NUM_PROXIES); None takes all of
            X-Forwarded-For.
        cache_format: the key.
    """

    default_scope: ClassVar = ""

    def __init__(
        self,
        histories: Histories,
        rate: str,
        *,
        scope: str | None = None,
        num_proxies: int | None = None,
        cache_format: str = "throttle_%(scope)s_%(ident)s",
    ) -> None:
        number, period = rate.split("/")
        self._histories = histories
        self._most, self._seconds = int(number), _SECONDS[period[0]]
        self._scope = self.default_scope if scope is None else scope
        self._num_proxies = num_proxies
        self._cache_format = cache_format

    async def wait(self, request: Request, caller: Any, session: RequestSession) -> float | None:  # noqa: ANN401 - see BaseThrottle
        """See BaseThrottle."""
        ident = self.ident(request, caller)
        if ident is None:
            return None
        key = self._cache_format % {"scope": self._scope, "ident": ident}
        return await self._histories.wait(session, key, most=self._most, seconds=self._seconds)

    def ident(self, request: Request, caller: Any) -> object:  # noqa: ANN401 - see BaseThrottle
        """Whose requests are counted together: the caller's key, or the address; None where none are counted."""
        return self.address(request) if caller is None else caller.id

    def address(self, request: Request) -> str:
        """The client's address, as proxies have passed it on (`get_ident`)."""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        peer = request.client.host if request.client else ""
        if self._num_proxies is None:
            return "".join(forwarded.split()) or peer
        addresses = forwarded.split(",")
        return addresses[-min(self._num_proxies, len(addresses))].strip() if self._num_proxies and forwarded else peer


class UserRateThrottle(SimpleRateThrottle):
    """Counts the requests of each user, and of anonymous callers by their address."""

    default_scope: ClassVar = "user"


class AnonRateThrottle(SimpleRateThrottle):
    """Counts anonymous requests by their address, and no others."""

    default_scope: ClassVar = "anon"

    def ident(self, request: Request, caller: Any) -> object:  # noqa: ANN401 - see BaseThrottle
        """See SimpleRateThrottle."""
        return self.address(request) if caller is None else None


class ScopedRateThrottle(UserRateThrottle):
    """Counts the requests to all views of one `scope` (`throttle_scope`)."""

    def __init__(self, histories: Histories, rate: str, *, scope: str, num_proxies: int | None = None) -> None:
        super().__init__(histories, rate, scope=scope, num_proxies=num_proxies)


async def check_throttles(throttles: Sequence[BaseThrottle], request: Request, session: RequestSession) -> None:
    """Counts a request, and commits that: one that fails later has been sent all the same.

    Raises:
        Throttled: one of the throttles refuses it.
    """
    waits = [await each.wait(request, request.state.caller, session) for each in throttles]
    await session.commit()
    refused = [seconds for seconds in waits if seconds is not None]
    if refused:
        known = [math.ceil(seconds) for seconds in refused if math.isfinite(seconds)]
        raise Throttled.until(max(known, default=None))
