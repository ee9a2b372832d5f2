"""Whether a running service goes on working when the schema below it changes, judged by two catalogs alone."""

from shared_schema.catalog import Catalog
from shared_schema.consumer import Consumer
from strangler.schema.breaks import Break, BreakKind


def find_breaks(before: Catalog, after: Catalog, consumer: Consumer) -> list[Break]:
    """Everything in `after` that would break what `consumer` does, which works on `before`."""
    return [
        Break(
            table=table,
            column=None,
            features=tuple(consumer.features_of(table)),
            kind=BreakKind.TABLE_GONE,
            sentence=f"Table {table} is gone: keep it until no feature of the running service needs it.",
        )
        for table in sorted(consumer.tables)
        if table in before.tables and table not in after.tables
    ]
