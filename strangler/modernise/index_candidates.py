"""The indexes that a statement might want, read off its plan: columns compared, then columns sorted by."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared_schema.catalog import CatalogTable
from strangler.handover.steps import quoted
from strangler.schema.compatibility.sql_text import identifier

Node = Mapping[str, Any]

_NAME: Final = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
_COLUMN: Final = re.compile(rf"({_NAME})\.({_NAME})")
_COMPARED: Final = re.compile(r"(.+?) (=|<|>|<=|>=) (.+)", re.DOTALL)
_SORTED: Final = re.compile(rf"({_NAME})\.({_NAME})((?: DESC)?(?: NULLS (?:FIRST|LAST))?)")
_ANY: Final = re.compile(r"ANY \((.+)\)", re.DOTALL)
_ROW: Final = re.compile(r"ROW\((.+)\)", re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(\d+)")
_TYPE: Final = r"[a-z]\w*(?: varying| precision| with(?:out)? time zone)?(?:\(\d+\))?(?:\[\])?"
_CAST: Final = re.compile(rf"\(([^()]+)\)::{_TYPE}|(?<=[\w'\"])::{_TYPE}")
_CONDITIONS: Final = ("Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter")
# Behind these, rows come in another order, or are others.
_UNORDERED: Final = frozenset({"Aggregate", "WindowAgg", "Unique", "SetOp", "Append", "ModifyTable"})
_MOST_COLUMNS: Final = 4


@dataclass(frozen=True, order=True)
class Candidate:
    """An index on a table: columns as SQL, some with a direction."""

    schema: str
    table: str
    columns: tuple[str, ...]

    @property
    def definition(self) -> str:
        """What follows USING."""
        return f"btree ({', '.join(self.columns)})"

    @property
    def relation(self) -> str:
        """The table as SQL."""
        return quoted(self.schema, self.table)

    def is_served_by(self, columns: Sequence[str]) -> bool:
        """Whether an index on these columns begins with all of this one's."""
        return tuple(columns[: len(self.columns)]) == self.columns


@dataclass(frozen=True)
class Comparison:
    """A column of a relation, how it is compared, and the number of the parameter that it is compared with."""

    alias: str
    column: str
    equal: bool
    parameter: int | None = None


def scanned_relations(plan: Node) -> Iterator[tuple[str, str, str]]:
    """Each relation that is scanned: its alias in the plan, its schema and its name."""
    for node in nodes_of(plan):
        if "Relation Name" in node:
            yield node["Alias"], node["Schema"], node["Relation Name"]


def indexes_used(plan: Node) -> frozenset[str]:
    """The names of all indexes in a plan."""
    return frozenset(node["Index Name"] for node in nodes_of(plan) if "Index Name" in node)


def comparisons(plan: Node) -> Iterator[Comparison]:
    """Every comparison of a column that an index could answer; not what stands behind OR, and not LIKE."""
    for node in nodes_of(plan):
        for name in _CONDITIONS:
            if name in node:
                yield from _compared(node[name])


def candidates(plan: Node, tables: Mapping[str, CatalogTable]) -> set[Candidate]:
    """The indexes that the statement of a plan might want on the tables, which are given by their alias in it."""
    found, compared = set(), list(comparisons(plan))
    for alias, table in tables.items():
        own = [each for each in compared if each.alias == alias]
        equal = [*dict.fromkeys(each.column for each in own if each.equal)]
        # What has two values is of use behind what has many.
        equal.sort(key=lambda column, columns=table.columns: columns[identifier(column)].type == "boolean")  # type: ignore[misc] # of a default's type mypy knows nothing
        ranges = [(column,) for column in dict.fromkeys(each.column for each in own if not each.equal)]
        for head in ((*equal,), *((column,) for column in equal), ()):
            for end in (*dict.fromkeys(_orders(plan, alias)), *ranges, ()):
                if columns := _columns(head, end):
                    found.add(Candidate(table.schema, table.name, columns))
    return found


def _columns(head: Sequence[str], end: Sequence[str]) -> tuple[str, ...]:
    """Columns that are equal, then others; what is equal has no order."""
    rest = [column for column in end if column.split(" ")[0] not in head]
    return tuple([*head, *rest][:_MOST_COLUMNS])


def _orders(node: Node, alias: str, order: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """What rows of the relation are sorted by, wherever they are scanned."""
    if node["Node Type"] in _UNORDERED:
        order = ()
    if "Sort Key" in node:
        order = tuple(node["Sort Key"])
    if node.get("Alias") == alias and "Relation Name" in node and order:
        keys = [_SORTED.fullmatch(key) for key in order]
        if all(key is not None and identifier(key[1]) == alias for key in keys):
            yield tuple(f"{key[2]}{key[3]}" for key in keys if key is not None)
    for child in node.get("Plans", ()):
        yield from _orders(child, alias, () if "Subplan Name" in child else order)


def nodes_of(node: Node) -> Iterator[Node]:
    """A node of a plan, and all below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from nodes_of(child)


def _compared(condition: str) -> Iterator[Comparison]:
    for part in _conjuncts(condition):
        bare = _bare(part)
        if (column := _column(bare)) or (column := _column(bare.removeprefix("NOT ").removesuffix(" IS NULL"))):
            yield Comparison(*column, equal=True)
        elif compared := _COMPARED.fullmatch(bare):
            left, operator, right = compared.groups()
            for one, other in ((left, right), (right, left)):
                if row := _ROW.fullmatch(one):
                    one = row[1].split(", ")[0]
                if column := _column(_bare(one)):
                    value = _bare((_ANY.fullmatch(other) or [other, other])[1])
                    number = _PARAMETER.fullmatch(value)
                    yield Comparison(*column, equal=operator == "=", parameter=int(number[1]) if number else None)


def _column(text: str) -> tuple[str, str] | None:
    found = _COLUMN.fullmatch(text)
    return (identifier(found[1]), found[2]) if found else None


def _bare(text: str) -> str:
    """Without casts and the brackets around the whole."""
    while (plain := _CAST.sub(lambda found: found[1] or "", text)) != text:
        text = plain
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _conjuncts(condition: str) -> Iterator[str]:
    """The parts between the ANDs of a condition; one with an OR is a part of its own."""
    text = condition
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    parts = _split(text, " AND ")
    if len(parts) == 1:
        if len(_split(text, " OR ")) == 1:
            yield text
        return
    for part in parts:
        yield from _conjuncts(part)


def _split(text: str, word: str) -> list[str]:
    """The parts between a word that stands in no brackets and no quotes."""
    parts, depth, quote, begin = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif not (depth := depth + (character in "([") - (character in ")]")) and text.startswith(word, place):
            parts.append(text[begin:place])
            begin = place + len(word)
    return [*parts, text[begin:]]


def _closing(text: str) -> int:
    """Where the first bracket of a text is closed."""
    depth, quote = 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([") - (character in ")]")
            if depth == 0:
                return place
    return len(text)
