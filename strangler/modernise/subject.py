"""The table that an operation is about: its place in the catalog, and who may do what with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable
from shared_schema.catalog_reading import read_catalog
from strangler.databases.connections import connected, live_connection, reason_of, refusals
from strangler.errors import UsageError
from strangler.handover.steps import quoted

_RIGHTS: Final = """
    SELECT NULL::text, privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        is_grantable
    FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = %(oid)s AND grantee <> relowner
    UNION ALL
    SELECT attname::text, privilege_type,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, is_grantable
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)
    WHERE attrelid = %(oid)s AND attnum > 0 AND NOT attisdropped AND grantee <> relowner
    ORDER BY 1 NULLS FIRST, 2, 3
"""
_NOT_NULLS: Final = """
    SELECT attname::text, conname::text FROM pg_constraint
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'n' AND conrelid = %s
"""
# Of a view, all else is meaningless or an error.
_OF_VIEWS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


@dataclass(frozen=True)
class TableRight:
    """A privilege that a role has on the table, or on one of its columns."""

    column: str | None
    privilege: str
    grantee: str
    grantable: bool = False

    def sql(self, relation: str, column: str | None = None) -> str:
        """The same right on another relation or column, as SQL."""
        of = f" ({quoted(column)})" if column is not None else ""
        option = " WITH GRANT OPTION" if self.grantable else ""
        return f"GRANT {self.privilege}{of} ON {relation} TO {self.grantee}{option}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A table by its key, in the catalog that it was found in, and the rights on it; `version` is the server's.

    `not_nulls` are the names of its NOT NULL constraints by column, which have some since PostgreSQL 18.
    """

    key: str
    dsn: str = field(repr=False)
    catalog: Catalog
    rights: tuple[TableRight, ...] = ()
    version: int = 180_000
    not_nulls: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> CatalogTable:
        """The table itself."""
        return self.catalog.tables[self.key]

    @property
    def sql(self) -> str:
        """Its name as SQL."""
        return quoted(self.table.schema, self.table.name)

    @property
    def dotted(self) -> str:
        """Its name with that of its schema, by which a lock on it is reported."""
        return f"{self.table.schema}.{self.table.name}"

    def beside(self, name: str) -> str:
        """Another thing of the same schema, as SQL."""
        return quoted(self.table.schema, name)

    def column(self, name: str) -> CatalogColumn:
        """A column of it.

        :raises UsageError: there is none.
        """
        if name not in self.table.columns:
            raise UsageError(f"{self.key} has no column {name}", f"write one of {', '.join(self.table.columns)}")
        return self.table.columns[name]

    def column_rights(self, old: Sequence[str], new: str) -> tuple[str, ...]:
        """The rights that are there on each of these columns, given on another."""
        each = [{replace(right, column=new) for right in self.rights if right.column == name} for name in old]
        found = [right for right in self.rights if right.column == old[0]]
        return tuple(
            right.sql(self.sql, new) for right in found if replace(right, column=new) in set.intersection(*each)
        )

    def type_spelled(self, name: str) -> str:
        """A type as PostgreSQL spells it: `character varying(2)` for `varchar(2)`.

        :raises UsageError: there is none of that name.
        :raises FailedError: the database doesn't answer.
        """
        with connected(self.dsn) as connection:
            try:
                result = connection.execute(f"SELECT NULL::{name}".encode()).pgresult
            except psycopg.Error as error:
                raise UsageError(
                    f"{name} is no type ({reason_of(error)})", "write one that PostgreSQL knows"
                ) from error
            numbers = (result.ftype(0), result.fmod(0)) if result is not None else (0, -1)
            ((spelled,),) = connection.execute("SELECT format_type(%s, %s)", numbers).fetchall()
        return str(spelled)

    def require_query(self, query: str, *, message: str, hint: str) -> None:
        """Refuse a query that PostgreSQL can't plan; it is not executed.

        :raises UsageError: it can't; `message` has PostgreSQL's reason behind it.
        :raises FailedError: the database doesn't answer.
        """
        with connected(self.dsn) as connection:
            try:
                connection.execute(f"EXPLAIN {query}".encode())
            except psycopg.Error as error:
                raise UsageError(f"{message} ({reason_of(error)})", hint) from error

    def view_rights(self, view: str) -> tuple[str, ...]:
        """All rights, given on a view of the table."""
        return tuple(right.sql(view, right.column) for right in self.rights if right.privilege in _OF_VIEWS)


def subject_of(dsn: str, table: str) -> Subject:
    """A table of the live database; `table` is its key, as in the contract.

    :raises UsageError: there is none, or it is a view or a partition.
    :raises FailedError: the database doesn't answer.
    """
    with live_connection(dsn) as reading:
        catalog = read_catalog(reading)
    require_plain(catalog, table)
    with connected(dsn) as connection, refusals():
        oid = catalog.tables[table].oid
        return Subject(
            key=table,
            dsn=dsn,
            catalog=catalog,
            rights=tuple(TableRight(*row) for row in connection.execute(_RIGHTS, {"oid": oid}).fetchall()),
            version=connection.info.server_version,
            not_nulls=dict(connection.execute(_NOT_NULLS, (oid,)).fetchall()),
        )


def require_plain(catalog: Catalog, table: str) -> None:
    """Refuse what is no table of its own.

    :raises UsageError: it is none.
    """
    if table not in catalog.tables:
        alike = sorted(key for key, found in catalog.tables.items() if found.kind == "table")
        raise UsageError(
            f"there is no table {table}", f"write one of {', '.join(alike) or 'none: there are no tables'}"
        )
    found = catalog.tables[table]
    if found.kind != "table" or found.part_of:
        kind = f"a part of {found.part_of}" if found.part_of else f"a {found.kind}"
        raise UsageError(f"{table} is {kind}", "change the plain table that is meant, or write the revision by hand")
