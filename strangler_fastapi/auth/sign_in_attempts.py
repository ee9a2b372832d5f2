"""Counts attempts to sign in, as Django's `strangler_django.sign_in` does in the same table."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Executable, bindparam, case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from shared_schema.consumer.samples import MOMENT, Sample
from shared_schema.sign_in import PRUNED, WINDOW, attempt_digest, prune_until, seconds_left
from strangler_fastapi.db.query import Rows, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.errors import Throttled


@dataclass(frozen=True)
class AttemptTable:
    """The mapped class of `strangler_sign_in_attempts`, with `digest`, `count` and `since`."""

    mapped: Any

    async def begin(self, session: RequestSession, name: str, *, most: int) -> None:
        """Counts an attempt before its password is checked, and commits: a refused request must not take it back.

        Raises:
            Throttled: `most` have failed in 15 minutes, whether there is such an account or not.
        """
        digest, now = attempt_digest(name), datetime.now(UTC)
        await fetch(session, self.prune(now))
        if not await fetch(session, self.count(digest, now, most)):
            since = await fetch_value(session, self.since(digest))
            raise Throttled.until(seconds_left(since or now, now))
        await session.commit()

    async def forget(self, session: RequestSession, name: str) -> None:
        """The sign-in was successful: nothing counts any more."""
        await fetch(session, self.remove(attempt_digest(name)))

    def prune(self, now: datetime) -> Rows:
        """Removes some rows of names that were tried long ago, but for those that another attempt has locked."""
        table = self.mapped.__table__

        def build() -> Executable:
            old = select(table.c.digest).where(table.c.since <= bindparam("until")).limit(PRUNED)
            return delete(table).where(table.c.digest.in_(old.with_for_update(skip_locked=True)))

        return self._rows("prune", build, until=prune_until(now))

    def count(self, digest: str, now: datetime, most: int) -> Rows:
        """Counts one attempt and returns the count; returns none where there were `most` since less than 15 minutes."""
        table = self.mapped.__table__

        def build() -> Executable:
            row = insert(table).values(digest=bindparam("digest"), count=1, since=bindparam("now"))
            is_old = table.c.since <= bindparam("expired")
            return row.on_conflict_do_update(
                index_elements=["digest"],
                set_={
                    "count": case((is_old, 1), else_=table.c.count + 1),
                    "since": case((is_old, bindparam("now")), else_=table.c.since),
                },
                where=or_(is_old, table.c.count < bindparam("most")),
            ).returning(table.c.count)

        return self._rows("count", build, digest=digest, now=now, expired=now - WINDOW, most=most)

    def since(self, digest: str) -> Rows:
        """When the first of the attempts was."""
        return self._rows(
            "since", lambda: select(self.mapped.since).where(self.mapped.digest == bindparam("digest")), digest=digest
        )

    def remove(self, digest: str) -> Rows:
        """Removes the row of a name."""
        table = self.mapped.__table__
        return self._rows("forget", lambda: delete(table).where(table.c.digest == bindparam("digest")), digest=digest)

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        digest = attempt_digest("sample")
        for rows in (self.prune(MOMENT), self.count(digest, MOMENT, 1), self.since(digest), self.remove(digest)):
            yield as_sample(rows)

    def _rows(self, name: str, build: Any, **values: Any) -> Rows:  # noqa: ANN401 - as Rows has them
        return Rows((self.mapped.__table_key__, name), build, values)
