"""The catalog of a live PostgreSQL as data: one `Catalog` of all tables; `shared_schema.catalog_reading` makes it.

Types, defaults and definitions are in PostgreSQL's own spelling, so that two catalogs can be compared by text
(`format_type`, `pg_get_expr`, `pg_get_constraintdef`, `pg_get_indexdef`:
https://www.postgresql.org/docs/current/functions-info.html).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

# Begins the name of a trigger that keeps the columns equal which are its arguments.
SYNC_TRIGGER: Final = "zz_strangler_"
_NULL: Final = re.compile(r"NULL(::.*)?")


@dataclass(frozen=True)
class CatalogColumn:
    """A column; `default` is the expression, None without one; `identity` is `always` or `by default`.

    A generated one has its `expression`. `place` is the number that it keeps for good, whatever it is called;
    `validated` says that every row obeys its NOT NULL; `filled` that `strangler modernise` has a trigger give it the
    value of another column.
    """

    type: str
    nullable: bool
    default: str | None = None
    identity: str | None = None
    generated: bool = False
    collation: str | None = None
    expression: str | None = None
    place: int | None = field(default=None, compare=False)
    validated: bool = True
    filled: bool = field(default=False, compare=False)

    @property
    def has_source(self) -> bool:
        """Whether PostgreSQL fills the column in a row that is inserted without a value for it."""
        has_default = self.default is not None and not _NULL.fullmatch(self.default)
        return has_default or self.generated or self.identity is not None or self.filled

    @property
    def must_be_given(self) -> bool:
        """Whether an INSERT has to give it a value."""
        return not (self.nullable or self.has_source)


@dataclass(frozen=True)
class CatalogConstraint:
    """A constraint of a table.

    `kind` is one of `primary key`, `unique`, `foreign key`, `check`, `exclusion`. Of a foreign key `target` is the key
    of the table that it points at.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    definition: str
    target: str | None = None
    target_columns: tuple[str, ...] = ()
    deferrable: bool = False
    validated: bool = True


@dataclass(frozen=True)
class CatalogIndex:
    """An index; an expression has its text among the columns. One that makes a constraint true is `constrains`."""

    name: str
    columns: tuple[str, ...]
    definition: str
    unique: bool = False
    method: str = "btree"
    partial: bool = False
    constrains: bool = False
    valid: bool = True


@dataclass(frozen=True)
class CatalogTable:
    """A table or view; columns by name, in their order.

    `triggers` are what else happens on a write, triggers and rules, by name: their definition, and on lines
    below it what the function does. `row_security`: policies hide rows. `part_of` is the extension that brought it
    along, or the table that it is a partition of. `oid` changes when it is recreated.
    """

    name: str
    schema: str
    kind: str
    columns: Mapping[str, CatalogColumn] = field(default_factory=dict)
    constraints: Sequence[CatalogConstraint] = ()
    indexes: Sequence[CatalogIndex] = ()
    triggers: Mapping[str, str] = field(default_factory=dict)
    definition: str | None = None
    row_security: bool = False
    part_of: str | None = None
    oid: int | None = field(default=None, compare=False)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key, empty without one."""
        return next((constraint.columns for constraint in self.constraints if constraint.kind == "primary key"), ())


@dataclass(frozen=True)
class CatalogType:
    """A user-defined type: an `enum` has its labels, a `domain` its base type and constraints."""

    kind: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The tables of a database by key: the name, or `schema.name` outside the connection's own schema.

    `types` are by the name that columns have them under. Numbers (`oid`, `place`) say something within one `database`,
    and nothing of whether two schemas are alike.
    """

    tables: Mapping[str, CatalogTable]
    schema: str = "public"
    types: Mapping[str, CatalogType] = field(default_factory=dict)
    database: str | None = field(default=None, compare=False)


def table_key(schema: str | None, name: str, *, default: str = "public") -> str:
    """The key of a table in the contract: its name, or `schema.name` outside the default schema."""
    return name if schema in (None, default) else f"{schema}.{name}"
