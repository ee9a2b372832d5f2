"""Which statements of a running service a schema change breaks, decided from two catalogs.

A change that breaks a statement, or gives it other values, is reported; one that only adds to the schema is not.
Catalogs don't show whether PostgreSQL still has an operator for each expression of a statement (the guard's `replay`
runs them), nor what a migration does to the rows.
"""

from collections.abc import Iterator

from shared_schema.catalog import Catalog
from shared_schema.consumer.consumer import Consumer
from strangler.schema.compatibility.breaks import Break, BreakKind, break_make
from strangler.schema.compatibility.column_rules import TableChange, column_breaks
from strangler.schema.compatibility.effects import Effects, effects_of
from strangler.schema.compatibility.key_rules import key_breaks
from strangler.schema.compatibility.table_rules import table_breaks


def find_breaks(before: Catalog, after: Catalog, consumer: Consumer) -> list[Break]:
    """Everything in `after` that breaks what `consumer` does on `before`, by table; empty if it is safe."""
    effects = effects_of(consumer, before, after)
    breaks = [*_breaks(before, after, consumer, effects), *key_breaks(before, after, effects)]
    # Two keys or triggers may give the same break.
    return sorted(dict.fromkeys(breaks), key=lambda one: (one.table, one.column or "", one.kind, one.message))


def _breaks(before: Catalog, after: Catalog, consumer: Consumer, effects: dict[str, Effects]) -> Iterator[Break]:
    for key, touched in effects.items():
        if key not in after.tables:
            if touched.all:
                yield _table_gone(key, before, after, touched)
            continue
        change = TableChange(
            key=key,
            # A table that didn't exist before is needed as it is after.
            before=before.tables.get(key, after.tables[key]),
            after=after.tables[key],
            effects=touched,
            needs=consumer.needs.get(key, {}),
            catalogs=(before, after),
        )
        yield from column_breaks(change)
        yield from table_breaks(change)


def _table_gone(key: str, before: Catalog, after: Catalog, effects: Effects) -> Break:
    columns = set(before.tables[key].columns) if key in before.tables else set()
    moved = [
        other
        for other, table in after.tables.items()
        if other not in before.tables and columns and columns == set(table.columns)
    ]
    renamed = f" (is it {moved[0]} now?)" if len(moved) == 1 else ""
    hint = "keep it until no running version needs it, as a view of the old name if it is renamed"
    return break_make(key, None, effects.all, BreakKind.TABLE_GONE, f"no longer exists{renamed}", hint)
