"""What a change of a table's constraints, indexes, triggers or kind breaks."""

import re
from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import CatalogConstraint, CatalogTable
from strangler.schema.compatibility.breaks import KEEP_FIRST, Break, BreakKind
from strangler.schema.compatibility.column_rules import TableChange, is_numbering
from strangler.schema.compatibility.effects import Features, Verb, fires
from strangler.schema.compatibility.sql_text import (
    UniqueRule,
    is_enforced,
    names_in,
    plain_columns,
    plain_definition,
    uniques_of,
)

# A check that uses these words alone is never false for NULL.
_STRICT: Final = names_in("check and or not any array text character varying smallint integer bigint numeric")
# The check of PositiveIntegerField, which a default that isn't negative passes.
_NOT_NEGATIVE: Final = re.compile(r"""CHECK \(\((\w+|"[^"]+") >= 0\)\)""")
_NUMBER: Final = re.compile(r"\d+|'\d+'::\w+")
# A btree takes values of up to 2,704 bytes; a character has up to 4.
_SIZED: Final = re.compile(r"character varying\((\d+)\)")
_UNSIZED: Final = re.compile(r"text|bytea|jsonb|character varying|.*\[\]")
_INDEXED_CHARACTERS: Final = 2704 // 4


def table_breaks(change: TableChange) -> Iterator[Break]:
    """The breaks of the table itself, besides its columns and foreign keys."""
    for rule in (_kind, _triggers, _checks, _new_uniques, _dropped_uniques, _primary_key, _long_values):
        yield from rule(change)


def _kind(change: TableChange) -> Iterator[Break]:
    before, after, effects = change.before, change.after, change.effects
    if before.kind != after.kind:
        # A partitioned table is read like any other, but refuses rows that fit no partition.
        still_read = {before.kind, after.kind} == {"table", "partitioned table"}
        features = effects.written if still_read else effects.all
        hint = "keep it as it is, and make the new one under another name"
        yield from change.breaks(None, features, BreakKind.TABLE_CHANGED, f"is a {after.kind} now", hint)
    elif before.definition != after.definition:
        hint = "make a new view beside it, and let the readers use that"
        yield from change.breaks(None, effects.all, BreakKind.TABLE_CHANGED, "has another query now", hint)
    elif before.kind == "table" and change.in_one_database and before.oid != after.oid:
        hint = "keep the old one until no running version needs it, and give the new one another name"
        what = "is another table with the same name, without the old rows"
        yield from change.breaks(None, effects.all, BreakKind.TABLE_CHANGED, what, hint)
    if after.row_security and not before.row_security:
        hint = "give the service's role a policy before row security is enabled"
        yield from change.breaks(
            None, effects.all, BreakKind.TABLE_CHANGED, "hides rows by row security policies now", hint
        )


def _triggers(change: TableChange) -> Iterator[Break]:
    before, after = change.before.triggers, change.after.triggers
    for name in sorted({*before, *after}):
        texts = [side[name] for side in (before, after) if name in side]
        if before.get(name) == after.get(name):
            continue
        verbs = [verb for verb in (Verb.INSERT, Verb.UPDATE, Verb.DELETE) if any(fires(text, verb) for text in texts)]
        features: Features = set().union(*(change.effects.of(verb) for verb in verbs))
        what = (
            "a new trigger"
            if name not in before
            else "no longer the trigger"
            if name not in after
            else "a changed trigger"
        )
        hint = "first release a version that expects the trigger's changes"
        yield from change.breaks(None, features, BreakKind.TRIGGER_CHANGED, f"has {what} {name}", hint)


def _checks(change: TableChange) -> Iterator[Break]:
    old = {plain_definition(check.definition) for check in change.before.constraints if is_enforced(check)}
    for check in change.after.constraints:
        if check.kind not in ("check", "exclusion") or not is_enforced(check):
            continue
        if plain_definition(check.definition) not in old:
            features = _inserts_into(change, check) | _updates_into(change, check)
            what = f"has a new constraint {check.name}, {check.definition}"
            yield from change.breaks(None, features, BreakKind.NEW_CONSTRAINT, what, KEEP_FIRST)


