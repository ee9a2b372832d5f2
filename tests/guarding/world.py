"""One connection that Django migrates through and SQLAlchemy looks through, in a transaction that is taken back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import DatabaseError, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from sqlalchemy import MetaData, StaticPool, create_engine

from django_app.config.database import database_settings
from shared_schema.catalog import Catalog
from shared_schema.catalog_reading import read_catalog

APP = "zoo"
# What Django or PostgreSQL says of an operation that can't be done on this schema or these rows.
IMPOSSIBLE = (DatabaseError, FieldDoesNotExist, FieldError, LookupError, ValueError, TypeError, AttributeError)


class World:
    """An empty database, whatever was done in the last example."""

    def __init__(self, dsn: str) -> None:
        settings = connections["default"].settings_dict | database_settings(url=dsn, pool_max=1)
        settings["OPTIONS"] = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
        self.django = DatabaseWrapper(settings)
        self.django.connect()
        self.raw: psycopg.Connection = self.django.connection
        self.engine = create_engine("postgresql+psycopg://", creator=lambda: self.raw, poolclass=StaticPool)
        # Django begins and ends the transaction; SQLAlchemy sends the statements passed to it and nothing else.
        self.alchemy = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def example(self) -> Iterator[None]:
        """A transaction that is taken back."""
        self.django.set_autocommit(False)
        try:
            yield
        finally:
            self.raw.rollback()
            self.django.set_autocommit(True)

    @contextmanager
    def attempt(self, *, keep: bool = True) -> Iterator[None]:
        """A part of it that is taken back if it fails, or always."""
        self.raw.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self.raw.execute("ROLLBACK TO attempt")
            raise
        self.raw.execute("RELEASE attempt" if keep else "ROLLBACK TO attempt")

    def migrate(self, state: ProjectState, operation: Operation) -> ProjectState | None:
        """The state after the operation, done by Django's own hand; None where it can't be."""
        after = state.clone()
        with suppress(*IMPOSSIBLE), self.attempt():
            operation.state_forwards(APP, after)
            with self.django.schema_editor(atomic=False) as editor:
                operation.database_forwards(APP, editor, state, after)
            # The next ALTER TABLE refuses while keys are still to be checked.
            self.raw.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            return after
        return None

    def sequences(self) -> list[int]:
        """The sequences that are there."""
        return [oid for (oid,) in self.raw.execute("SELECT oid::int FROM pg_class WHERE relkind = 'S'").fetchall()]

    def count_from(self, number: int, sequences: list[int]) -> None:
        """Have these sequences give the same numbers again: they aren't taken back with the rest."""
        self.raw.execute(
            "SELECT setval(oid::regclass, %s) FROM pg_class WHERE relkind = 'S' AND oid = ANY(%s::oid[])",
            (number, sequences),
        )

    def catalog(self) -> Catalog:
        """What PostgreSQL says of the schema now."""
        return read_catalog(self.alchemy)

    def tables(self) -> MetaData:
        """The tables and views as SQLAlchemy sees them."""
        metadata = MetaData()
        metadata.reflect(self.alchemy, views=True)
        return metadata

    def close(self) -> None:
        """End the connection."""
        self.alchemy.close()
        self.engine.dispose()
        self.django.close()
