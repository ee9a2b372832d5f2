"""Rows that continue one another: in multi-table inheritance a child's row is the rest of its parent's."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnClause, ColumnElement, Select, TableClause, column, select, table

from shared_schema.contract.contract import Contract, Pointer, TableFacts


class TableColumn(NamedTuple):
    """A column of a table, by the table's key."""

    table: str
    column: str


class Link(NamedTuple):
    """By which column of which table a row continues another, and which column of that one it holds."""

    holder: TableColumn
    target: TableColumn


class InheritedRows:
    """The rows of one table, with those that they continue."""

    def __init__(self, contract: Contract, name: str) -> None:
        self.contract = contract
        self.name = name
        self.facts = contract.tables[name]
        self.key = tuple(TableColumn(name, part) for part in self.facts.primary_key)
        self.clause = table_clause(self.facts)

    @cached_property
    def links(self) -> dict[str, Link]:
        """How each row continued is reached, by its table: parents first, then theirs."""
        links: dict[str, Link] = {}
        for column_name, facts in self.facts.columns.items():
            reference = facts.references
            if reference is not None and reference.parent_link and reference.table in self.facts.parents:
                link = Link(TableColumn(self.name, column_name), TableColumn(reference.table, reference.column))
                links = {reference.table: link} | InheritedRows(self.contract, reference.table).links | links
        return links

    @property
    def pointers(self) -> Iterator[Pointer]:
        """What points at these rows or at those that they continue.

        Not at other rows that continue the same: Django leaves them behind, and the database refuses.
        """
        yield from self.contract.references_to(self.name)
        for ancestor in self.links:
            for pointer in self.contract.references_to(ancestor):
                if not pointer.reference.parent_link:
                    yield pointer

    def held(self, place: TableColumn) -> TableColumn:
        """The place that holds the same value nearest to the rows' own table: a parent's key is the child's link."""
        link = self.links.get(place.table)
        return place if link is None or link.target != place else self.held(link.holder)

    def select(self, places: Iterable[TableColumn], where: ColumnElement[bool]) -> Select[Any]:
        """Reads `places`, of the rows and of those that they continue."""
        clauses = {self.name: self.clause}
        source: Any = self.clause
        columns: list[ColumnClause[Any]] = []
        for place in places:
            source = self._joined(source, clauses, place.table)
            columns.append(clauses[place.table].c[place.column])
        return select(*columns).select_from(source).where(where)

    def _joined(self, source: Any, clauses: dict[str, TableClause], name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's own
        if name in clauses:
            return source
        holder, target = self.links[name]
        source = self._joined(source, clauses, holder.table)
        clauses[name] = table_clause(self.contract.tables[name])
        return source.join(clauses[name], clauses[name].c[target.column] == clauses[holder.table].c[holder.column])


def table_clause(facts: TableFacts) -> TableClause:
    """The table with all of its columns; they bear no types."""
    columns: list[ColumnClause[Any]] = [column(name) for name in facts.columns]
    return table(facts.name, *columns, schema=facts.schema_name)
