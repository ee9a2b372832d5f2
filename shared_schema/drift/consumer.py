"""Mismatches between the tables, live or in the contract, and the needs of a service's features."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable
from shared_schema.consumer.consumer import Consumer, Need
from shared_schema.contract.contract import Contract
from shared_schema.drift.mismatch import Mismatch
from shared_schema.drift.types import python_name

LIVE: Final = "run the Django migrations, or deploy the FastAPI that does without it"
WRITTEN: Final = "export the contract, or fix FastAPI's statements, then export what they need"
_KINDS: Final = ("reads", "inserts", "updates")
# PostgreSQL doesn't know which columns of a view may be null.
_VIEWS: Final = frozenset({"view", "materialized view"})


def consumer_mismatches(consumer: Consumer, catalog: Catalog, *, hint: str = LIVE) -> list[Mismatch]:
    """The needs of features that the catalog doesn't meet, by table and column."""
    touched = [consumer.columns(kind) for kind in _KINDS]
    checker = _Checker(consumer, catalog, hint, *touched)
    return [mismatch for table in sorted(consumer.tables) for mismatch in checker.of_table(table)]


def contract_consumer_mismatches(consumer: Consumer, contract: Contract) -> list[Mismatch]:
    """The same mismatches for the tables of the contract."""
    return consumer_mismatches(consumer, contract_catalog(contract), hint=WRITTEN)


def contract_catalog(contract: Contract) -> Catalog:
    """The contract's tables and columns as a catalog, without keys and indexes."""
    return Catalog(
        {
            key: CatalogTable(
                name=facts.name,
                schema=facts.schema_name or "public",
                kind="table" if facts.managed else "view",
                columns={
                    name: CatalogColumn(
                        type=column.type,
                        nullable=column.null,
                        default=column.db_default,
                        identity=column.identity,
                        generated=column.generated is not None,
                    )
                    for name, column in facts.columns.items()
                },
            )
            for key, facts in contract.tables.items()
        }
    )


@dataclass(frozen=True)
class _Checker:
    consumer: Consumer
    catalog: Catalog
    hint: str
    read: dict[str, set[str]]
    inserted: dict[str, set[str]]
    updated: dict[str, set[str]]

    def of_table(self, key: str) -> Iterator[Mismatch]:
        table = self.catalog.tables.get(key)
        if table is None:
            yield Mismatch(key, None, f"Table {key} is missing ({self._needed(key)})", self.hint)
            return
        needs = self.consumer.needs.get(key, {})
        read, inserted, updated = (kind.get(key, set()) for kind in (self.read, self.inserted, self.updated))
        for name in sorted({*read, *inserted, *updated, *needs}):
            column = table.columns.get(name)
            says = self._of_column(table, column, needs.get(name), written=name in inserted | updated)
            if says:
                yield Mismatch(key, name, f"Column {key}.{name} {says} ({self._needed(key, name)})", self.hint)
        yield from self._not_given(key, table)

    def _of_column(self, table: CatalogTable, column: CatalogColumn | None, need: Need | None, *, written: bool) -> str:
        if column is None:
            return "is missing"
        if written and (column.generated or column.identity == "always"):
            return "takes only the values that PostgreSQL gives it"
        if need is None:
            return ""
        wanted, actual = need.type.partition("[")[0], python_name(column.type, self.catalog.types)
        if actual is not None and actual != wanted and wanted not in {"Any", "object"}:
            return f"holds {actual} ({column.type}) where {need.type} is needed"
        if column.nullable and not need.nullable and table.kind not in _VIEWS:
            return "may be null where a value is needed"
        return ""

    def _not_given(self, key: str, table: CatalogTable) -> Iterator[Mismatch]:
        """Columns that an INSERT must give and doesn't."""
        for name, column in table.columns.items():
            lacking = [
                feature
                for feature, uses in self.consumer.features.items()
                if key in uses.inserts and name not in uses.inserts[key]
            ]
            if lacking and column.must_be_given:
                says = f"must be given a value, and FastAPI inserts rows without one (in {', '.join(lacking)})"
                hint = f"give it a db_default, or {self.hint.partition(', or ')[2]}"
                yield Mismatch(key, name, f"Column {key}.{name} {says}", hint)

    def _needed(self, key: str, column: str | None = None) -> str:
        return f"needed by {', '.join(sorted(self.consumer.features_of(key, column)))}"
