"""A schema in a few words, for tests: tables, what is changed about them, and who uses them."""

from dataclasses import replace
from typing import Any

from shared_schema.catalog import Catalog, CatalogColumn, CatalogConstraint, CatalogIndex, CatalogTable
from shared_schema.consumer.consumer import Consumer, Feature, Need, SampleQuery


def column(spelled: str, **facts: Any) -> CatalogColumn:
    """A column that may be null where its type ends in a question mark."""
    return CatalogColumn(type=spelled.removesuffix("?"), nullable=spelled.endswith("?"), **facts)


def check(name: str, definition: str, *columns: str, **facts: Any) -> CatalogConstraint:
    return CatalogConstraint(name=name, kind="check", columns=columns, definition=definition, **facts)


def key(name: str, columns: str, target: str, extra: str = " DEFERRABLE INITIALLY DEFERRED") -> CatalogConstraint:
    definition = f"FOREIGN KEY ({columns}) REFERENCES {target}(id){extra}"
    return CatalogConstraint(
        name, "foreign key", (columns,), definition, target=target, target_columns=("id",), deferrable="DEFER" in extra
    )


def index(name: str, columns: str, *, unique: bool = False, extra: str = "", **facts: Any) -> CatalogIndex:
    definition = f"CREATE {'UNIQUE ' * unique}INDEX {name} ON public.t USING btree ({columns}){extra}"
    return CatalogIndex(name, tuple(columns.split(", ")), definition, unique=unique, **facts)


def unique(name: str, columns: str, *, deferrable: bool = False) -> dict[str, Any]:
    """A unique constraint, and the index that it is made true by."""
    names = tuple(columns.split(", "))
    definition = f"UNIQUE ({columns}){' DEFERRABLE' * deferrable}"
    return {
        "constraints": (CatalogConstraint(name, "unique", names, definition, deferrable=deferrable),),
        "indexes": (index(name, columns, unique=True, constrains=True),),
    }


def table(name: str, columns: dict[str, CatalogColumn], **facts: Any) -> CatalogTable:
    """A table whose primary key is `id`."""
    own = {"id": column("bigint", identity="by default"), **columns}
    primary = CatalogConstraint(f"{name}_pkey", "primary key", ("id",), "PRIMARY KEY (id)")
    constraints = (primary, *facts.pop("constraints", ()))
    indexes = (index(f"{name}_pkey", "id", unique=True, constrains=True), *facts.pop("indexes", ()))
    return CatalogTable(name, "public", "table", own, constraints, indexes, **facts)


def catalog(*tables: CatalogTable, **facts: Any) -> Catalog:
    return Catalog({each.name: each for each in tables}, **facts)


def with_columns(found: CatalogTable, **columns: CatalogColumn | None) -> CatalogTable:
    """The table with other columns; None takes one away."""
    merged = {**found.columns, **columns}
    return replace(found, columns={name: each for name, each in merged.items() if each is not None})


def adding(found: CatalogTable, *, constraints: tuple[CatalogConstraint, ...] = (), indexes: Any = ()) -> CatalogTable:
    return replace(found, constraints=(*found.constraints, *constraints), indexes=(*found.indexes, *indexes))


def without(found: CatalogTable, *names: str) -> CatalogTable:
    """The table without the constraints and indexes of these names."""
    return replace(
        found,
        constraints=tuple(each for each in found.constraints if each.name not in names),
        indexes=tuple(each for each in found.indexes if each.name not in names),
    )


def statement(sql: str, *values: Any) -> SampleQuery:
    return SampleQuery(name="one", sql=sql, values=values)


def consumer(needs: dict[str, dict[str, Need]] | None = None, **features: Feature) -> Consumer:
    return Consumer(features=features, needs=needs or {})
