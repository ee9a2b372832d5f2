"""What a change of a table's constraints, indexes, triggers or very nature breaks."""

import re
from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import CatalogConstraint, CatalogTable
from strangler.schema.compatibility.breaks import Break, BreakKind
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

_LATER: Final = "release a version that keeps to it first"
# A check made of these alone is not false for NULL.
_STRICT: Final = names_in("check and or not any array text character varying smallint integer bigint numeric")
# PositiveIntegerField and its like, with a default that is no negative number.
_NOT_NEGATIVE: Final = re.compile(r"""CHECK \(\((\w+|"[^"]+") >= 0\)\)""")
_NUMBER: Final = re.compile(r"\d+|'\d+'::\w+")
# A btree takes values of up to 2,704 bytes; a character has up to 4.
_SIZED: Final = re.compile(r"character varying\((\d+)\)")
_UNSIZED: Final = re.compile(r"text|bytea|jsonb|character varying|.*\[\]")
_INDEXED_CHARACTERS: Final = 2704 // 4


def table_breaks(change: TableChange) -> Iterator[Break]:
    """What the table itself breaks, besides its columns and foreign keys."""
    for rule in (_nature, _triggers, _checks, _new_uniques, _gone_uniques, _primary_key, _long_values):
        yield from rule(change)


def _nature(change: TableChange) -> Iterator[Break]:
    before, after, effects = change.before, change.after, change.effects
    if before.kind != after.kind:
        # Rows of a partitioned table are read like any other's; one that no partition takes can't be written.
        still_read = {before.kind, after.kind} == {"table", "partitioned table"}
        features = effects.written if still_read else effects.all
        hint = "keep it as it is, and make the other under a new name"
        yield from change.breaks(None, features, BreakKind.TABLE_CHANGED, f"is a {after.kind} now", hint)
    elif before.definition != after.definition:
        hint = "make a new view beside it, and move the readers over"
        yield from change.breaks(None, effects.all, BreakKind.TABLE_CHANGED, "shows something else now", hint)
    elif before.kind == "table" and change.in_one_database and before.oid != after.oid:
        hint = "keep the old one until no running version needs it, and give the other a name of its own"
        what = "is another table of that name now, without the rows of the old one"
        yield from change.breaks(None, effects.all, BreakKind.TABLE_CHANGED, what, hint)
    if after.row_security and not before.row_security:
        hint = "give the service's role a policy before row security is enabled"
        yield from change.breaks(None, effects.all, BreakKind.TABLE_CHANGED, "hides rows by policies now", hint)


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
        hint = "have the running version expect what is done to its rows first"
        yield from change.breaks(None, features, BreakKind.TRIGGER_CHANGED, f"has {what} {name}", hint)


def _checks(change: TableChange) -> Iterator[Break]:
    known = {plain_definition(found.definition) for found in change.before.constraints if is_enforced(found)}
    for found in change.after.constraints:
        if found.kind not in ("check", "exclusion") or not is_enforced(found):
            continue
        if plain_definition(found.definition) not in known:
            features = _inserts_into(change, found) | _updates_into(change, found)
            what = f"has a new constraint {found.name}, {found.definition}"
            yield from change.breaks(None, features, BreakKind.NEW_CONSTRAINT, what, _LATER)


def _inserts_into(change: TableChange, check: CatalogConstraint) -> Features:
    """The features whose new rows a check may refuse; columns that they don't know of may be harmless by default."""
    new = [column for column in check.columns if column not in change.before.columns]
    strict = names_in(check.definition).difference(check.columns) <= _STRICT
    harmless = strict and len(new) == len(check.columns) > 0 and check.kind == "check"
    for column in new:
        default = change.after.columns[column].default
        if change.after.columns[column].has_source:
            harmless &= bool(_NOT_NEGATIVE.fullmatch(check.definition) and _NUMBER.fullmatch(default or ""))
    return set() if harmless else change.effects.of(Verb.INSERT)


def _updates_into(change: TableChange, check: CatalogConstraint) -> Features:
    # Rows that were there before a check which is not valid yet are refused with whatever is written into them, and a
    # generated column changes with others.
    generated = any(change.after.columns[column].generated for column in check.columns)
    if generated or not check.validated or not check.columns or check.kind == "exclusion":
        return change.effects.of(Verb.UPDATE)
    return change.effects.of(Verb.UPDATE, *check.columns)


def _new_uniques(change: TableChange) -> Iterator[Break]:
    known = tuple(uniques_of(change.before))
    for found in uniques_of(change.after):
        if not any(unique.implies(found) for unique in known):
            features = {
                name
                for given, names in change.effects.inserts.items()
                if not _escapes(change.after, found, given)
                for name in names
            }
            features |= change.effects.of(Verb.UPDATE, *found.mentioned)
            what = f"has a new unique index {found.name} of {', '.join(sorted(found.columns))}"
            yield from change.breaks(None, features, BreakKind.NEW_CONSTRAINT, what, _LATER)


def _escapes(table: CatalogTable, unique: UniqueRule, given: frozenset[str]) -> bool:
    """Whether no row is refused, since each has NULL or a number of its own in a column that nothing is given for."""
    left = [table.columns[name] for name in unique.columns - given if name in table.columns]
    null = any(not column.has_source for column in left)
    return (null and not unique.nulls_are_equal) or any(is_numbering(column) for column in left)


def _gone_uniques(change: TableChange) -> Iterator[Break]:
    after = tuple(uniques_of(change.after))
    names = {found.name for found in change.after.constraints}
    for gone in uniques_of(change.before):
        served = any(unique.serves(gone) for unique in after)
        features: Features = set()
        for conflict, who in change.effects.conflicts.items():
            if conflict.constraint is not None:
                features |= who if conflict.constraint == gone.name and gone.name not in names else set()
            elif not served and (conflict.columns is None or gone.expressions or conflict.columns == gone.columns):
                features |= who
        what = f"has no unique index {gone.name} any more, which ON CONFLICT goes by"
        hint = "keep it until no running version does"
        yield from change.breaks(None, features, BreakKind.UNIQUE_GONE, what, hint)


def _primary_key(change: TableChange) -> Iterator[Break]:
    before, after = change.before.primary_key, change.after.primary_key
    if before and before != after:
        # Columns beside the key's may be selected only where PostgreSQL knows that the key decides them.
        what = "has another primary key, and rows are grouped by the old one"
        hint = "group by each column that is selected first"
        yield from change.breaks(None, change.effects.of(Verb.WORD, "group"), BreakKind.UNIQUE_GONE, what, hint)


def _long_values(change: TableChange) -> Iterator[Break]:
    limited = _indexed(change.before)
    for name, index in sorted(_indexed(change.after).items()):
        if name in limited or name not in change.after.columns:
            continue
        spelled = change.after.columns[name].type
        sized = _SIZED.fullmatch(spelled)
        if _UNSIZED.fullmatch(spelled) or (sized and int(sized.group(1)) > _INDEXED_CHARACTERS):
            what = f"has an index {index} now that takes no value of more than about 2,700 bytes"
            hint = "index an expression of it, or use an index that is no btree"
            yield from change.breaks(name, change.effects.writes(name), BreakKind.NARROWED, what, hint)


def _indexed(table: CatalogTable) -> dict[str, str]:
    """The columns that have a btree index, and one of theirs each."""
    return {
        name: index.name
        for index in table.indexes
        if index.method == "btree"
        for name, plain in plain_columns(index.columns).items()
        if plain
    }
