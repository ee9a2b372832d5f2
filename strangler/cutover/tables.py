"""Tables that Django alone uses, with their rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg

from shared_schema.catalog import CatalogTable
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from strangler.databases.connections import connected, live_connection, refusals
from strangler.handover.steps import quoted

_MIGRATIONS: Final = "django_migrations"
# Libraries whose jobs are rows, which a worker without Django works off as well: `app.` of their models.
_JOBS: Final = ("procrastinate.",)
# A count reads the whole table: of one that takes longer, PostgreSQL's own estimate has to do.
_PATIENCE: Final = "SET statement_timeout = '5s'"
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"


@dataclass(frozen=True, kw_only=True)
class DjangoTable:
    """A table of the contract that no feature of FastAPI touches; `rows` is None where the database lacks it."""

    key: str
    rows: int | None
    estimated: bool = False

    def __str__(self) -> str:
        if self.rows is None:
            return f"{self.key} (not there)"
        return f"{self.key} ({'about ' if self.estimated else ''}{self.rows:,})"


def tables_of_database(dsn: str) -> Mapping[str, CatalogTable]:
    """The tables and views of a database by their keys.

    :raises FailedError: nobody answers, or the server refuses.
    """
    with live_connection(dsn) as reading:
        return read_catalog(reading).tables


def django_tables(
    dsn: str, contract: Contract, consumer: Consumer | None, *, has_worker: bool = False
) -> tuple[DjangoTable, ...]:
    """The tables of the contract that FastAPI doesn't use; all of them where there is no FastAPI yet.

    :param has_worker: whether FastAPI has a worker of background jobs, whose tables it then uses.
    :raises FailedError: nobody answers, or a table can't be read.
    """
    used = set(consumer.tables) if consumer else set[str]()
    if has_worker:
        used.update(key for key, facts in contract.tables.items() if facts.model.startswith(_JOBS))
    found = tables_of_database(dsn)
    # Django's own record of migrations is no model, and so not in the contract.
    mine = {_MIGRATIONS}.intersection(found)
    return tuple(_counted(dsn, found, sorted({*contract.tables, *mine} - used)))


def _counted(dsn: str, found: Mapping[str, CatalogTable], keys: list[str]) -> Iterator[DjangoTable]:
    with connected(dsn) as connection:
        connection.execute(_PATIENCE)
        for key in keys:
            table = found.get(key)
            if table is None:
                yield DjangoTable(key=key, rows=None)
                continue
            name = quoted(table.schema, table.name)
            try:
                ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchall()  # noqa: S608 - quoted
                yield DjangoTable(key=key, rows=rows)
            except psycopg.errors.QueryCanceled:
                with refusals():
                    ((rows,),) = connection.execute(_ESTIMATE, (name,)).fetchall()
                yield DjangoTable(key=key, rows=rows, estimated=True)
