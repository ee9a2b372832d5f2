"""How two catalogs of one database differ, thing by thing."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from shared_schema.catalog import Catalog, CatalogTable

# What people call a part of a table that is one thing, or one set of things.
_PARTS: Final = {"kind": "kind", "query": "definition", "triggers": "triggers", "policies": "row_security"}


class Change(NamedTuple):
    """One difference: what it is about, and what was there before and is there now, None where nothing is."""

    table: str
    what: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.what} is new"
        return f"{self.what} is gone" if self.after is None else f"{self.what} is another"


def find_changes(before: Catalog, after: Catalog) -> Iterator[Change]:
    """Every table, view, column, constraint, index and trigger that isn't the same."""
    for key in sorted({*before.tables, *after.tables}):
        then, now = before.tables.get(key), after.tables.get(key)
        if then is None or now is None:
            yield Change(key, f"table {key}", then, now)
        elif then != now:
            yield from _within(key, then, now)


def _within(key: str, then: CatalogTable, now: CatalogTable) -> Iterator[Change]:
    for name in {**then.columns, **now.columns}:
        pair = then.columns.get(name), now.columns.get(name)
        if pair[0] != pair[1]:
            yield Change(key, f"column {key}.{name}", *pair)
    for word, part in (("constraint", "constraints"), ("index", "indexes")):
        olds, news = ({each.name: each for each in getattr(table, part)} for table in (then, now))
        for name in sorted({*olds, *news}):
            if olds.get(name) != news.get(name):
                yield Change(key, f"{word} {name} of {key}", olds.get(name), news.get(name))
    for word, part in _PARTS.items():
        pair = getattr(then, part), getattr(now, part)
        if pair[0] != pair[1]:
            yield Change(key, f"the {word} of {key}", *pair)
