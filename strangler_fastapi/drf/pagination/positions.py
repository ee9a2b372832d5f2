"""What comes after an item in an order, as ranges that PostgreSQL reads off an index, however deep they begin.

`a < m OR a = m AND id < n` says the same, but bounds no index: every row before the item would be read and dropped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, false, tuple_


@dataclass(frozen=True)
class Place:
    """Where an item stands by one term of an order; `mark` is its value there, None where that is null.

    Nulls are the largest values, as PostgreSQL orders them.
    """

    expression: Any
    mark: BindParameter[Any] | None
    descends: bool
    nullable: bool

    @property
    def is_comparable(self) -> bool:
        """Whether a comparison with the mark alone finds all that comes after it: it never finds a null."""
        return self.mark is not None and (self.descends or not self.nullable)

    @property
    def same(self) -> ColumnElement[bool]:
        """The condition that a row stands at the same place."""
        condition: ColumnElement[bool] = (
            self.expression.is_(None) if self.mark is None else self.expression == self.mark
        )
        return condition

    def beyond(self) -> Iterator[ColumnElement[bool]]:
        """The ranges of rows that stand after it, in their order."""
        if self.mark is not None:
            yield self.expression < self.mark if self.descends else self.expression > self.mark
        if self.mark is None and self.descends:
            yield self.expression.is_not(None)
        if self.mark is not None and self.nullable and not self.descends:
            yield self.expression.is_(None)


def ranges_after(places: Sequence[Place]) -> list[ColumnElement[bool]]:
    """Conditions of which each row after the item meets exactly one; what meets the last one comes first.

    One condition, a comparison of rows, where the terms go one way and none of them can be null; otherwise one for
    each change of direction.
    """
    ranges: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for run in _runs(places):
        ranges.extend(and_(*same, beyond) for beyond in (run[0].beyond() if len(run) == 1 else [_row_beyond(run)]))
        same.extend(place.same for place in run)
    return ranges or [false()]


def _runs(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Neighbours that one comparison of rows serves: those of one direction, nulls apart."""
    numbered = groupby(
        enumerate(places), key=lambda each: (each[1].descends, None if each[1].is_comparable else each[0])
    )
    for _, run in numbered:
        yield [place for _, place in run]


def _row_beyond(run: Sequence[Place]) -> ColumnElement[bool]:
    row, marks = tuple_(*(place.expression for place in run)), tuple_(*(place.mark for place in run))
    return row < marks if run[0].descends else row > marks
