"""The generated-ID mapping: which ids, times, salts and tokens of one side correspond to those of the other."""

import datetime as dt
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.json_values import NotJsonError, Number, json_parse, pairs_walk
from strangler.compare.writes.generated_values import (
    hashes_same,
    randoms_alike,
    signed_payload,
    stored_alike,
    time_read,
    time_shape,
    token_parts,
)
from strangler.compare.writes.tables import Column, Table

LEFT: Final = 0
RIGHT: Final = 1
TIMES: Final = "D"
_NUMBERS: Final = "N"
_JSON: Final = frozenset({"json", "jsonb"})
_TRANSACTION: Final = re.compile(r"xid|transaction", re.IGNORECASE)
_ID: Final = re.compile(r"(?:^|_)(?:id|pk)$|Id$")
# What may stand between a new row's id and the rest of a text: `/posts/17/`, `post:17`, `id=17&x`.
_PIECES: Final = re.compile(r"([^\w.~+-]+)")
# Seconds since 1970; a claim of a token is no other number of this size.
_EPOCH_FROM: Final = 1_000_000_000


def is_transaction(column: Column) -> bool:
    """Whether a column holds numbers of transactions, by its name."""
    return _TRANSACTION.search(column.name) is not None


@dataclass
class Clock:
    """The time at which the scenario runs.

    `began` is when; `slack` is how many seconds may lie between the writes of both sides: one follows
    the other. `recorded` is the day on which a recorded left side ran.
    """

    began: dt.datetime
    slack: float = 1.0
    recorded: str = ""

    def same(self, left: dt.datetime, right: dt.datetime) -> bool:
        """Whether both are the time of writing, or the same span of time after it."""
        if (left.microsecond == 0) != (right.microsecond == 0):
            return False  # one of them is cut to seconds
        earliest = self.began - dt.timedelta(seconds=self.slack)
        return min(left, right) >= earliest and abs((left - right).total_seconds()) <= self.slack


@dataclass(frozen=True)
class NewRow:
    """The identity of a new row on both sides: its table, the step that added it, and its number there."""

    table: str
    step: int
    number: int

    def __str__(self) -> str:
        nth = "the one" if self.number == 1 else f"number {self.number}"
        return f"{self.table}: {nth} of step {self.step}"


