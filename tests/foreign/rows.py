"""The rows of the library as JSON: put into tables and taken out of them, the same by Django as by anybody else."""

# ruff: noqa: S608 - names come from the contract

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Rows = Mapping[str, list[dict[str, Any]]]


def quoted(name: str) -> str:
    """A name, or a key of the contract (`schema.name`), as SQL has it."""
    return ".".join(f'"{part}"' for part in name.split("."))


def clearing(rows: Rows) -> str:
    """The statements that empty the tables: a migration has added a row."""
    return "; ".join(f"DELETE FROM {quoted(table)}" for table in rows)


def insertions(rows: Rows) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """For each table the statement that adds rows, with `{}` where their JSON goes, and the rows."""
    for table, given in rows.items():
        if given:
            columns = ", ".join(quoted(column) for column in given[0])
            source = f"json_populate_recordset(NULL::{quoted(table)}, CAST({{}} AS json))"
            yield f"INSERT INTO {quoted(table)} ({columns}) SELECT {columns} FROM {source}", given


def selection(tables: Iterable[str]) -> str:
    """The statement that reads all rows of the tables, as one JSON object."""
    parts = [
        f"'{table}', (SELECT coalesce(json_agg(to_json(rows) ORDER BY to_json(rows)::text), '[]')"
        f" FROM {quoted(table)} AS rows)"
        for table in tables
    ]
    return f"SELECT json_build_object({', '.join(parts)})::text"


# The keys are checked at COMMIT: this does so before a test takes everything back.
CHECK = "SET CONSTRAINTS ALL IMMEDIATE"
