"""Every difference between two contracts, such as the file and a fresh export."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from shared_schema.contract.contract import ColumnFacts, Contract, TableFacts
from shared_schema.contract.token_settings import TokenSettings
from shared_schema.drift.mismatch import Mismatch, column_text

_EXPORT: Final = "export the contract (manage.py export_schema), and review the diff"
_PARTS: Final = frozenset({"columns", "indexes", "constraints", "many_to_many", "generic_relations"})

# What stands where: the column, and what is said of it.
_Facts = dict[str, tuple[str | None, str]]
_Change = tuple[str | None, str, str | None, str | None]


def contract_changes(contract: Contract, models: Contract) -> list[Mismatch]:
    """Every fact that differs between `contract`, the reviewed file, and `models`, exported from the models now."""
    changes = [
        _mismatch(key, *change)
        for key in sorted(contract.tables.keys() | models.tables.keys())
        for change in _table_changes(key, contract.tables.get(key), models.tables.get(key))
    ]
    tokens = (_token_facts(contract.tokens), _token_facts(models.tokens))
    return changes + [_mismatch("", *change) for change in _changes(*tokens)]


def _table_changes(key: str, contract: TableFacts | None, models: TableFacts | None) -> Iterator[_Change]:
    if contract is None or models is None:
        yield from _changes(_whole(key, contract), _whole(key, models))
        return
    yield from _changes(_facts(key, contract), _facts(key, models))
    for name in sorted(contract.columns.keys() | models.columns.keys()):
        before, after, subject = contract.columns.get(name), models.columns.get(name), f"column {key}.{name}"
        if before is None or after is None:
            yield name, subject, _column_text(before) if before else None, _column_text(after) if after else None
        else:
            yield from _changes(*(_column_facts(subject, name, _dumped(side)) for side in (before, after)))


def _changes(before: _Facts, after: _Facts) -> Iterator[_Change]:
    for subject in sorted(before.keys() | after.keys()):
        column, was = before.get(subject, (None, None))
        column, now = after.get(subject, (column, None))
        if was != now:
            yield column, subject, was, now


def _token_facts(tokens: TokenSettings | None) -> _Facts:
    dumped = {} if tokens is None else tokens.model_dump(mode="json", exclude_none=True)
    return {f"setting SIMPLE_JWT.{name.upper()}": (None, _text(value)) for name, value in dumped.items()}


def _whole(key: str, table: TableFacts | None) -> _Facts:
    """A table that the other side lacks, with its columns; nothing where there is none."""
    if table is None:
        return {}
    columns = (f"{name} {_column_text(column)}" for name, column in table.columns.items())
    return {f"table {key}": (None, f"({', '.join(columns)})")}


def _column_text(column: ColumnFacts) -> str:
    return column_text(column.type, nullable=column.null)


def _facts(key: str, table: TableFacts) -> _Facts:
    """The table's own; an index or a constraint without a name goes by its columns."""
    dumped = _dumped(table)
    facts: _Facts = {
        f"table {key} {fact}": (None, _text(value)) for fact, value in dumped.items() if fact not in _PARTS
    }
    for name, relation in dumped.get("many_to_many", {}).items():
        facts[f"relation {key}.{name}"] = None, _text(relation)
    for part, word in (("indexes", "index"), ("constraints", "constraint"), ("generic_relations", "relation")):
        for item in dumped.get(part, ()):
            called = item.get("name") or item.get("field") or f"({', '.join(item.get('columns') or ())})"
            subject = f"{word} {key} {called}"
            others = facts.get(subject, (None, ""))[1]
            facts[subject] = None, f"{others} {_text(item)}".strip()
    return facts


def _dumped(facts: BaseModel) -> dict[str, Any]:
    return facts.model_dump(mode="json", exclude_unset=True)


def _column_facts(subject: str, name: str, dumped: Mapping[str, Any]) -> _Facts:
    facts: _Facts = {}
    for fact, value in dumped.items():
        if fact == "references":
            facts |= _column_facts(f"{subject} {fact}", name, value)
        else:
            facts[f"{subject} {fact}"] = name, _text(value)
    return facts


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _mismatch(key: str, column: str | None, subject: str, contract: str | None, models: str | None) -> Mismatch:
    what = subject[0].upper() + subject[1:]
    if contract is None:
        says = f"{what} is in Django's models and not in the contract{_aside(models)}"
    elif models is None:
        says = f"{what} is in the contract and no longer in Django's models{_aside(contract)}"
    else:
        says = f"{what} is {models} in Django's models and {contract} in the contract"
    return Mismatch(key, column, says, _EXPORT, subject, contract, models)


def _aside(value: str | None) -> str:
    if not value:
        return ""
    return f" {value}" if value.startswith("(") else f" ({value})"
