"""Reads SQL as text: statements of a service, definitions of the catalog.

Where a statement is ambiguous, the result errs on the side of a warning.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from shared_schema.catalog import CatalogConstraint, CatalogTable, table_key
from shared_schema.consumer.consumer import SampleQuery

_TOKEN: Final = re.compile(
    r"""
      --[^\n]* | /\*.*?\*/                                    # comments
    | e'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | (\$\w*\$).*?\1  # texts
    | "(?:[^"]|"")+" | \$\d+ | :: | \w+ | \S
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"/\*|\*/")
_NAME: Final = re.compile(r'"(?:[^"]|"")+"|[^\W\d]\w*')
# A `*` after one of these stands for all columns; elsewhere it counts rows or multiplies.
_BEFORE_STAR: Final = frozenset({"select", "distinct", "all", "returning", ",", "."})


@dataclass(frozen=True)
class Insert:
    """An INSERT: its table and the columns that get values (None: all, in their order).

    `nulls` are columns that are given NULL.
    """

    table: str
    columns: frozenset[str] | None
    nulls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OnConflict:
    """An ON CONFLICT with its target: columns, the name of a constraint, or neither for any."""

    columns: frozenset[str] | None = None
    constraint: str | None = None


def words(sql: str) -> list[str]:
    """The tokens of a text: names and keywords in lower case, quoted names as they are, no comments."""
    tokens = (match.group() for match in _TOKEN.finditer(uncommented(sql)))
    return [token if token[0] in "\"'" else token.lower() for token in tokens]


def uncommented(sql: str) -> str:
    """The text with a space in the place of each character of a comment."""
    if "--" not in sql and "/*" not in sql:
        return sql
    parts, place = [], 0
    while match := _TOKEN.search(sql, place):
        end = _comment_end(sql, match.start()) if match[0].startswith("/*") else match.end()
        is_comment = match[0].startswith(("--", "/*"))
        parts += [sql[place : match.start()], " " * (end - match.start()) if is_comment else match[0]]
        place = end
    return "".join([*parts, sql[place:]])


def _comment_end(sql: str, start: int) -> int:
    """Where the comment ends that begins at `start`: PostgreSQL's comments nest."""
    depth = 0
    for match in _COMMENT.finditer(sql, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)


def part_at(sql: str, start: int, at: int) -> str:
    """Of the parts between the commas of a text without comments, from `start` on, the one that holds the place `at`.

    The only part where there is one; the first where `at` lies before all of them.
    """
    depth, begin = 0, start
    for match in _TOKEN.finditer(sql, start):
        depth += (match[0] in "([") - (match[0] in ")]")
        if depth == 0 and match[0] == ",":
            if at < match.start():
                break
            begin = match.end()
    else:
        return sql[begin:]
    return sql[begin : match.start()]


def names_in(sql: str) -> frozenset[str]:
    """Every name in a text, and the keywords with them."""
    return frozenset(identifier(token) for token in words(sql) if _NAME.fullmatch(token))


def identifier(token: str) -> str:
    """The name that a token stands for."""
    return token[1:-1].replace('""', '"') if token.startswith('"') else token


def takes_all_columns(tokens: Sequence[str]) -> bool:
    """Whether a new column changes the statement's result: `SELECT *`, `NATURAL JOIN`."""
    pairs = pairwise(tokens)
    return "natural" in tokens or any(star == "*" and before in _BEFORE_STAR for before, star in pairs)


def inserts_of(statement: SampleQuery, *, schema: str = "public") -> Iterator[Insert]:
    """Each INSERT of a statement; a WITH may have several."""
    tokens = words(statement.sql)
    for place in _places(tokens, "insert", "into"):
        table, rest = _table(tokens[place + 2 :], schema)
        rest = rest[2:] if rest[:1] == ["as"] else rest
        listed, after = _list(rest)
        if rest[:2] == ["default", "values"]:
            listed = []
        if listed is None:
            yield Insert(table, None)
            continue
        rows = [dict(zip(listed, row, strict=False)) for row in _rows(after)] if after[:1] == ["values"] else []
        defaults = {column for row in rows for column, value in row.items() if value == ["default"]}
        nulls = {column for row in rows for column, value in row.items() if _is_null(value, statement.values)}
        yield Insert(table, frozenset(listed) - defaults, frozenset(nulls))


def conflicts_of(statement: SampleQuery) -> Iterator[OnConflict]:
    """Each ON CONFLICT of a statement."""
    tokens = words(statement.sql)
    for place in _places(tokens, "on", "conflict"):
        rest = tokens[place + 2 :]
        if rest[:2] == ["on", "constraint"]:
            yield OnConflict(constraint=identifier(rest[2]))
        elif rest[:1] == ["("]:
            parts, _ = _parenthesis(rest)
            plain = all(len(part) == 1 and _NAME.fullmatch(part[0]) for part in parts)
            yield OnConflict(columns=frozenset(identifier(part[0]) for part in parts)) if plain else OnConflict()
        else:
            yield OnConflict()


def _places(tokens: Sequence[str], *wanted: str) -> Iterator[int]:
    return (place for place in range(len(tokens)) if tuple(tokens[place : place + len(wanted)]) == wanted)


def _table(tokens: list[str], schema: str) -> tuple[str, list[str]]:
    if tokens[1:2] == ["."]:
        return table_key(identifier(tokens[0]), identifier(tokens[2]), default=schema), tokens[3:]
    return identifier(tokens[0]), tokens[1:]


