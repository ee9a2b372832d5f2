"""What a migration does that is unsafe online: squawk's remarks, held against what the rehearsal has shown."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from shared_schema.catalog import Catalog, CatalogTable
from strangler.schema.compatibility.sql_text import target_of
from strangler.schema.guard.snapshot import File, Size
from strangler.schema.guard.squawk import Remark


class HazardKind(StrEnum):
    """What is unsafe; the steps of the remedy are keyed by it, so a value never changes."""

    REWRITE = "rewrite"
    TYPE = "type"
    NOT_NULL = "not-null"
    FOREIGN_KEY = "foreign-key"
    UNIQUE = "unique"
    CHECK = "check"
    INDEX = "index"
    INDEX_DROP = "index-drop"
    PARTITION = "partition"
    REQUIRED = "required"
    RENAME_COLUMN = "rename-column"
    RENAME_TABLE = "rename-table"
    DROP_COLUMN = "drop-column"
    DROP_TABLE = "drop-table"
    TRUNCATE = "truncate"
    ROWS = "rows"
    REPACK = "repack"
    SEQUENCE = "sequence"
    UNREAD = "unread"


# A statement is told of once, by what says most of it.
_RANK: Final = {kind: rank for rank, kind in enumerate(HazardKind)}


@dataclass(frozen=True)
class Hazard:
    """One thing that is unsafe online: where, which statement, and what happens, as a sentence."""

    kind: HazardKind
    table: str | None
    column: str | None
    sentence: str
    statement: str = ""
    rule: str = ""

    def __str__(self) -> str:
        return self.sentence


RULES: Final[Mapping[str, HazardKind]] = {
    "adding-field-with-default": HazardKind.REWRITE,
    "prefer-repack": HazardKind.REPACK,
    "changing-column-type": HazardKind.TYPE,
    "adding-not-nullable-field": HazardKind.NOT_NULL,
    "adding-foreign-key-constraint": HazardKind.FOREIGN_KEY,
    "disallowed-unique-constraint": HazardKind.UNIQUE,
    "adding-serial-primary-key-field": HazardKind.UNIQUE,
    "constraint-missing-not-valid": HazardKind.CHECK,
    "ban-alter-domain-with-add-constraint": HazardKind.CHECK,
    "ban-create-domain-with-constraint": HazardKind.CHECK,
    "require-concurrent-index-creation": HazardKind.INDEX,
    "require-concurrent-reindex": HazardKind.INDEX,
    "require-concurrent-index-deletion": HazardKind.INDEX_DROP,
    "require-concurrent-partition-detach": HazardKind.PARTITION,
    "adding-required-field": HazardKind.REQUIRED,
    "ban-drop-default": HazardKind.REQUIRED,
    "renaming-column": HazardKind.RENAME_COLUMN,
    "renaming-table": HazardKind.RENAME_TABLE,
    "ban-set-schema": HazardKind.RENAME_TABLE,
    "ban-drop-column": HazardKind.DROP_COLUMN,
    "ban-drop-table": HazardKind.DROP_TABLE,
    "ban-drop-view": HazardKind.DROP_TABLE,
    "ban-truncate-cascade": HazardKind.TRUNCATE,
    "syntax-error": HazardKind.UNREAD,
}
SENTENCES: Final[Mapping[HazardKind, str]] = {
    HazardKind.REWRITE: "{table} is written anew{size}: nobody reads or writes it meanwhile.",
    HazardKind.TYPE: "{column} gets another type, so {table} is written anew{size}: nobody reads or writes it "
    "meanwhile.",
    HazardKind.NOT_NULL: "{column} becomes NOT NULL, so {table} is read from end to end{size}: nobody reads or writes "
    "it meanwhile, and one NULL fails the migration.",
    HazardKind.CHECK: "{table} gets a constraint that is checked for every row{size}: nobody writes it meanwhile, and "
    "one row that violates it fails the migration.",
    HazardKind.FOREIGN_KEY: "{table} gets a foreign key that is checked for every row{size}: nobody writes it or the "
    "table that it points at meanwhile.",
    HazardKind.UNIQUE: "{table} gets a unique constraint whose index is built{size}: nobody reads or writes it "
    "meanwhile, and one duplicate fails the migration.",
    HazardKind.INDEX: "an index of {table} is built{size}: nobody writes it meanwhile.",
    HazardKind.INDEX_DROP: "an index of {table} is dropped: it waits for every query on the table, and all others "
    "wait behind it.",
    HazardKind.PARTITION: "a partition of {table} is detached: nobody reads or writes it meanwhile.",
    HazardKind.REQUIRED: "{column} is NOT NULL without a default: each INSERT of a program that doesn't know it yet "
    "fails.",
    HazardKind.RENAME_COLUMN: "{column} is renamed: each program that runs asks for the old name until it is replaced.",
    HazardKind.RENAME_TABLE: "{table} is renamed: each program that runs asks for the old name until it is replaced.",
    HazardKind.DROP_COLUMN: "{column} is dropped: the Django that runs names every column, and fails until it is "
    "replaced.",
    HazardKind.DROP_TABLE: "{table} is dropped: each program that runs and asks for it fails until it is replaced.",
    HazardKind.TRUNCATE: "{table} is emptied, and every table that points at it.",
    HazardKind.ROWS: "{table} stays locked while the same migration goes through rows{size}: nobody writes it until "
    "that is done.",
    HazardKind.REPACK: "{table} is written anew{size}, or emptied: nobody reads or writes it meanwhile.",
    HazardKind.SEQUENCE: "{column} gets no value that can be used any more.",
    HazardKind.UNREAD: "squawk can't read a statement, so nobody knows what it locks.",
}


@dataclass(frozen=True, kw_only=True)
class RehearsalEvidence:
    """What the rehearsal of a migration has shown.

    Attributes:
        before: the catalog before it, and `after` the one after it.
        made: the tables that pending migrations have made so far: nobody uses them yet.
        rewritten: the tables and indexes that were written anew.
        sizes: of the live tables.
        locked: the tables that nobody could write while the migration went on to rows, by their oids.
    """

    before: Catalog
    after: Catalog
    made: Collection[str]
    rewritten: Collection[File]
    sizes: Mapping[str, Size]
    locked: Collection[int] = ()


def find_hazards(remarks: Iterable[Remark], evidence: RehearsalEvidence) -> list[Hazard]:
    """What is unsafe of what squawk remarks on the statements of a migration, and what it can't see."""
    found: dict[tuple[str, str | None], Hazard] = {}
    for hazard in filter(None, (_hazard(remark, evidence) for remark in remarks)):
        key = (hazard.statement, hazard.column)
        if key not in found or _RANK[hazard.kind] < _RANK[found[key].kind]:
            found[key] = hazard
    return [*found.values(), *_overlooked(list(found.values()), evidence), *_locked(evidence)]


