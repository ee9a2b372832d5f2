"""Deletes a row as Django does: what points at it is deleted, emptied or in the way, as each `on_delete` says.

The database does nothing by itself: Django's foreign keys carry no ON DELETE, and are checked at COMMIT.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnClause, ColumnElement, TableClause, column, delete, select, table, update

from shared_schema.contract import Pointer, load_contract

if TYPE_CHECKING:
    # Not at run time: the tool derives its grants from this module, and its image has no asyncio for SQLAlchemy.
    from sqlalchemy.ext.asyncio import AsyncSession

_IN_THE_WAY = ("PROTECT", "RESTRICT")
_EMPTIED = ("SET_NULL", "SET_DEFAULT")


class ProtectedError(Exception):
    """Rows that Django would not leave behind, nor delete, point at the row; nothing was deleted."""


async def delete_rows(session: "AsyncSession", name: str, keys: Sequence[Any]) -> int:
    """Deletes the rows of table `name` with these primary keys and all that hangs on them; returns how many there were.

    Raises:
        ProtectedError: a reference is PROTECT or RESTRICT.
    """
    return await _Deletion(session).delete(name, keys)


def deletion_privileges(name: str) -> dict[str, set[str]]:
    """The SQL privileges that `delete_rows` needs, by table: the table's own and those of all that hangs on it."""
    needed: dict[str, set[str]] = defaultdict(set)
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if "DELETE" in needed[current]:
            continue
        needed[current] |= {f"SELECT ({_primary_key_of(current)})", "DELETE"}
        for reference in load_contract().references_to(current):
            needed[current].add(f"SELECT ({reference.reference.column})")
            needed[reference.table].add(f"SELECT ({reference.column})")
            if reference.reference.on_delete == "CASCADE":
                waiting.append(reference.table)
            elif reference.reference.on_delete in _EMPTIED:
                needed[reference.table].add(f"UPDATE ({reference.column})")
    return dict(needed)


class _Deletion:
    """One delete, and what it leads to; rows that point at one another in a circle are met once."""

    def __init__(self, session: "AsyncSession") -> None:
        self._session = session
        self._met: dict[str, set[Any]] = defaultdict(set)

    async def delete(self, name: str, keys: Sequence[Any]) -> int:
        new = [key for key in keys if key not in self._met[name]]
        if not new:
            return 0
        self._met[name].update(new)
        for reference in load_contract().references_to(name):
            await self._follow(name, reference, new)
        row, key = _clause(name, _primary_key_of(name))
        deleted = await self._session.execute(delete(row).where(key.in_(new)).returning(key))
        return len(deleted.all())

    async def _follow(self, name: str, reference: Pointer, keys: Sequence[Any]) -> None:
        child, pointer = _clause(reference.table, reference.column)
        points = pointer.in_(await self._targets(name, reference, keys))
        if reference.reference.on_delete == "CASCADE":
            await self._cascade(reference.table, child, points)
        elif reference.reference.on_delete in _EMPTIED:
            await self._session.execute(update(child).where(points).values({reference.column: _emptied(reference)}))
        elif reference.reference.on_delete in _IN_THE_WAY:
            found = await self._session.execute(select(pointer).select_from(child).where(points).limit(1))
            if found.first() is not None:
                raise ProtectedError(
                    f"Rows of {reference.table} point at it with {reference.column}: change those first."
                )

    async def _cascade(self, name: str, child: TableClause, points: ColumnElement[bool]) -> None:
        """Nothing hangs on the rows of most tables: those go in one statement."""
        if not load_contract().references_to(name):
            await self._session.execute(delete(child).where(points))
            return
        key: ColumnClause[Any] = column(_primary_key_of(name))
        children = await self._session.execute(select(key).select_from(child).where(points))
        await self.delete(name, children.scalars().all())

    async def _targets(self, name: str, reference: Pointer, keys: Sequence[Any]) -> Sequence[Any]:
        """What the reference's column holds: mostly the primary key itself."""
        if reference.reference.column == _primary_key_of(name):
            return keys
        row, target = _clause(name, reference.reference.column)
        own: ColumnClause[Any] = column(_primary_key_of(name))
        found = await self._session.execute(select(target).select_from(row).where(own.in_(keys)))
        return found.scalars().all()


def _emptied(reference: Pointer) -> Any:  # noqa: ANN401 - a value of the column's type
    if reference.reference.on_delete == "SET_NULL":
        return None
    return load_contract().tables[reference.table].columns[reference.column].default


def _primary_key_of(name: str) -> str:
    (column_name,) = load_contract().tables[name].primary_key
    return column_name


def _clause(name: str, column_name: str) -> tuple[TableClause, ColumnClause[Any]]:
    named: ColumnClause[Any] = column(column_name)
    clause = table(name, named)
    return clause, clause.c[column_name]
