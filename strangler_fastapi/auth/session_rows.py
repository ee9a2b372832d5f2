"""The table of Django's sessions, `django_session`, and the statements that read and write it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from shared_schema.consumer.samples import MOMENT, Sample
from strangler_fastapi.db.query import Rows, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.drf.validators import Invalid, check_storable

# A row's key has 40 characters at the most; a cookie that is no key needs no query.
_LONGEST_KEY: Final = 40


@dataclass(frozen=True, kw_only=True)
class SessionRows:
    """The mapped class of `django_session`, with `session_key`, `session_data` and `expire_date`.

    Args:
        mapped: that class.
        writes: whether sessions are begun, renewed and ended here as Django does. Without, a session lives as long as
            Django made it, and one that is no longer good is an anonymous request here and stays in its table.
    """

    mapped: Any
    writes: bool = False

    async def load(self, session: RequestSession, key: str) -> str | None:
        """The signed data of a session that has not expired; None where there is none."""
        try:
            check_storable(key)
        except Invalid:
            return None
        if len(key) > _LONGEST_KEY:
            return None
        data: str | None = await fetch_value(session, self.data(key, datetime.now(UTC)))
        return data

    async def insert(self, session: RequestSession, key: str, data: str, expire_date: datetime) -> bool:
        """Adds a session; False where there is one of this key."""
        return bool(await fetch(session, self.added(key, data, expire_date)))

    async def update(self, session: RequestSession, key: str, data: str, expire_date: datetime) -> bool:
        """Changes a session; False where it is gone."""
        return bool(await fetch(session, self.changed(key, data, expire_date)))

    async def delete(self, session: RequestSession, key: str) -> None:
        """Ends a session."""
        await fetch(session, self.deleted(key))

    def data(self, key: str, now: datetime) -> Rows:
        """What a session holds: `session_data`."""

        def build() -> Executable:
            rows = select(self.mapped.session_data).where(self.mapped.session_key == bindparam("key"))
            return rows.where(self.mapped.expire_date > bindparam("now"))

        return Rows((self.mapped.__table_key__, "session"), build, {"key": key, "now": now})

    def added(self, key: str, data: str, expire_date: datetime) -> Rows:
        """Adds a session, unless there is one of this key; returns the key."""
        values = {"session_key": key, "session_data": data, "expire_date": expire_date}

        def build() -> Executable:
            row = insert(self.mapped.__table__).values({name: bindparam(name) for name in values})
            return row.on_conflict_do_nothing(index_elements=["session_key"]).returning(self.mapped.session_key)

        return Rows((self.mapped.__table_key__, "add session"), build, values)

    def changed(self, key: str, data: str, expire_date: datetime) -> Rows:
        """Changes a session; returns the key, nothing where it is gone."""
        values: dict[str, Any] = {"session_data": data, "expire_date": expire_date}

        def build() -> Executable:
            rows = update(self.mapped.__table__).where(self.mapped.session_key == bindparam("key"))
            given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in values}
            return rows.values(given).returning(self.mapped.session_key)

        renewed = {f"new_{name}": value for name, value in values.items()}
        return Rows((self.mapped.__table_key__, "change session"), build, {"key": key, **renewed})

    def deleted(self, key: str) -> Rows:
        """Ends a session; returns the key."""

        def build() -> Executable:
            rows = delete(self.mapped.__table__).where(self.mapped.session_key == bindparam("key"))
            return rows.returning(self.mapped.session_key)

        return Rows((self.mapped.__table_key__, "end session"), build, {"key": key})

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        yield as_sample(self.data("sample", MOMENT))
        if self.writes:
            yield as_sample(self.added("sample", "sample", MOMENT))
            yield as_sample(self.changed("sample", "sample", MOMENT))
            yield as_sample(self.deleted("sample"))
