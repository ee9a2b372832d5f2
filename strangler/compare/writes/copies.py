"""A snapshot of the real database, and copies of it that are thrown away."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, Self

import psycopg

from shared_schema.consumer.consumer import Consumer
from strangler.compare.writes.scenario_clock import ScenarioClock
from strangler.databases.connections import Source, connected, dsn_to, login_of, reason_of, refusals
from strangler.databases.dumping import database_dump_into
from strangler.databases.throwaway import Throwaways, database_create
from strangler.errors import FailedError
from strangler.schema.grants import apply_grants, give_rights

SIDES: Final = ("left", "right")
# A second pair of copies waits only where they are small: what they are copied from is copied once more for that.
_SMALL_BYTES: Final = 2_000_000_000
_REAL: Final = ScenarioClock()
_LOG = logging.getLogger(__name__)


class Copies:
    """While the `with` block lasts there is a snapshot; all that was made is dropped at its end.

    Args:
        source: what is copied.
        consumer: what FastAPI's role needs.
        check: called while something is waited for; what it raises ends it.
    """

    def __init__(
        self,
        source: Source,
        *,
        consumer: Consumer,
        check: Callable[[], None],
    ) -> None:
        self._source = source
        self._consumer = consumer
        self._check = check
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self._admin = exits.enter_context(connected(self._source.admin_dsn))
            dsn, like = self._source.admin_dsn, self._source.name
            self._made = Throwaways(self._admin, admin_dsn=dsn, like=like, purpose="compare", tell=_LOG.info)
            self._made.begin()
            self.snapshot = self._original = self._made.name("snapshot")
            exits.callback(self._made.drop, self.snapshot)
            self._snapshot_make()
            size = self._admin.execute("SELECT pg_database_size(%s)", (self.snapshot,)).fetchall()[0][0]
            self.are_small = size < _SMALL_BYTES
            self._exit = exits.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._exit.close()

    def original_make(self) -> None:
        """Copy the snapshot once more, to be read meanwhile: PostgreSQL copies nothing that somebody else reads.

        :raises FailedError: the server refuses.
        """
        name = self._made.name("original")
        with refusals():
            self._exit.callback(self._made.drop, name)
            self._create(name, template=self.snapshot)
        self._original = name

    def original_of(self, snapshot: str) -> str:
        """The name of the database in which the rows of a snapshot are read, while others are copied from it."""
        return self._original if snapshot == self.snapshot else snapshot

    @contextmanager
    def given(
        self, name: str, statements: Sequence[str], *, label: str = "", clock: ScenarioClock = _REAL
    ) -> Iterator[str]:
        """The name of a snapshot in which the tables' owner has run these statements of the scenario `name`.

        `label` tells what is there at once apart, by a few letters. PostgreSQL shows the time of `clock` there.

        :raises FailedError: the server refuses one.
        """
        if not statements and clock.is_real:
            yield self.snapshot
            return
        made = self._made.name(f"given{label}")
        with refusals(), ExitStack() as exits:
            exits.callback(self._made.drop, made)
            self._create(made, template=self.snapshot)
            if not clock.is_real:
                with connected(self.reading_dsn(made)) as inside:
                    clock.database_set(self._admin, made, inside)
                for dsn in (self._source.owner_dsn, self._source.fastapi_dsn):
                    with connected(dsn_to(dsn, made)) as session:
                        clock.database_require(session)
            with connected(dsn_to(self._source.owner_dsn, made)) as connection:
                for statement in statements:
                    try:
                        connection.execute(statement.encode())
                    except psycopg.Error as error:
                        message = f"{name}: the database refuses what is given ({reason_of(error)})"
                        raise FailedError(message, "correct the sql of that [[given]]") from error
            yield made

    @contextmanager
    def fresh(
        self, snapshot: str, *, sides: Sequence[str] = SIDES, label: str = "", clock: ScenarioClock = _REAL
    ) -> Iterator[tuple[str, ...]]:
        """The names of fresh copies of a snapshot, one for each of the sides; `label` and `clock` as in `given`.

        :raises FailedError: the server refuses.
        """
        names = tuple(self._made.name(f"{side}{label}") for side in sides)
        with refusals(), ExitStack() as exits:
            for name in names:
                exits.callback(self._made.drop, name)
                self._create(name, template=snapshot)
                if not clock.is_real:
                    # A setting of a database isn't copied with it.
                    with connected(self.reading_dsn(name)) as inside:
                        clock.path_set(self._admin, name, inside)
            yield names

    def reading_dsn(self, name: str) -> str:
        """The address of a copy as a role that sees all of its rows."""
        return dsn_to(self._source.admin_dsn, name)

    def _snapshot_make(self) -> None:
        if self._source.is_idle:
            self._create(self.snapshot, template=self._source.name)
        else:
            self._snapshot_fill()
        self._grant()
        with connected(self.reading_dsn(self.snapshot)) as connection:
            connection.execute("ANALYZE")

    def _snapshot_fill(self) -> None:
        self._create(self.snapshot, template="template0")
        superuser = self._admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        database_dump_into(
            source=self._source.admin_dsn,
            target=self.reading_dsn(self.snapshot),
            major=self._admin.info.server_version // 10_000,
            owned=bool(superuser and superuser[0]),
            check=self._check,
        )

    def _grant(self) -> None:
        """FastAPI may write here, whatever stage its routes are at in the real database."""
        owner_dsn = dsn_to(self._source.owner_dsn, self.snapshot)
        role, password = login_of(self._source.fastapi_dsn)
        if role == self._source.settings.project.database.fastapi_role:
            apply_grants(
                owner_dsn=owner_dsn,
                role=role,
                password=password,
                consumer=self._consumer,
                writers=self._consumer.features,
            )
            return
        # A role that the operator has made keeps what it has, and its password.
        with connected(owner_dsn) as connection:
            give_rights(connection, role, self._consumer, writers=self._consumer.features)

    def _create(self, name: str, *, template: str) -> None:
        database_create(self._admin, name=name, template=template, like=self._source.name)
