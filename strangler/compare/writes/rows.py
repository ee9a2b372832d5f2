"""Where the rows of two copies differ after a step."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from strangler.compare.redaction import MASK, Masker, is_secret, shortened
from strangler.compare.report.model import RowDifference
from strangler.compare.writes.changes import Key, Originals, TableChanges, Values
from strangler.compare.writes.generated_values import hash_parameters, is_exact
from strangler.compare.writes.id_mapping import LEFT, RIGHT, TIMES, IdMapping, NewRow
from strangler.compare.writes.tables import Column, Table

_TEXTS: Final = "S"


Changes = Mapping[Table, TableChanges]


# Beyond this many that are not alike at once, they are taken in their order.
_MOST_SCORED: Final = 100


def value_shown(column: Column, value: str | None, masker: Masker) -> str:
    """A value: a text in quotes, and of a salted hash how it was made, which is no secret."""
    if value is None:
        return "null"
    parameters = hash_parameters(value)
    if parameters is not None:
        return parameters
    if is_secret(column.name):
        return MASK
    text = masker.text(value)
    return shortened(json.dumps(text, ensure_ascii=False) if column.category == _TEXTS else text)


def row_shown(table: Table, row: Values, masker: Masker) -> str:
    """A whole row in one line."""
    pairs = zip(table.columns, row, strict=True)
    return shortened(", ".join(f"{column.name} {value_shown(column, value, masker)}" for column, value in pairs))


class RowComparison:
    """Compares what a scenario has changed on both sides, step by step.

    A row that was there before is the same row if it has the same key; a new one by the generated-ID mapping.
    """

    def __init__(self, tables: Sequence[Table], originals: Originals, mapping: IdMapping) -> None:
        self._tables = tables
        self._originals = originals
        self._mapping = mapping
        self._pairs: dict[Table, dict[NewRow, tuple[Key, Key]]] = {table: {} for table in tables}
        # Rows that the other side lacks, by side and key.
        self._alone: dict[Table, dict[tuple[int, Key], NewRow]] = {table: {} for table in tables}
        self._numbers: Counter[tuple[Table, int]] = Counter()
        self._standing: set[tuple[str, ...]] = set()
        # What was compared last of each table, with how many rows were mapped then, and what came of it.
        self._compared: dict[Table, tuple[tuple[TableChanges, TableChanges], int]] = {}
        self._found: dict[Table, tuple[RowDifference, ...]] = {}
        # How rows were that were found alike, by their keys: they stay alike as long as they stay so.
        self._alike: dict[Table, dict[tuple[Key, Key], tuple[Values | None, Values | None]]] = {
            table: {} for table in tables
        }

    def compare(self, step: int, left: Changes, right: Changes, *, masker: Masker) -> tuple[RowDifference, ...]:
        """The differences that weren't there before this step; steps are counted from 1.

        A table that neither side has changed since the last step is compared again only once another row is mapped.
        """
        if all(self._is_known(table, left, right) for table in self._tables):
            return ()
        self._mapping.nameless = tuple(
            {(table.full_name, key[0]) for table in self._tables for key in self._new(table, changes[table], side)}
            for side, changes in ((LEFT, left), (RIGHT, right))
        )
        for table in self._tables:
            if not self._is_known(table, left, right):
                self._match(table, step, left[table], right[table])
        for table in self._tables:
            if not self._is_known(table, left, right):
                self._found[table] = tuple(self._differences(table, left[table], right[table], masker))
                self._compared[table] = ((left[table], right[table]), self._mapping.known)
        found = [each for table in self._tables for each in self._found[table]]
        new = tuple(each for each in found if _identity(each) not in self._standing)
        self._standing = {_identity(each) for each in found}
        return new

    def _is_known(self, table: Table, left: Changes, right: Changes) -> bool:
        (ours, theirs), known = self._compared.get(table, ((None, None), -1))
        return ours is left[table] and theirs is right[table] and known == self._mapping.known

    def _match(self, table: Table, step: int, left: TableChanges, right: TableChanges) -> None:
        """Map the new rows of both sides."""
        pairs = self._pairs[table]
        free = self._new(table, left, LEFT), self._new(table, right, RIGHT)
        for ours, theirs in rows_match(table, free[LEFT], free[RIGHT], self._mapping):
            role = self._role(table, step)
            pairs[role] = (ours, theirs)
            for side, key in ((LEFT, ours), (RIGHT, theirs)):
                self._mapping.learn(table, side, key, role)
                del free[side][key]
        for side, rows in enumerate(free):
            for key in rows:
                if (side, key) not in self._alone[table]:
                    self._alone[table][side, key] = self._role(table, step)

    def _role(self, table: Table, step: int) -> NewRow:
        """A new row's identity that is not taken yet."""
        self._numbers[table, step] += 1
        return NewRow(table.shown, step, self._numbers[table, step])

    def _new(self, table: Table, changes: TableChanges, side: int) -> dict[Key, Values]:
        """The new rows that aren't mapped yet."""
        paired = {pair[side] for pair in self._pairs[table].values()}
        known = paired | self._originals.get(table, changes.written).keys()
        return {key: row for key, row in changes.written.items() if key not in known}

    def _differences(
        self, table: Table, left: TableChanges, right: TableChanges, masker: Masker
    ) -> Iterator[RowDifference]:
        alike = self._alike[table]
        for name, keys, ours, theirs in self._rows(table, left, right):
            if alike.get(keys) == (ours, theirs):
                continue
            found: list[RowDifference] = []
            if ours is not None and theirs is not None:
                found = [*self._columns(table, name, (ours, theirs), self._before(table, keys), masker)]
            elif ours is not theirs:
                sides = [None if each is None else row_shown(table, each, masker) for each in (ours, theirs)]
                found = [RowDifference(table=table.shown, row=name(), column="", left=sides[0], right=sides[1])]
            if not found:
                alike[keys] = (ours, theirs)
            yield from found
        if not table.key and left.total != right.total:
            totals = [f"{changes.total} rows" for changes in (left, right)]
            yield RowDifference(
                table=table.shown, row=f"{table.shown}: all rows", column="", left=totals[0], right=totals[1]
            )

    def _rows(
        self, table: Table, left: TableChanges, right: TableChanges
    ) -> Iterator[tuple[Callable[[], str], tuple[Key, Key], Values | None, Values | None]]:
        """Each row that either side has changed: what gives its name, its keys, and how it is on both."""
        touched = {*left.written, *right.written, *left.gone, *right.gone}
        for key, original in sorted(self._originals.get(table, touched).items(), key=lambda each: str(each[0])):
            ours, theirs = (
                None if key in changes.gone else changes.written.get(key, original) for changes in (left, right)
            )
            yield partial(_name, table, key), (key, key), ours, theirs
        for role, (our_key, their_key) in self._pairs[table].items():
            ours, theirs = left.written.get(our_key), right.written.get(their_key)
            yield partial(self._role_name, table, role, ours, theirs), (our_key, their_key), ours, theirs
        for side, changes in ((LEFT, left), (RIGHT, right)):
            for key, row in self._new(table, changes, side).items():
                name = partial(str, self._alone[table][side, key])
                yield name, (key, key), *((row, None) if side == LEFT else (None, row))

    def _before(self, table: Table, keys: tuple[Key, Key]) -> list[Values | None]:
        """How a row was on both sides when its table was compared last; None where it was not there."""
        originals = self._originals.get(table, keys)
        if table not in self._compared:
            return [originals.get(key) for key in keys]
        changes, _known = self._compared[table]
        return [each.written.get(key, originals.get(key)) for each, key in zip(changes, keys, strict=True)]

    def _columns(
        self,
        table: Table,
        name: Callable[[], str],
        now: tuple[Values, Values],
        before: Sequence[Values | None],
        masker: Masker,
    ) -> Iterator[RowDifference]:
        for index, column in compared_columns(table):
            pair = now[LEFT][index], now[RIGHT][index]
            same = self._mapping.column_same(table, column, *pair)
            if same and pair[LEFT] != pair[RIGHT] and column.category == TIMES:
                # Alike as times of writing; but a step that only one side wrote in has left the other's as it was.
                written = [was is None or was[index] != is_now for was, is_now in zip(before, pair, strict=True)]
                same = written[LEFT] == written[RIGHT] or not all(map(is_exact, pair))
            if not same:
                left, right = (self._shown(table, column, side, value, masker) for side, value in enumerate(pair))
                yield RowDifference(table=table.shown, row=name(), column=column.name, left=left, right=right)

    def _shown(self, table: Table, column: Column, side: int, value: str | None, masker: Masker) -> str:
        role = self._mapping.role(side, table.references.get(column.name, ""), value)
        shown = value_shown(column, value, masker)
        return f"{shown} ({role})" if role else shown

    def _role_name(self, table: Table, role: NewRow, ours: Values | None, theirs: Values | None) -> str:
        """The row's identity, and for a row that only joins others, which ones."""
        columns = compared_columns(table)
        side, row = (LEFT, ours) if ours is not None else (RIGHT, theirs)
        if row is None or not all(column.name in table.references for _, column in columns):
            return str(role)
        joined = (
            f"{column.name} {self._mapping.role(side, table.references[column.name], row[index]) or row[index]}"
            for index, column in columns
        )
        return f"{role} ({', '.join(joined)})"


