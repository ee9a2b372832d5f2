"""Fields of a body that stand for rows of a table: which rows, as the view says, else as the contract does."""

from dataclasses import replace
from typing import Final

from shared_schema.contract.contract import ColumnFacts, Contract
from strangler.compare.generate.facts import EndpointFacts, column_at, own_column
from strangler.compare.generate.schemas import NamedRows, SchemaField

_NUMBERS: Final = frozenset({"smallint", "integer", "bigint"})
# Types of JSON that keys of rows have.
_KEYS: Final = frozenset({"integer", "string", "uuid"})


def rows_named(
    field: SchemaField, table: str, facts: EndpointFacts, contract: Contract, *, within: str = ""
) -> SchemaField:
    """The field with the rows that it names, and so those within it; `table` is that of the rows that it belongs to."""
    name = f"{within}{field.name}"
    if field.items is not None:
        item = rows_named(replace(field.items, name=field.name), table, facts, contract, within=within)
        return replace(field, items=item)
    if field.fields:
        inner = tuple(rows_named(each, "", facts, contract, within=f"{name}.") for each in field.fields)
        return replace(field, fields=inner)
    own = own_column(field.name, table, contract)
    column = contract.tables[own[0]].columns[own[1]] if own else None
    # A row that one row only may point at.
    taken = own if column and (column.unique or column.primary_key) else None
    known = facts.related.get(name)
    if known is None:
        return replace(field, rows=_referred(field, column, table, contract, taken))
    target = next((key for key, each in contract.tables.items() if each.model == known.model), "")
    found = column_at(known.lookup, target, contract)
    if found is None or found[0] != target:
        return field
    where = tuple(known.where.items())
    rows = NamedRows(table=target, column=found[1], where=where, address=known.address, taken=taken)
    return replace(field, rows=rows)


def _referred(
    field: SchemaField, column: ColumnFacts | None, table: str, contract: Contract, taken: tuple[str, str] | None
) -> NamedRows | None:
    """What a foreign key of that name points at, or a many-to-many field."""
    if field.type not in _KEYS:
        return None
    joined = contract.tables[table].many_to_many.get(field.name) if table in contract.tables else None
    found = column_at("pk", joined.target, contract) if joined else None
    if column and column.references:
        found = column.references.table, column.references.column
    facts = contract.tables.get(found[0]) if found else None
    key = facts.columns.get(found[1]) if facts and found else None
    # A text is no number of a row: the view has names of its own there.
    if found is None or (key and key.type in _NUMBERS and field.type != "integer"):
        return None
    return NamedRows(table=found[0], column=found[1], taken=taken if column and column.references else None)
