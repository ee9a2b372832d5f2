"""Whether undoing a migration leads back to what was there before it, and what is lost on the way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared_schema.catalog import Catalog, CatalogConstraint
from shared_schema.consumer.consumer import Consumer
from strangler.schema.compatibility.catalog_diff import Change, find_changes
from strangler.schema.compatibility.compatibility import find_breaks
from strangler.schema.guard.findings import Finding, of_breaks, of_failures, of_lost
from strangler.schema.guard.permissions import find_lost
from strangler.schema.guard.rehearsal import Rehearsed
from strangler.schema.guard.replay import find_failures
from strangler.schema.guard.report import WayBack
from strangler.schema.guard.snapshot import Look
from strangler.schema.guard.storage import Places, find_added

_SHOWN: Final = 5


def judge_way_back(
    undone: Rehearsed, before: Look, after: Look, back: Look, *, running: Consumer, coming: Consumer, role: str
) -> WayBack:
    """Judge a migration that was undone, or couldn't be.

    What was seen `before` and `after` it was applied is held against what there is when it is undone. `running` is
    the FastAPI that runs, with its database `role`, and `coming` that of this checkout.
    """
    if undone.error:
        return WayBack(app=undone.app, name=undone.name, wrong=(_stuck(undone),))
    wrong = list(_differs(before.catalog, back.catalog))
    if wrong:
        wrong += of_breaks(find_breaks(before.catalog, back.catalog, running))
    wrong += of_failures(find_failures(before.tried, back.tried))
    wrong += of_lost(find_lost(before.rights, back.rights, back.catalog), role)
    first = of_breaks(find_breaks(after.catalog, back.catalog, coming)) if coming != running else []
    return WayBack(
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
        sentence=f"It can't be undone ({stuck or undone.error.rstrip('.')}): give each RunPython and RunSQL its way "
        "back (reverse_code, reverse_sql), or have a backup at hand.",
    )


def _differs(before: Catalog, back: Catalog) -> Iterator[Finding]:
    changes = [str(change) for change in find_changes(before, back) if not _is_only_validated(change)]
    if changes:
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        yield Finding(
            kind="differs",
            sentence=f"Undone, the schema isn't what it was: {', '.join(changes[:_SHOWN])}{more}.",
        )


def _losses(before: Places, after: Places) -> Iterator[Finding]:
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


def _is_only_validated(change: Change) -> bool:
    """Django leaves a constraint valid when it takes back that it was made so; nobody minds."""
    old, new = change.before, change.after
    if not (isinstance(old, CatalogConstraint) and isinstance(new, CatalogConstraint)):
        return False
    return old == replace(new, validated=False, definition=old.definition)
