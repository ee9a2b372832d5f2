"""Definitions of constraints and indexes, read so far that two can be compared."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared_schema.catalog import CatalogConstraint, CatalogTable
from strangler.schema.compatibility.sql_tokens import identifier, names_in

# Casts that come and go with a column's own type: varchar is compared as text, an integer's constants are of its type.
_CAST: Final = re.compile(r"::(?:text|character varying|smallint|integer|bigint)(?:\(\d+\))?(?:\[\])*")
_ALONE: Final = re.compile(r"""(?<![\w"])\((\w+|"[^"]*"|'[^']*')\)""")
_TWICE: Final = re.compile(r"\((\(ARRAY\[[^\]]*\]\))\)")
_COLLATE: Final = re.compile(r" COLLATE (\S+?)[,)]?(?=\s|$)")
_PREDICATE: Final = re.compile(r" WHERE (.*)", re.DOTALL)
_PLAIN: Final = re.compile(r"""(\w+|"(?:[^"]|"")+")(?: DESC)?""")


def plain_definition(definition: str) -> str:
    """A definition without what says nothing of which rows it lets in: casts, NOT VALID, needless parentheses."""
    text = _CAST.sub("", definition.removesuffix(" NOT VALID"))
    return _TWICE.sub(r"\1", _ALONE.sub(r"\1", text))


def is_enforced(constraint: CatalogConstraint) -> bool:
    """Whether PostgreSQL refuses rows for it (https://www.postgresql.org/docs/18/sql-createtable.html)."""
    return "NOT ENFORCED" not in constraint.definition


def plain_columns(columns: tuple[str, ...]) -> dict[str, bool]:
    """The columns of an index, each with whether it is a column and no expression."""
    matches = ((column, _PLAIN.fullmatch(column)) for column in columns)
    return {identifier(match.group(1)) if match else column: match is not None for column, match in matches}


@dataclass(frozen=True)
class Unique:
    """What a unique index or constraint refuses; `mentioned` are all the names in its definition."""

    name: str
    columns: frozenset[str]
    expressions: bool
    predicate: str
    nulls_are_equal: bool
    collations: tuple[str, ...]
    deferrable: bool
    mentioned: frozenset[str]

    def implies(self, other: "Unique") -> bool:
        """Whether a row that `other` refuses is refused by this one already."""
        alike = self.predicate in ("", other.predicate) and self.collations == other.collations
        fewer = self.columns == other.columns or (
            self.columns < other.columns and not (self.expressions or other.expressions)
        )
        no_looser = (self.nulls_are_equal or not other.nulls_are_equal) and (not self.deferrable or other.deferrable)
        return alike and fewer and no_looser

    def serves(self, other: "Unique") -> bool:
        """Whether ON CONFLICT that inferred `other` can infer this one."""
        alike = (self.columns, self.predicate, self.collations) == (other.columns, other.predicate, other.collations)
        return alike and not self.deferrable


def uniques_of(table: CatalogTable) -> Iterator[Unique]:
    """Every unique index of a table, those of constraints and of the primary key with them."""
    deferrable = {found.name for found in table.constraints if found.deferrable}
    for index in table.indexes:
        if index.unique:
            definition = index.definition.partition(" USING ")[2]
            predicate = _PREDICATE.search(definition)
            columns = plain_columns(index.columns)
            yield Unique(
                name=index.name,
                columns=frozenset(columns),
                expressions=not all(columns.values()),
                predicate=plain_definition(predicate.group(1)) if predicate else "",
                nulls_are_equal="NULLS NOT DISTINCT" in definition,
                collations=tuple(sorted(_COLLATE.findall(definition))),
                deferrable=index.name in deferrable,
                mentioned=names_in(definition),
            )
