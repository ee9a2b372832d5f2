"""What the text of a statement says that lists of columns don't: which values an INSERT gives, and what a `*` hides.

The statements are those that the service sends, made by SQLAlchemy or written for PostgreSQL; what is read here is
the little that a judgement needs, and where a text is unclear, the answer is the one that is on guard.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from shared_schema.catalog import table_key
from shared_schema.consumer.consumer import Statement

_TOKEN: Final = re.compile(
    r"""
      --[^\n]* | /\*.*?\*/                                    # comments
    | e'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | (\$\w*\$).*?\1  # texts
    | "(?:[^"]|"")+" | \$\d+ | :: | \w+ | \S
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_NAME: Final = re.compile(r'"(?:[^"]|"")+"|[^\W\d]\w*')
# What a `*` that stands for all columns comes after; after anything else it counts rows or multiplies.
_BEFORE_STAR: Final = frozenset({"select", "distinct", "all", "returning", ",", "."})


@dataclass(frozen=True)
class Insert:
    """An INSERT: into which table, with values for which columns (None: for all, in their order).

    `nulls` are columns that are given NULL.
    """

    table: str
    columns: frozenset[str] | None
    nulls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Conflict:
    """An ON CONFLICT: the columns, or the name of the constraint, that it infers an index from; neither is any."""

    columns: frozenset[str] | None = None
    constraint: str | None = None


def words(sql: str) -> list[str]:
    """The tokens of a text: names and keywords in lower case, quoted names as they are, no comments."""
    found = (match.group() for match in _TOKEN.finditer(sql))
    return [token if token[0] in "\"'" else token.lower() for token in found if not token.startswith(("--", "/*"))]


def names_in(sql: str) -> frozenset[str]:
    """Every name in a text, and the keywords with them."""
    return frozenset(identifier(token) for token in words(sql) if _NAME.fullmatch(token))


def identifier(token: str) -> str:
    """The name that a token stands for."""
    return token[1:-1].replace('""', '"') if token.startswith('"') else token


def takes_all_columns(tokens: Sequence[str]) -> bool:
    """Whether a new column changes what the statement gives: `SELECT *`, `NATURAL JOIN`."""
    pairs = pairwise(tokens)
    return "natural" in tokens or any(star == "*" and before in _BEFORE_STAR for before, star in pairs)


def inserts_of(statement: Statement, *, schema: str = "public") -> Iterator[Insert]:
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


def conflicts_of(statement: Statement) -> Iterator[Conflict]:
    """Each ON CONFLICT of a statement."""
    tokens = words(statement.sql)
    for place in _places(tokens, "on", "conflict"):
        rest = tokens[place + 2 :]
        if rest[:2] == ["on", "constraint"]:
            yield Conflict(constraint=identifier(rest[2]))
        elif rest[:1] == ["("]:
            parts, _ = _parenthesis(rest)
            plain = all(len(part) == 1 and _NAME.fullmatch(part[0]) for part in parts)
            yield Conflict(columns=frozenset(identifier(part[0]) for part in parts)) if plain else Conflict()
        else:
            yield Conflict()


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
