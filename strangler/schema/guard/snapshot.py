"""All that is looked at in the scratch database between two migrations."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from shared_schema.catalog import Catalog, read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right
from strangler.databases.connecting import live_connection, refusals
from strangler.schema.guard.permissions import rights_of
from strangler.schema.guard.replay import Tried, try_statements
from strangler.schema.guard.storage import File, Places, places, table_files


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
    with live_connection(make_conninfo(connection.info.dsn, password=connection.info.password)) as asking:
        catalog = read_catalog(asking)
        rights = rights_of(asking, role, consumer, catalog) if role else frozenset()
    with refusals():
        return Look(
            catalog=catalog,
            tried=try_statements(connection, consumer),
            rights=rights,
            files=table_files(connection, default=catalog.schema),
            places=places(connection, default=catalog.schema),
        )