def _list(tokens: list[str]) -> tuple[list[str] | None, list[str]]:
    """The columns in the parenthesis that an INSERT may have, and what follows; None where it has none."""
    if tokens[:1] != ["("] or tokens[1:2] in (["select"], ["with"], ["values"]):
        return None, tokens
    parts, rest = _parenthesis(tokens)
    if rest[:1] == ["overriding"]:
        rest = rest[3:]
    return [identifier(part[0]) for part in parts], rest


def _rows(tokens: list[str]) -> Iterator[list[list[str]]]:
    """The rows of a VALUES, each value as its tokens."""
    rest = tokens[1:]
    while rest[:1] == ["("]:
        row, rest = _parenthesis(rest)
        yield row
        rest = rest[1:] if rest[:1] == [","] else []


def _parenthesis(tokens: list[str]) -> tuple[list[list[str]], list[str]]:
    """The parts, between commas, of the parenthesis that `tokens` begin with, and what follows it."""
    depth = 0
    parts: list[list[str]] = [[]]
    for place, word in enumerate(tokens):
        depth += (word in "([") - (word in ")]")
        if depth == 0:
            return [part for part in parts if part], tokens[place + 1 :]
        if depth == 1 and word == ",":
            parts.append([])
        elif place:
            parts[-1].append(word)
    return [part for part in parts if part], []


def _is_null(value: list[str], given: Sequence[Any]) -> bool:
    """Whether a value is NULL, be it by a parameter; a cast makes no difference."""
    if value[:1] == ["null"]:
        return True
    number = value[0].removeprefix("$") if value and value[0].startswith("$") else ""
    alone = len(value) == 1 or value[1] == "::"
    return number.isdecimal() and alone and int(number) <= len(given) and given[int(number) - 1] is None


# Casts that depend on the column's type: varchar is compared as text, an integer's constants have its type.
_CAST: Final = re.compile(r"::(?:text|character varying|smallint|integer|bigint)(?:\(\d+\))?(?:\[\])*")
_ALONE: Final = re.compile(r"""(?<![\w"])\((\w+|"[^"]*"|'[^']*')\)""")
_TWICE: Final = re.compile(r"\((\(ARRAY\[[^\]]*\]\))\)")
_COLLATE: Final = re.compile(r" COLLATE (\S+?)[,)]?(?=\s|$)")
_PREDICATE: Final = re.compile(r" WHERE (.*)", re.DOTALL)
_PLAIN: Final = re.compile(r"""(\w+|"(?:[^"]|"")+")(?: DESC)?""")


def plain_definition(definition: str) -> str:
    """A definition without parts that don't affect which rows it accepts: casts, NOT VALID, needless parentheses."""
    text = _CAST.sub("", definition.removesuffix(" NOT VALID"))
    return _TWICE.sub(r"\1", _ALONE.sub(r"\1", text))


def is_enforced(constraint: CatalogConstraint) -> bool:
    """Whether PostgreSQL enforces the constraint (https://www.postgresql.org/docs/18/sql-createtable.html)."""
    return "NOT ENFORCED" not in constraint.definition


def plain_columns(columns: tuple[str, ...]) -> dict[str, bool]:
    """The columns of an index, each with whether it is a column and no expression."""
    matches = ((column, _PLAIN.fullmatch(column)) for column in columns)
    return {identifier(match.group(1)) if match else column: match is not None for column, match in matches}


@dataclass(frozen=True)
class UniqueRule:
    """The rows that a unique index or constraint refuses; `mentioned` are all names in its definition."""

    name: str
    columns: frozenset[str]
    expressions: bool
    predicate: str
    nulls_are_equal: bool
    collations: tuple[str, ...]
    deferrable: bool
    mentioned: frozenset[str]

    def implies(self, other: "UniqueRule") -> bool:
        """Whether a row that `other` refuses is refused by this one already."""
        alike = self.predicate in ("", other.predicate) and self.collations == other.collations
        fewer = self.columns == other.columns or (
            self.columns < other.columns and not (self.expressions or other.expressions)
        )
        no_looser = (self.nulls_are_equal or not other.nulls_are_equal) and (not self.deferrable or other.deferrable)
        return alike and fewer and no_looser

    def serves(self, other: "UniqueRule") -> bool:
        """Whether an ON CONFLICT whose target was `other` can use this one."""
        alike = (self.columns, self.predicate, self.collations) == (other.columns, other.predicate, other.collations)
        return alike and not self.deferrable


def uniques_of(table: CatalogTable) -> Iterator[UniqueRule]:
    """Every unique index of a table, including those of constraints and the primary key."""
    deferrable = {constraint.name for constraint in table.constraints if constraint.deferrable}
    for index in table.indexes:
        if index.unique:
            definition = index.definition.partition(" USING ")[2]
            predicate = _PREDICATE.search(definition)
            columns = plain_columns(index.columns)
            yield UniqueRule(
                name=index.name,
                columns=frozenset(columns),
                expressions=not all(columns.values()),
                predicate=plain_definition(predicate.group(1)) if predicate else "",
                nulls_are_equal="NULLS NOT DISTINCT" in definition,
                collations=tuple(sorted(_COLLATE.findall(definition))),
                deferrable=index.name in deferrable,
                mentioned=names_in(definition),
            )
