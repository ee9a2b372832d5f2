"""Which new row of the left side and which of the right are the same row."""

from collections.abc import Callable, Sequence
from typing import Final

from strangler.compare.writes.changes import Key, Values
from strangler.compare.writes.roles import Roles
from strangler.compare.writes.tables import Column, Table

# Beyond this many that are not alike at once, they are taken in their order.
_MOST_SCORED: Final = 100


def compared_columns(table: Table) -> list[tuple[int, Column]]:
    """The columns that say what a row is, with their place: all but an id that its database has picked."""
    if len(table.key) != 1 or table.key[0] in table.references:
        return [*enumerate(table.columns)]
    picked = {c.name for c in table.columns if c.name == table.key[0] and (c.category == "N" or c.type == "uuid")}
    return [(index, column) for index, column in enumerate(table.columns) if column.name not in picked]


def rows_match(table: Table, left: dict[Key, Values], right: dict[Key, Values], roles: Roles) -> list[tuple[Key, Key]]:
    """Pairs of keys of new rows: first those alike in all columns, then the most alike if half of their columns are."""
    columns = compared_columns(table)

    def score(one: Key, other: Key) -> int:
        pairs = ((column, left[one][index], right[other][index]) for index, column in columns)
        return sum(roles.column_same(table, *pair, certain=False) for pair in pairs)

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
