"""What a change of foreign keys breaks: for writers of the referencing rows and of the referenced rows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema.catalog import Catalog, CatalogConstraint
from strangler.schema.compatibility.breaks import KEEP_FIRST, Break, BreakKind, break_make
from strangler.schema.compatibility.effects import Effects, Features, Verb, action_on, foreign_keys
from strangler.schema.compatibility.sql_text import is_enforced

_VERBS: Final = (Verb.DELETE, Verb.UPDATE)


@dataclass(frozen=True)
class KeyChange:
    """A foreign key of `table` before and after, None where it doesn't exist; `key` is the one or the other."""

    table: str
    key: CatalogConstraint
    before: CatalogConstraint | None
    after: CatalogConstraint | None


def key_breaks(before: Catalog, after: Catalog, effects: Mapping[str, Effects]) -> Iterator[Break]:
    """The breaks of all changed foreign keys."""
    for change in _changes(before, after):
        key = change.key
        kind = BreakKind.FOREIGN_KEY_CHANGED if change.before else BreakKind.NEW_CONSTRAINT
        pointing = _pointing(change, after, effects.get(change.table, Effects()))
        if pointing:
            what = f"has {_words(change)} {key.name}, {key.definition}"
            yield break_make(change.table, None, pointing, kind, what, KEEP_FIRST)
        for target, features in _pointed_at(change, effects):
            what = f"is referenced by {_words(change)} {key.name} of {change.table}, {key.definition}"
            hint = "first release a version that respects it when it deletes or changes those rows"
            yield break_make(target, None, features, kind, what, hint)


def _changes(before: Catalog, after: Catalog) -> Iterator[KeyChange]:
    sides = [_by_columns(catalog) for catalog in (before, after)]
    for table, columns, number in sorted({*sides[0], *sides[1]}):
        old, new = (side.get((table, columns, number)) for side in sides)
        # A key that is dropped with its table or columns refuses nothing.
        if new or (table in after.tables and set(columns) <= set(after.tables[table].columns)):
            yield KeyChange(table, new or sides[0][table, columns, number], old, new)


def _by_columns(catalog: Catalog) -> dict[tuple[str, tuple[str, ...], int], CatalogConstraint]:
    """The foreign keys by table, columns, and a number in case the same columns have several."""
    keys: dict[tuple[str, tuple[str, ...], int], CatalogConstraint] = {}
    numbers: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for table, key in foreign_keys(catalog):
        if is_enforced(key):
            keys[table, key.columns, numbers[table, key.columns]] = key
            numbers[table, key.columns] += 1
    return keys


def _words(change: KeyChange) -> str:
    if change.before is None:
        return "a new foreign key"
    return "a changed foreign key" if change.after else "no longer the foreign key"


def _pointing(change: KeyChange, after: Catalog, effects: Effects) -> Features:
    """The features whose written rows the key may refuse now."""
    old, new = change.before, change.after
    if new is None or (old is not None and _place(old) == _place(new) and not _is_sooner(old, new)):
        return set()
    columns = after.tables[change.table].columns
    filled = {name for name in new.columns if columns[name].has_source}
    features = {
        feature
        for given, names in effects.inserts.items()
        if not given.isdisjoint(new.columns) or filled
        for feature in names
    }
    return features | effects.of(Verb.UPDATE, *new.columns)


def _pointed_at(change: KeyChange, effects: Mapping[str, Effects]) -> Iterator[tuple[str, Features]]:
    """The tables that the key references or did, with the features whose DELETE or UPDATE has another outcome."""
    old, new = change.before, change.after
    moved = old is None or new is None or _place(old) != _place(new)
    if new is not None:
        # It refuses deletes that it allowed, or its action differs.
        stricter = moved or (old is not None and _is_sooner(old, new))
        verbs = [verb for verb in _VERBS if stricter or _action(old, verb) != _action(new, verb)]
        yield from _affected(new, verbs, effects)
    if old is not None and moved:
        # Dropping it refuses nothing, but its actions are no longer done.
        yield from _affected(old, [verb for verb in _VERBS if _action(old, verb)], effects)


def _affected(
    key: CatalogConstraint, verbs: list[Verb], effects: Mapping[str, Effects]
) -> Iterator[tuple[str, Features]]:
    target = effects.get(key.target or "", Effects())
    features: Features = set()
    for verb in verbs:
        features |= target.of(verb, *(key.target_columns if verb is Verb.UPDATE else ()))
    if features:
        yield key.target or "", features


def _action(key: CatalogConstraint | None, verb: Verb) -> str | None:
    return action_on(key, verb.name) if key else None


def _place(key: CatalogConstraint) -> tuple[str | None, tuple[str, ...], bool]:
    return key.target, key.target_columns, "MATCH FULL" in key.definition


def _is_sooner(old: CatalogConstraint, new: CatalogConstraint) -> bool:
    """Whether the key is checked earlier than before: after each statement instead of at the end."""
    # RESTRICT is checked at once, even if deferrable (https://www.postgresql.org/docs/current/ddl-constraints.html).
    flags = [
        ("DEFERRABLE" in text, "INITIALLY DEFERRED" in text, "RESTRICT" not in text)
        for text in (old.definition, new.definition)
    ]
    return any(was and not now for was, now in zip(*flags, strict=True))
