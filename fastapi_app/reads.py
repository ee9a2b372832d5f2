"""Reads: Core statements shaped for the answer, so that a row becomes JSON without an object in between."""

from collections.abc import Sequence
from typing import Any, Union

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

Expression = ColumnElement[Any] | Any
Fields = dict[str, Union[Expression, "Shape"]]


class Shape:
    """What one item of an answer holds, in the order of its keys: SQL expressions, and shapes within.

        Shape({"id": Post.id, "author": Shape({"id": User.id})})

    stands for `{"id": 1, "author": {"id": 2}}` and selects two columns.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def select(self) -> Select[Any]:
        """A statement of the shape's columns; the caller adds FROM, WHERE and ORDER BY."""
        return select(*self._columns())

    def build(self, row: Sequence[Any]) -> dict[str, Any]:
        """The item of a row whose first columns are the shape's."""
        return self._build(iter(row))

    def _columns(self) -> list[Expression]:
        columns: list[Expression] = []
        for field in self._fields.values():
            columns.extend(field._columns() if isinstance(field, Shape) else [field])  # noqa: SLF001 - the same class
        return columns

    def _build(self, values: Any) -> dict[str, Any]:  # noqa: ANN401 - an iterator over whatever the columns hold
        return {
            name: field._build(values) if isinstance(field, Shape) else next(values)  # noqa: SLF001 - the same class
            for name, field in self._fields.items()
        }


async def fetch_all(session: AsyncSession, shape: Shape, rows: Select[Any]) -> list[dict[str, Any]]:
    """Every row of `rows` as `shape`."""
    return [shape.build(row) for row in (await session.execute(rows)).all()]


async def fetch_one(session: AsyncSession, shape: Shape, rows: Select[Any]) -> dict[str, Any] | None:
    """The only row of `rows` as `shape`, None where there is none."""
    row = (await session.execute(rows)).one_or_none()
    return None if row is None else shape.build(row)
