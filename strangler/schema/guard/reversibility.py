"""Whether undoing a migration restores the schema that was there before it, and which values it loses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from shared_schema.catalog import Catalog, CatalogConstraint, CatalogTable
from shared_schema.consumer.consumer import Consumer
from strangler.schema.compatibility import find_breaks
from strangler.schema.guard.rehearsal import Rehearsed
from strangler.schema.guard.replay import find_failures
from strangler.schema.guard.report import Finding, MigrationReversal, of_breaks, of_failures, of_lost
from strangler.schema.guard.snapshot import Look, StoredParts, find_added, find_lost

# What people call a part of a table that is one thing, or one set of things.
_PARTS: Final = {"kind": "kind", "query": "definition", "triggers": "triggers", "policies": "row_security"}


class CatalogChange(NamedTuple):
    """One difference: what it is about, and what was there before and is there now, None where nothing is."""

    table: str
    what: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.what} is new"
        return f"{self.what} is gone" if self.after is None else f"{self.what} is another"


def find_changes(before: Catalog, after: Catalog) -> Iterator[CatalogChange]:
    """Every table, view, column, constraint, index and trigger that isn't the same."""
    for key in sorted({*before.tables, *after.tables}):
        then, now = before.tables.get(key), after.tables.get(key)
        if then is None or now is None:
            yield CatalogChange(key, f"table {key}", then, now)
        elif then != now:
            yield from _within(key, then, now)


def _within(key: str, then: CatalogTable, now: CatalogTable) -> Iterator[CatalogChange]:
    for name in {**then.columns, **now.columns}:
        pair = then.columns.get(name), now.columns.get(name)
        if pair[0] != pair[1]:
            yield CatalogChange(key, f"column {key}.{name}", *pair)
    for word, part in (("constraint", "constraints"), ("index", "indexes")):
        olds, news = ({each.name: each for each in getattr(table, part)} for table in (then, now))
        for name in sorted({*olds, *news}):
            if olds.get(name) != news.get(name):
                yield CatalogChange(key, f"{word} {name} of {key}", olds.get(name), news.get(name))
    for word, part in _PARTS.items():
        pair = getattr(then, part), getattr(now, part)
        if pair[0] != pair[1]:
            yield CatalogChange(key, f"the {word} of {key}", *pair)


_SHOWN: Final = 5


def compare_reversal(
    undone: Rehearsed, before: Look, after: Look, back: Look, *, running: Consumer, coming: Consumer, role: str
) -> MigrationReversal:
    """Judge a migration that was undone, or couldn't be.

    What was seen `before` and `after` it was applied is held against what there is when it is undone. `running` is
    the FastAPI that runs, with its database `role`, and `coming` that of this checkout.
    """
    if undone.error:
        return MigrationReversal(app=undone.app, name=undone.name, wrong=(_stuck(undone),))
    wrong = list(_differs(before, back))
    if wrong:
        wrong += of_breaks(find_breaks(before.catalog, back.catalog, running))
    wrong += of_failures(find_failures(before.tried, back.tried))
    wrong += of_lost(find_lost(before.rights, back.rights, back.catalog), role)
    first = of_breaks(find_breaks(after.catalog, back.catalog, coming)) if coming != running else []
    return MigrationReversal(
        app=undone.app,
        name=undone.name,
        wrong=tuple(wrong),
        losses=tuple(_losses(before.places, after.places)),
        first=tuple(first),
    )


def _stuck(undone: Rehearsed) -> Finding:
    stuck = ", ".join(each.describe or each.kind for each in undone.operations if not each.reversible)
    return Finding(
        kind="irreversible",
        sentence=f"It can't be undone ({stuck or undone.error.rstrip('.')}): make each RunPython and RunSQL "
        "reversible (reverse_code, reverse_sql), or have a backup at hand.",
    )


def _differs(before: Look, back: Look) -> Iterator[Finding]:
    changes = [str(change) for change in find_changes(before.catalog, back.catalog) if not _is_only_validated(change)]
    pairs = {
        name: (before.sequences.get(name), back.sequences.get(name)) for name in {**before.sequences, **back.sequences}
    }
    changes += [
        str(CatalogChange(name, f"sequence {name}", *pair)) for name, pair in pairs.items() if pair[0] != pair[1]
    ]
    if changes:
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        yield Finding(
            kind="differs",
            sentence=f"Undone, the schema isn't what it was: {', '.join(changes[:_SHOWN])}{more}.",
        )


def _losses(before: StoredParts, after: StoredParts) -> Iterator[Finding]:
    for place in find_added(before, after):
        yield Finding(
            kind="loses",
            sentence=f"Undoing it drops {place}, with all that was written there meanwhile.",
            table=place.table,
            column=place.column,
        )
    for place in find_added(after, before):
        yield Finding(
            kind="empty",
            sentence=f"Undoing it brings {place} back empty: what it held went with the migration.",
            table=place.table,
            column=place.column,
        )


def _is_only_validated(change: CatalogChange) -> bool:
    """Django leaves a constraint valid when it takes back that it was made so; nobody minds."""
    old, new = change.before, change.after
    if not (isinstance(old, CatalogConstraint) and isinstance(new, CatalogConstraint)):
        return False
    return old == replace(new, validated=False, definition=old.definition)
