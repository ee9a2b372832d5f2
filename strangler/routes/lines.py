"""Where the keys of a TOML text are; tomllib reads values but does not say from which line."""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Where = tuple[str | int, ...]
"""The way to a value from the top: keys of tables and positions in arrays, such as `("route", 3, "stage")`."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEY})[ \t]*\]\]?")
_PAIR = re.compile(rf"({_KEY})[ \t]*=[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
_SCALAR = re.compile(r"[^,\[\]{}#\r\n]+")
# One character at a time, so that a string that isn't closed takes no longer than one that is. Possessive
# quantifiers would be shorter, but those of Python 3.11.2 read too far.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The lines of one header or one key with its value, from 1.

    `before` is the line where its `key` already was, 0 for none.
    """

    first: int
    last: int
    key: str
    before: int


class Lines:
    """Where each key of a TOML text is."""

    def __init__(self, text: str) -> None:
        scanner = _Scanner(text)
        self._found = scanner.found
        self._statements = scanner.statements

    def of(self, *where: str | int) -> int:
        """The line of a key or an array's element, from 1; 0 if that can't be known."""
        return self._found.get(where, 0)

    def fits(self, document: dict[str, Any]) -> bool:
        """Whether the keys found are exactly those that tomllib read; if not, no line is to be believed."""
        return self._found.keys() == set(_walk(document))

    def statement(self, line: int) -> Statement | None:
        """The statement that `line` is in, of a text that need not be valid."""
        return next((entry for entry in self._statements if entry.first <= line <= entry.last), None)


def _walk(value: object, where: Where = ()) -> Iterator[Where]:
    if where:
        yield where
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*where, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*where, index))


class _StuckError(Exception):
    """The text goes on in a way that TOML doesn't know."""


class _Scanner:
    """Walks the text once. Of an invalid one it finds what is before the first thing that it doesn't understand."""

    def __init__(self, text: str) -> None:
        self.found: dict[Where, int] = {}
        self.statements: list[Statement] = []
        self._text = text
        self._at = 0
        self._key, self._before = "", 0
        self._tables: dict[Where, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._scan()

    def _scan(self) -> None:
        table: Where = ()
        self._match(_BLANK)
        while self._at < len(self._text):
            first = self._line()
            self._key, self._before = "", 0
            try:
                table = self._statement(table)
                last = self._line()
                self._match(_END)
            except (_StuckError, RecursionError):
                # What isn't closed goes on to the end, as tomllib takes it.
                self._end_statement(first, len(self._breaks) + 1)
                return
            self._end_statement(first, last)
            self._match(_BLANK)

    def _end_statement(self, first: int, last: int) -> None:
        self.statements.append(Statement(first=first, last=last, key=self._key, before=self._before))

    def _statement(self, table: Where) -> Where:
        header = _HEADER.match(self._text, self._at)
        if header is None:
            self._pair(table)
            return table
        keys = _keys(header[2])
        table = self._table(keys, is_array=header[1] == "[[")
        self._at = header.end()
        return table

    def _table(self, keys: tuple[str, ...], *, is_array: bool) -> Where:
        """The table that a header opens; each `[[…]]` of the same name is one element further."""
        where: Where = ()
        for position, key in enumerate(keys, 1):
            where = (*where, key)
            last = position == len(keys)
            if last and not is_array:
                self._note(where, self._line())
            self.found.setdefault(where, self._line())
            if last and is_array:
                self._tables[where] = self._tables.get(where, -1) + 1
            if where in self._tables and (is_array or not last):
                where = (*where, self._tables[where])
                self.found.setdefault(where, self._line())
        return where

    def _pair(self, table: Where) -> None:
        where, line = table, self._line()
        keys = _keys(self._match(_PAIR)[1])
        for key in keys[:-1]:
            where = (*where, key)
            self.found.setdefault(where, line)
        where = (*where, keys[-1])
        self._note(where, line)
        self._value(where)

    def _note(self, where: Where, line: int) -> None:
        if where in self.found and not self._before:
            self._key, self._before = str(where[-1]), self.found[where]
        self.found.setdefault(where, line)

    def _value(self, where: Where) -> None:
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._array(where)
        elif opening == "{":
            self._inline_table(where)
        else:
            self._match(_STRING if opening in ('"', "'") else _SCALAR)

    def _array(self, where: Where) -> None:
        for index in self._items("]"):
            element = (*where, index)
            self.found[element] = self._line()
            self._value(element)

    def _inline_table(self, where: Where) -> None:
        for _ in self._items("}"):
            self._pair(where)

    def _items(self, closing: str) -> Iterator[int]:
        """Stand at each item between brackets in turn."""
        self._at += 1
        index = 0
        while True:
            self._match(_BLANK)
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            yield index
            index += 1
            self._match(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
            elif not self._text.startswith(closing, self._at):
                raise _StuckError

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _StuckError
        self._at = match.end()
        return match

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1


@lru_cache(maxsize=1024)
def _keys(text: str) -> tuple[str, ...]:
    """The parts of a dotted key without quotes and escapes, as tomllib reads them."""
    try:
        value: object = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError as error:
        raise _StuckError from error
    keys = []
    while isinstance(value, dict):
        key, value = next(iter(value.items()))
        keys.append(key)
    return tuple(keys)