def _hazard(remark: Remark, evidence: RehearsalEvidence) -> Hazard | None:
    kind = RULES.get(remark.rule)
    if kind is None:
        return None
    target = target_of(remark.statement, evidence.before)
    hazard = _told(kind, target.table, target.column, evidence.sizes)
    hazard = replace(hazard, statement=remark.statement, rule=remark.rule)
    return None if target.table in evidence.made or _disproved(hazard, evidence) else hazard


def _told(kind: HazardKind, table: str | None, column: str | None, sizes: Mapping[str, Size]) -> Hazard:
    size = f" ({sizes[table]})" if table is not None and table in sizes else ""
    name = table or "a table"
    where = f"{name}.{column}" if column else f"a column of {name}"
    return Hazard(kind, table, column, SENTENCES[kind].format(table=name, column=where, size=size))


def _disproved(hazard: Hazard, evidence: RehearsalEvidence) -> bool:
    """Whether the rehearsal shows that what squawk must fear doesn't happen."""
    if hazard.table is None:
        return False
    if hazard.kind in (HazardKind.REWRITE, HazardKind.REPACK, HazardKind.TYPE):
        return hazard.table not in {file.table for file in evidence.rewritten if file.index is None}
    before, after = (catalog.tables.get(hazard.table) for catalog in (evidence.before, evidence.after))
    if hazard.rule == "ban-drop-default":
        return after is not None and not _is_required(after, hazard.column)
    if hazard.kind is HazardKind.NOT_NULL:
        return before is not None and _is_proved(before, hazard.column)
    return False


def _is_required(table: CatalogTable, column: str | None) -> bool:
    found = table.columns.get(column or "")
    return found is not None and found.must_be_given


def _is_proved(table: CatalogTable, column: str | None) -> bool:
    """Whether a valid constraint says already that there is no NULL, so that PostgreSQL doesn't look."""
    wanted = re.compile(rf'CHECK \(+"?{re.escape(column or "")}"? IS NOT NULL\)+')
    return any(each.validated and wanted.fullmatch(each.definition) for each in table.constraints)


def _locked(evidence: RehearsalEvidence) -> Iterator[Hazard]:
    """Tables that stay locked while rows are moved; how many there are, a database without rows doesn't tell."""
    for name, table in evidence.before.tables.items():
        if table.oid in evidence.locked and name not in evidence.made:
            yield _told(HazardKind.ROWS, name, None, evidence.sizes)


def _overlooked(told: Collection[Hazard], evidence: RehearsalEvidence) -> Iterator[Hazard]:
    rewritten = {file.table for file in evidence.rewritten if file.index is None} - set(evidence.made)
    known = {hazard.table for hazard in told if hazard.kind in (HazardKind.REWRITE, HazardKind.REPACK, HazardKind.TYPE)}
    for table in sorted(rewritten - known):
        yield _told(HazardKind.REPACK, table, None, evidence.sizes)
    built = {file.table for file in evidence.rewritten if file.index is not None} - rewritten - set(evidence.made)
    for table in sorted(built - {hazard.table for hazard in told if hazard.kind is HazardKind.INDEX}):
        yield _told(HazardKind.INDEX, table, None, evidence.sizes)
    checked = {hazard.table for hazard in told if hazard.kind is HazardKind.CHECK}
    for table in sorted(_checked(evidence) - checked - set(evidence.made)):
        yield _told(HazardKind.CHECK, table, None, evidence.sizes)


def _checked(evidence: RehearsalEvidence) -> set[str]:
    """The tables with a valid CHECK that they didn't have, such as that of a column that was added with it."""
    return {
        key
        for key, after in evidence.after.tables.items()
        if (before := evidence.before.tables.get(key)) is not None and _has_new_check(before, after)
    }


def _has_new_check(before: CatalogTable, after: CatalogTable) -> bool:
    """A constraint that is only renamed, or was there and is validated now, holds nobody up."""
    names, definitions = ({getattr(each, part) for each in before.constraints} for part in ("name", "definition"))
    return any(
        each.kind == "check" and each.validated and each.name not in names and each.definition not in definitions
        for each in after.constraints
    )
