"""Whether undoing a migration restores the schema that was there before it, and which values it loses."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from shared_schema.catalog import Catalog, CatalogConstraint, CatalogTable
from shared_schema.consumer.consumer import Consumer
from strangler.schema.compatibility import find_breaks
from strangler.schema.guard.rehearsal import Rehearsed
from strangler.schema.guard.replay import find_failures
from strangler.schema.guard.report import Finding, MigrationReversal, of_breaks, of_failures, of_lost_rights
from strangler.schema.guard.snapshot import Snapshot, StoredParts, find_added, find_lost_rights

_Part = TypeVar("_Part")
_SHOWN: Final = 5
# The words for parts of a table that are compared as a whole.
_PARTS: Final = {"kind": "kind", "query": "definition", "triggers": "triggers", "policies": "row_security"}


class CatalogChange(NamedTuple):
    """One difference: its subject, and the state before and after, None where it doesn't exist."""

    table: str
    subject: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.subject} is new"
        return f"{self.subject} is missing" if self.after is None else f"{self.subject} differs"


def find_changes(before: Catalog, after: Catalog) -> Iterator[CatalogChange]:
    """Every table, view, column, constraint, index and trigger that isn't the same."""
    for key, (then, now) in sorted(_changed(before.tables, after.tables).items()):
        if then is None or now is None:
            yield CatalogChange(key, f"table {key}", then, now)
        else:
            yield from _changes_within(key, then, now)


def _changes_within(key: str, then: CatalogTable, now: CatalogTable) -> Iterator[CatalogChange]:
    for name, pair in _changed(then.columns, now.columns).items():
        yield CatalogChange(key, f"column {key}.{name}", *pair)
    for word, part in (("constraint", "constraints"), ("index", "indexes")):
        olds, news = ({item.name: item for item in getattr(table, part)} for table in (then, now))
        for name, pair in sorted(_changed(olds, news).items()):
            yield CatalogChange(key, f"{word} {name} of {key}", *pair)
    olds, news = ({word: getattr(table, part) for word, part in _PARTS.items()} for table in (then, now))
    for word, pair in _changed(olds, news).items():
        yield CatalogChange(key, f"the {word} of {key}", *pair)


def _changed(before: Mapping[str, _Part], after: Mapping[str, _Part]) -> dict[str, tuple[_Part | None, _Part | None]]:
    pairs = {name: (before.get(name), after.get(name)) for name in {**before, **after}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def compare_reversal(
    undone: Rehearsed,
    before: Snapshot,
    after: Snapshot,
    back: Snapshot,
    *,
    running: Consumer,
    coming: Consumer,
    role: str,
) -> MigrationReversal:
    """Compare the schema `back` after a migration was undone with those `before` and `after` it was applied.

    `running` is the FastAPI that runs, with its database `role`, and `coming` that of this checkout.
    """
    if undone.error:
        return MigrationReversal(app=undone.app, name=undone.name, wrong=(_irreversible(undone),))
    wrong = list(_differences(before, back))
    if wrong:
        wrong += of_breaks(find_breaks(before.catalog, back.catalog, running))
    wrong += of_failures(find_failures(before.replayed, back.replayed))
    wrong += of_lost_rights(find_lost_rights(before.rights, back.rights, back.catalog), role)
    first = of_breaks(find_breaks(after.catalog, back.catalog, coming)) if coming != running else []
    return MigrationReversal(
        app=undone.app,
        name=undone.name,
        wrong=tuple(wrong),
        losses=tuple(_losses(before.parts, after.parts)),
        first=tuple(first),
    )


def _irreversible(undone: Rehearsed) -> Finding:
    operations = ", ".join(step.describe or step.kind for step in undone.operations if not step.reversible)
    return Finding(
        kind="irreversible",
        sentence=f"It can't be undone ({operations or undone.error.rstrip('.')}): make each RunPython and RunSQL "
        "reversible (reverse_code, reverse_sql), or have a backup at hand.",
    )


def _differences(before: Snapshot, back: Snapshot) -> Iterator[Finding]:
    changes = [str(change) for change in find_changes(before.catalog, back.catalog) if not _is_only_validated(change)]
    sequences = _changed(before.sequences, back.sequences)
    changes += [str(CatalogChange(name, f"sequence {name}", *pair)) for name, pair in sequences.items()]
    if changes:
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        yield Finding(
            kind="differs",
            sentence=f"Undoing it doesn't restore the schema: {', '.join(changes[:_SHOWN])}{more}.",
        )


def _losses(before: StoredParts, after: StoredParts) -> Iterator[Finding]:
    for part in find_added(before, after):
        sentence = f"Undoing it drops {part}, with all that was written there meanwhile."
        yield Finding("loses", sentence, part.table, part.column)
    for part in find_added(after, before):
        sentence = f"Undoing it brings {part} back empty: the migration has dropped its values."
        yield Finding("empty", sentence, part.table, part.column)


def _is_only_validated(change: CatalogChange) -> bool:
    """Whether a constraint only became valid: undoing a ValidateConstraint leaves it so, which is harmless."""
    old, new = change.before, change.after
    if not (isinstance(old, CatalogConstraint) and isinstance(new, CatalogConstraint)):
        return False
    return old == replace(new, validated=False, definition=old.definition)
