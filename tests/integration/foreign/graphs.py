"""Rows that Hypothesis makes up for every table of a contract: who points at whom is drawn, the rest follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from shared_schema.catalog import Catalog
from shared_schema.contract.contract import ColumnFacts, Contract
from shared_schema.contract.inheritance import InheritedRows

Row = dict[str, Any]
MOST_ROWS = 3
_CONTENT_TYPES = "django_content_type"
# By the beginning of a type's name; `n` is another for each row of a table.
_SCALARS = {
    "smallint": lambda n: n,
    "int4range": lambda n: f"[{n}0,{n}5)",
    "integer[": lambda n: [n],
    "character varying(30)[": lambda n: [f"word {n}"],
    "integer": lambda n: n,
    "bigint": lambda n: n,
    "numeric": lambda n: f"{n}.50",
    "double": lambda n: n / 2,
    "boolean": lambda n: n % 2 == 0,
    "character": lambda n: f"n{n}",
    "text": lambda n: f"text {n}",
    "uuid": lambda n: str(UUID(int=n)),
    "daterange": lambda n: f"[2026-01-0{n},2026-02-0{n})",
    "date": lambda n: f"2026-01-0{n}",
    "timestamp": lambda n: f"2026-01-0{n}T12:00:00+00:00",
    "time ": lambda n: f"0{n}:30:00",
    "bytea": lambda n: f"\\x0{n}",
    "interval": lambda n: f"P{n}D",
    "jsonb": lambda n: {"n": n},
}


@dataclass(frozen=True)
class Project:
    """A project's tables, what must be unique in them, and the ids of its content types by app and model."""

    contract: Contract
    catalog: Catalog
    content_types: Mapping[tuple[str, str], int]

    @cached_property
    def tables(self) -> list[str]:
        """Tables that rows can be put into, those that are needed first."""
        needs = {name: set(self.needs(name)) for name in self.contract.tables if self._is_table(name)}
        return list(TopologicalSorter(needs).static_order())

    @cached_property
    def type_rows(self) -> list[Row]:
        """Content types that rows belong to by them, and one that none do."""
        relations = [relation for table in self.contract.tables.values() for relation in table.generic_relations]
        owners = [self.content_types[relation.content_type] for relation in relations]
        return [{"id": number} for number in dict.fromkeys([*owners, min(self.content_types.values())])]

    def needs(self, name: str) -> Iterator[str]:
        """The tables that each row must point at."""
        for facts in self.contract.tables[name].columns.values():
            if facts.references is not None and not facts.null and facts.references.table != name:
                yield facts.references.table

    def needed(self, name: str) -> set[str]:
        """The table, and all whose rows its own can't be without."""
        return {name}.union(*(self.needed(other) for other in self.needs(name)))

    def unique(self, name: str) -> list[tuple[str, ...]]:
        table = self.catalog.tables[name]
        rules = [rule.columns for rule in table.constraints if rule.kind in ("unique", "primary key")]
        return rules + [index.columns for index in table.indexes if index.unique and not index.partial]

    def _is_table(self, name: str) -> bool:
        return self.catalog.tables[name].kind == "table" and name != _CONTENT_TYPES


@st.composite
def graphs(draw: st.DrawFn, project: Project, root: str) -> dict[str, list[Row]]:
    """Rows of every table, one of `root` at least; every reference is kept."""
    needed = project.needed(root)
    rows: dict[str, list[Row]] = {_CONTENT_TYPES: project.type_rows}
    for table in project.tables:
        number = draw(st.integers(1 if table in needed else 0, MOST_ROWS), label=table)
        made = [_row(draw, project, table, rows, n) for n in range(1, number + 1)]
        rows[table] = _kept(project, table, [row for row in made if row is not None])
    for table in project.tables:
        for row in rows[table]:
            _point(draw, project, table, rows, row)
        rows[table] = _kept(project, table, rows[table])
    del rows[_CONTENT_TYPES]
    return rows


@st.composite
def new_rows(draw: st.DrawFn, project: Project, table: str, rows: dict[str, list[Row]]) -> dict[str, Row]:
    """What is given of a new row, by the table that it goes into: those that it continues come first."""
    every = rows | {_CONTENT_TYPES: project.type_rows}
    given: dict[str, Row] = {}
    for name in [*reversed(InheritedRows(project.contract, table).links), table]:
        columns = project.contract.tables[name].columns
        row = _row(draw, project, name, every | given_rows(given), MOST_ROWS + 1) or {}
        if row:
            _point(draw, project, name, every, row)
        given[name] = {
            column: value
            for column, value in row.items()
            if not is_made(columns[column]) and (is_required(columns[column]) or draw(st.booleans(), label=column))
        }
    return given


def given_rows(given: dict[str, Row]) -> dict[str, list[Row]]:
    return {name: [row | {"id": None, "item_ptr_id": None}] for name, row in given.items()}


def is_made(facts: ColumnFacts) -> bool:
    """Whether nobody gives a value: the database does or the parent's row, Django takes none, or JSON holds none."""
    continues = facts.references is not None and facts.references.parent_link
    by_django = facts.auto_now or facts.auto_now_add
    return facts.identity is not None or facts.generated is not None or continues or by_django or facts.type == "bytea"


def is_required(facts: ColumnFacts) -> bool:
    """Whether Django has nothing to write for it."""
    made = facts.default_callable or facts.db_default or facts.auto_now or facts.auto_now_add
    return not (made or facts.null or facts.has_default)


def _row(draw: st.DrawFn, project: Project, table: str, rows: dict[str, list[Row]], n: int) -> Row | None:
    """A row whose nullable references are empty yet; None where there is nothing that it must point at."""
    row: Row = {}
    for name, facts in project.contract.tables[table].columns.items():
        if facts.generated is not None:
            continue
        row[name] = None if facts.references is not None else _scalar(facts, name, n)
        if facts.references is not None and not facts.null and facts.references.table != table:
            targets = rows[facts.references.table]
            if not targets:
                return None
            row[name] = draw(st.sampled_from([target[facts.references.column] for target in targets]))
    return row


def _scalar(facts: ColumnFacts, name: str, n: int) -> Any:
    if facts.primary_key and facts.type.startswith("character") and n == 1:
        # The branch that members go to where theirs is closed.
        return "main"
    if facts.identity is not None:
        # Far from those that the database gives.
        return 1_000_000 + n
    if name == "object_id":
        return str(UUID(int=n))
    for kind, make in _SCALARS.items():
        if facts.type.startswith(kind):
            return make(n)
    return None


def _point(draw: st.DrawFn, project: Project, table: str, rows: dict[str, list[Row]], row: Row) -> None:
    for name, facts in project.contract.tables[table].columns.items():
        reference = facts.references
        if reference is not None and facts.null:
            targets = [target[reference.column] for target in rows[reference.table]]
            row[name] = draw(st.sampled_from([None, *targets]))
    if table == "lending_loan" and row["renewed_from_id"] == row["id"]:
        row["renewed_from_id"] = None


def _kept(project: Project, table: str, rows: list[Row]) -> list[Row]:
    """The rows without those that another is equal to where it may not; a reference alone is taken away."""
    for columns in project.unique(table):
        seen: set[tuple[Any, ...]] = set()
        for row in list(rows):
            values = tuple(row.get(column) for column in columns)
            if None not in values and values in seen:
                if len(columns) == 1 and project.contract.tables[table].columns[columns[0]].null:
                    row[columns[0]] = None
                else:
                    rows.remove(row)
            seen.add(values)
    return rows