def _identity(difference: RowDifference) -> tuple[str, ...]:
    """A row that one side lacks stays that one difference while it changes."""
    place = (difference.table, difference.row, difference.column)
    return (*place, str(difference.left), str(difference.right)) if difference.column else place


def _name(table: Table, key: Key) -> str:
    return f"{table.shown}: " + ", ".join(f"{name} {value}" for name, value in zip(table.key, key, strict=True))


def compared_columns(table: Table) -> list[tuple[int, Column]]:
    """The columns that say what a row is, with their place: all but an id that its database has picked."""
    if len(table.key) != 1 or table.key[0] in table.references:
        return [*enumerate(table.columns)]
    picked = {c.name for c in table.columns if c.name == table.key[0] and (c.category == "N" or c.type == "uuid")}
    return [(index, column) for index, column in enumerate(table.columns) if column.name not in picked]


def rows_match(
    table: Table, left: dict[Key, Values], right: dict[Key, Values], mapping: IdMapping
) -> list[tuple[Key, Key]]:
    """Pairs of keys of new rows: first those alike in all columns, then the most alike if half of their columns are."""
    columns = compared_columns(table)

    def score(one: Key, other: Key) -> int:
        pairs = ((column, left[one][index], right[other][index]) for index, column in columns)
        return sum(mapping.column_same(table, *pair, certain=False) for pair in pairs)

    ours, theirs = _in_order(left), _in_order(right)
    alike = _equal_pairs(ours, theirs, lambda one, other: score(one, other) == len(columns))
    rest = [key for key in ours if key not in dict(alike)], [key for key in theirs if key not in {b for _, b in alike}]
    return [*alike, *_best_pairs(*rest, score, least=len(columns) / 2)]


def _in_order(rows: dict[Key, Values]) -> list[Key]:
    """Keys as they were given out: a longer number is a later one."""
    return sorted(rows, key=lambda key: [(len(part or ""), part or "") for part in key])


def _equal_pairs(
    ours: Sequence[Key], theirs: Sequence[Key], equal: Callable[[Key, Key], bool]
) -> list[tuple[Key, Key]]:
    pairs = []
    free = list(theirs)
    for one in ours:
        found = next((other for other in free if equal(one, other)), None)
        if found is not None:
            free.remove(found)
            pairs.append((one, found))
    return pairs


def _best_pairs(
    ours: Sequence[Key], theirs: Sequence[Key], score: Callable[[Key, Key], int], *, least: float
) -> list[tuple[Key, Key]]:
    if max(len(ours), len(theirs)) > _MOST_SCORED:
        return list(zip(ours, theirs, strict=False))
    scored = [(score(one, other), one, other) for one in ours for other in theirs]
    pairs: dict[Key, Key] = {}
    for points, one, other in sorted(scored, key=lambda each: -each[0]):
        if points >= least and one not in pairs and other not in pairs.values():
            pairs[one] = other
    return list(pairs.items())
