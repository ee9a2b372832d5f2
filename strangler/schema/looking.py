"""All that is looked at in the scratch database between two migrations."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from sqlalchemy import NullPool, create_engine

from shared_schema.catalog import Catalog, read_catalog
from shared_schema.consumer import Consumer
from shared_schema.privileges import Right, rights_wanted
from strangler.databases.connecting import refusals
from strangler.schema.permissions import rights_of
from strangler.schema.replay import Tried, try_statements
from strangler.schema.storage import File, Places, places, table_files


@dataclass(frozen=True, kw_only=True)
class Look:
    """A moment of the scratch database: its catalog, how the consumer fares, and where the rows would lie."""

    catalog: Catalog
    tried: Mapping[tuple[str, str], Tried]
    rights: frozenset[Right]
    files: Mapping[int, File]
    places: Places


def look(connection: psycopg.Connection, consumer: Consumer, *, role: str | None) -> Look:
    """Look at the database of a connection; without a `role` at no rights.

    :raises FailedError: the database refuses.
    """
    catalog = catalog_of(connection.info)
    with refusals():
        return Look(
            catalog=catalog,
            tried=try_statements(connection, consumer),
            rights=frozenset(
                rights_of(connection, role, rights_wanted(consumer, writing=True), catalog) if role else ()
            ),
            files=table_files(connection, default=catalog.schema),
            places=places(connection, default=catalog.schema),
        )


def catalog_of(info: psycopg.ConnectionInfo) -> Catalog:
    """The catalog of the database that a connection leads to.

    :raises FailedError: the database refuses.
    """
    with refusals():
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(info.dsn, password=info.password),
            poolclass=NullPool,
        )
        with engine.connect() as connection:
            return read_catalog(connection)