@dataclass
class IdMapping:
    """Which new rows, and which random values, of both sides correspond.

    With `certain` false a comparison is a guess that leaves no trace.
    """

    clock: Clock
    # New rows that aren't mapped yet, by table and key: guesses take one for another.
    nameless: tuple[set[tuple[str, str | None]], ...] = field(default_factory=lambda: (set(), set()))
    # Transactions of the scenario have a number between these, on either side.
    transactions: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    # How many rows are mapped.
    known: int = 0
    _of_rows: tuple[dict[tuple[str, str], NewRow], ...] = field(default_factory=lambda: ({}, {}))
    _of_ids: tuple[dict[str, set[NewRow]], ...] = field(default_factory=lambda: (defaultdict(set), defaultdict(set)))
    _pairs: tuple[dict[str, str], ...] = field(default_factory=lambda: ({}, {}))

    def learn(self, table: Table, side: int, key: tuple[str | None, ...], role: NewRow) -> None:
        """Map the row of that key."""
        self.known += 1
        if len(key) == len(table.key) == 1 and key[0] is not None:
            self._of_rows[side][table.full_name, key[0]] = role
            self._of_ids[side][key[0]].add(role)

    def learn_saved(self, name: str, step: int, left: object, right: object) -> None:
        """Map what both sides answered at the place that a step saves."""
        if isinstance(left, str) and isinstance(right, str):
            role = NewRow(name, step, 1)
            self._of_ids[LEFT][str(left)].add(role)
            self._of_ids[RIGHT][str(right)].add(role)

    def role(self, side: int, table: str, value: str | None) -> NewRow | None:
        """The new row of `table` (with its schema) that a foreign key points to; None if that row isn't new."""
        return None if value is None else self._of_rows[side].get((table, value))

    def column_same(
        self, table: Table, column: Column, left: str | None, right: str | None, *, certain: bool = True
    ) -> bool:
        """Whether two values of a column, as PostgreSQL writes them, are the same."""
        reference = table.references.get(column.name)
        if reference is not None:
            mapping = self.role(LEFT, reference, left), self.role(RIGHT, reference, right)
            if not certain and mapping == (None, None):
                nameless = [(reference, value) in self.nameless[side] for side, value in enumerate((left, right))]
                return all(nameless) or (not any(nameless) and left == right)
            return mapping[0] == mapping[1] and (mapping[0] is not None or left == right)
        if left == right or left is None or right is None:
            return left == right
        if column.category == _NUMBERS:
            return self._numbers_same(column, left, right, certain=certain)
        if column.category == TIMES:
            return self._moments_same(left, right)
        if column.type in _JSON:
            return self._json_same(left, right, certain=certain)
        if _ID.search(column.name) and self.ids_same(left, right):
            return True
        return self.texts_same(left, right, certain=certain)

    def values_same(self, left: object, right: object, *, certain: bool = True) -> bool:
        """Whether two leaves of JSON bodies are the same."""
        if type(left) is not type(right):
            return False
        if left == right:
            return True
        if isinstance(left, Number) and isinstance(right, Number):
            return self.ids_same(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return self.ids_same(left, right) or self.texts_same(left, right, certain=certain)
        return False

    def ids_same(self, left: str, right: str) -> bool:
        """Whether both are ids of the same new row."""
        return bool(self._of_ids[LEFT].get(left, set()) & self._of_ids[RIGHT].get(right, set()))

    def texts_same(self, left: str, right: str, *, certain: bool = True) -> bool:
        """Whether two texts are the same: piece by piece, each is the same text or corresponds."""
        if left == right or self._whole_same(left, right, certain=certain):
            return True
        pieces = _PIECES.split(left), _PIECES.split(right)
        if len(pieces[LEFT]) != len(pieces[RIGHT]) or len(pieces[LEFT]) == 1:
            return False
        return all(
            one == other or self.ids_same(one, other) or self._whole_same(one, other, certain=certain)
            for one, other in zip(*pieces, strict=True)
        )

    def _whole_same(self, left: str, right: str, *, certain: bool) -> bool:
        if self._times_same(left, right) or hashes_same(left, right):
            return True
        tokens = token_parts(left), token_parts(right)
        if tokens[LEFT] is not None and tokens[RIGHT] is not None:
            return self._parsed_same(tokens[LEFT], tokens[RIGHT], certain=certain, claims=True)
        if signed_payload(left) is not None:
            return signed_payload(left) == signed_payload(right)
        is_alike = stored_alike(left, right) or randoms_alike(left, right)
        return is_alike and self._paired(left, right, certain=certain)

    def _times_same(self, left: str, right: str) -> bool:
        """Whether both are the time of writing, written in one way: with an offset or without, say."""
        return time_shape(left) == time_shape(right) and self._moments_same(left, right)

    def _moments_same(self, left: str, right: str) -> bool:
        if self.clock.recorded and (left, right) == (self.clock.recorded, f"{self.clock.began:%Y-%m-%d}"):
            return True
        ours, theirs = time_read(left), time_read(right)
        return ours is not None and theirs is not None and self.clock.same(ours, theirs)

    def _numbers_same(self, column: Column, left: str, right: str, *, certain: bool) -> bool:
        if _ID.search(column.name) and self.ids_same(left, right):
            return True
        if not is_transaction(column) or not (left.isdigit() and right.isdigit()):
            return False
        sides = zip((left, right), self.transactions, strict=True)
        within = all(first < int(value) <= last for value, (first, last) in sides)
        return within and self._paired(left, right, certain=certain)

    def _json_same(self, left: str, right: str, *, certain: bool) -> bool:
        try:
            parsed = json_parse(left), json_parse(right)
        except NotJsonError:
            return False
        return self._parsed_same(*parsed, certain=certain)

    def _parsed_same(self, left: object, right: object, *, certain: bool, claims: bool = False) -> bool:
        def same(one: object, other: object) -> bool:
            return (claims and self._claims_same(one, other)) or self.values_same(one, other, certain=certain)

        return not any(True for _ in pairs_walk(left, right, same=same))

    def _claims_same(self, left: object, right: object) -> bool:
        """Whether both are moments in seconds since 1970."""
        try:
            numbers = [int(str(value)) for value in (left, right)]
        except ValueError:
            return False
        if min(numbers) < _EPOCH_FROM or isinstance(left, bool):
            return False
        moments = [dt.datetime.fromtimestamp(number, dt.UTC) for number in numbers]
        # A second that one side has just entered counts whole.
        return Clock(self.clock.began - dt.timedelta(seconds=1), self.clock.slack + 1).same(*moments)

    def _paired(self, left: str, right: str, *, certain: bool) -> bool:
        """Whether one stands for the other wherever it turns up."""
        known = self._pairs[LEFT].get(left, right), self._pairs[RIGHT].get(right, left)
        if known != (right, left):
            return False
        if certain:
            self._pairs[LEFT][left] = right
            self._pairs[RIGHT][right] = left
        return True