def _inserts_into(change: TableChange, check: CatalogConstraint) -> Features:
    """The features whose new rows a check may refuse; a check of new columns is harmless if the default passes."""
    new = [column for column in check.columns if column not in change.before.columns]
    strict = names_in(check.definition).difference(check.columns) <= _STRICT
    harmless = strict and len(new) == len(check.columns) > 0 and check.kind == "check"
    for column in new:
        default = change.after.columns[column].default
        if change.after.columns[column].has_source:
            harmless &= bool(_NOT_NEGATIVE.fullmatch(check.definition) and _NUMBER.fullmatch(default or ""))
    return set() if harmless else change.effects.of(Verb.INSERT)


def _updates_into(change: TableChange, check: CatalogConstraint) -> Features:
    # A row that violates a check which isn't validated yet fails on any UPDATE, and a generated column changes with
    # other columns.
    generated = any(change.after.columns[column].generated for column in check.columns)
    if generated or not check.validated or not check.columns or check.kind == "exclusion":
        return change.effects.of(Verb.UPDATE)
    return change.effects.of(Verb.UPDATE, *check.columns)


def _new_uniques(change: TableChange) -> Iterator[Break]:
    old = tuple(uniques_of(change.before))
    for new in uniques_of(change.after):
        if not any(unique.implies(new) for unique in old):
            features = change.effects.of(Verb.UPDATE, *new.mentioned)
            for given, names in change.effects.inserts.items():
                features |= set() if _escapes(change.after, new, given) else names
            what = f"has a new unique index {new.name} of {', '.join(sorted(new.columns))}"
            yield from change.breaks(None, features, BreakKind.NEW_CONSTRAINT, what, KEEP_FIRST)


def _escapes(table: CatalogTable, unique: UniqueRule, given: frozenset[str]) -> bool:
    """Whether no row is refused, since each gets NULL or a distinct default in a column that the INSERT leaves out."""
    left = [table.columns[name] for name in unique.columns - given if name in table.columns]
    null = any(not column.has_source for column in left)
    return (null and not unique.nulls_are_equal) or any(is_numbering(column) for column in left)


def _dropped_uniques(change: TableChange) -> Iterator[Break]:
    after = tuple(uniques_of(change.after))
    names = {constraint.name for constraint in change.after.constraints}
    for old in uniques_of(change.before):
        served = any(unique.serves(old) for unique in after)
        features: Features = set()
        for conflict, users in change.effects.conflicts.items():
            if conflict.constraint is not None:
                features |= users if conflict.constraint == old.name and old.name not in names else set()
            elif not served and (conflict.columns is None or old.expressions or conflict.columns == old.columns):
                features |= users
        what = f"no longer has the unique index {old.name}, which ON CONFLICT needs"
        hint = "keep it until no running version needs it"
        yield from change.breaks(None, features, BreakKind.UNIQUE_GONE, what, hint)


def _primary_key(change: TableChange) -> Iterator[Break]:
    before, after = change.before.primary_key, change.after.primary_key
    if before and before != after:
        # Columns besides the grouped ones may be selected only if they depend on the primary key.
        what = "has another primary key, and rows are grouped by the old one"
        hint = "first group by every column that is selected"
        yield from change.breaks(None, change.effects.of(Verb.WORD, "group"), BreakKind.UNIQUE_GONE, what, hint)


def _long_values(change: TableChange) -> Iterator[Break]:
    limited = _indexed(change.before)
    for name, index in sorted(_indexed(change.after).items()):
        if name in limited or name not in change.after.columns:
            continue
        spelled = change.after.columns[name].type
        sized = _SIZED.fullmatch(spelled)
        if _UNSIZED.fullmatch(spelled) or (sized and int(sized.group(1)) > _INDEXED_CHARACTERS):
            what = f"has an index {index} now that refuses values of more than about 2,700 bytes"
            hint = "index an expression of it, or use another kind of index than btree"
            yield from change.breaks(name, change.effects.writes(name), BreakKind.NARROWED, what, hint)


def _indexed(table: CatalogTable) -> dict[str, str]:
    """The columns that have a btree index, with the name of one."""
    return {
        name: index.name
        for index in table.indexes
        if index.method == "btree"
        for name, plain in plain_columns(index.columns).items()
        if plain
    }
