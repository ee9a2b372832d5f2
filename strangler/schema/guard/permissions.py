"""What a role may do with the columns that a consumer needs, in one database."""

from collections.abc import Iterator

from sqlalchemy import Connection

from shared_schema.catalog import Catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from shared_schema.drift.privileges import denied_rights, role_exists


def rights_of(connection: Connection, role: str, consumer: Consumer, catalog: Catalog) -> frozenset[Right]:
    """The rights that the consumer wants and a role has; none if there is no such role.

    :raises SQLAlchemyError: the database refuses.
    """
    if not role_exists(connection, role):
        return frozenset()
    wanted = [right for right in rights_wanted(consumer, writing=True) if _is_there(right, catalog)]
    return frozenset(wanted) - set(denied_rights(connection, wanted, catalog, role=role))


def find_lost(before: frozenset[Right], after: frozenset[Right], catalog: Catalog) -> Iterator[Right]:
    """The rights that are gone on what is still there; those on what is gone are another matter."""
    return (right for right in sorted(before - after) if _is_there(right, catalog))


def _is_there(right: Right, catalog: Catalog) -> bool:
    table = catalog.tables.get(right.table)
    return table is not None and (not right.column or right.column in table.columns)
