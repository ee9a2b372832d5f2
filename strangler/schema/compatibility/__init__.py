"""Which statements of a running service a change of the schema breaks, judged by two catalogs alone.

A change that breaks a statement, or gives it other values, is found; one that adds to the schema without touching what
the service does is not. Two things are beyond catalogs: whether PostgreSQL still has an operator for each expression
of a statement (the guard's `replay` sends them), and what a migration does to the rows themselves.
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
    """Everything in `after` that would break what `consumer` does on `before`, by table; empty if it is safe."""
    effects = effects_of(consumer, before, after)
    found = [*_breaks(before, after, consumer, effects), *key_breaks(before, after, effects)]
    # Two keys or triggers may say the same.
    return sorted(dict.fromkeys(found), key=lambda each: (each.table, each.column or "", each.kind, each.message))


def _breaks(before: Catalog, after: Catalog, consumer: Consumer, effects: dict[str, Effects]) -> Iterator[Break]:
    for key, touched in effects.items():
        if key not in after.tables:
            if touched.all:
                yield _table_gone(key, before, after, touched)
            continue
        change = TableChange(
            key=key,
            # A table that wasn't there yet is needed as it is now.
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
    hint = "keep it until no running version does, under a view of the old name if it is renamed"
    return break_make(key, None, effects.all, BreakKind.TABLE_GONE, f"is gone{renamed}", hint)
