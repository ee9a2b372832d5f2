"""What a migration does that is unsafe online: squawk's remarks, checked against the rehearsal."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable
from strangler.schema.compatibility.ddl_target import DdlTarget, target_of
from strangler.schema.guard.remedies import HazardKind, steps_for
from strangler.schema.guard.report import Finding
from strangler.schema.guard.snapshot import File, Size
from strangler.schema.guard.squawk import Remark

# A statement with several remarks is reported once, by the kind that comes first.
_RANK: Final = {kind: rank for rank, kind in enumerate(HazardKind)}
# Found in the catalogs as well, where no remark names them.
_SHAPES: Final = {
    *(HazardKind.NOT_NULL, HazardKind.UNIQUE, HazardKind.REQUIRED, HazardKind.RENAME_COLUMN, HazardKind.RENAME_TABLE),
    *(HazardKind.DROP_COLUMN, HazardKind.DROP_TABLE),
}
_REWRITES: Final = {HazardKind.REWRITE, HazardKind.REPACK, HazardKind.TYPE}

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
    HazardKind.REWRITE: "{table} is rewritten{size}: reads and writes are blocked meanwhile.",
    HazardKind.TYPE: "{column} gets another type, so {table} is rewritten{size}: reads and writes are blocked "
    "meanwhile.",
    HazardKind.NOT_NULL: "{column} becomes NOT NULL, so {table} is scanned{size}: reads and writes are blocked "
    "meanwhile, and one NULL fails the migration.",
    HazardKind.CHECK: "{table} gets a constraint that is checked for every row{size}: writes are blocked meanwhile, "
    "and one row that violates it fails the migration.",
    HazardKind.FOREIGN_KEY: "{table} gets a foreign key that is checked for every row{size}: writes to it and to the "
    "table that it points at are blocked meanwhile.",
    HazardKind.UNIQUE: "{table} gets a unique constraint whose index is built{size}: reads and writes are "
    "blocked meanwhile, and one duplicate fails the migration.",
    HazardKind.INDEX: "an index of {table} is built{size}: writes are blocked meanwhile.",
    HazardKind.INDEX_DROP: "an index of {table} is dropped: it waits for every query on the table, and later queries "
    "wait behind it.",
    HazardKind.PARTITION: "a partition of {table} is detached: reads and writes are blocked meanwhile.",
    HazardKind.REQUIRED: "{column} is NOT NULL without a default: each INSERT of a running program that doesn't know "
    "it fails.",
    HazardKind.RENAME_COLUMN: "{column} is renamed: running programs query the old name and fail until they are "
    "replaced.",
    HazardKind.RENAME_TABLE: "{table} is renamed: running programs query the old name and fail until they are "
    "replaced.",
    HazardKind.DROP_COLUMN: "{column} is dropped: the running Django selects every column, and fails until it is "
    "replaced.",
    HazardKind.DROP_TABLE: "{table} is dropped: running programs that query it fail until they are replaced.",
    HazardKind.TRUNCATE: "{table} is emptied, and every table that points at it.",
    HazardKind.ROWS: "{table} stays locked while the same migration goes through rows{size}: writes are blocked until "
    "that is done.",
    HazardKind.REPACK: "{table} is rewritten{size}, or emptied: reads and writes are blocked meanwhile.",
    HazardKind.SEQUENCE: "{column} gets no value that can be used any more.",
    HazardKind.UNREAD: "squawk can't read a statement, so its locks are unknown.",
}


@dataclass(frozen=True, kw_only=True)
class RehearsalEvidence:
    """The facts about a migration that its rehearsal has measured.

    Attributes:
        before: the catalog before it, and `after` the one after it.
        made: the tables that pending migrations have made so far, which no program uses yet.
        rewritten: the tables and indexes that got a new file.
        sizes: of the live tables.
        locked: the oids of tables that were locked against writes while the migration went through rows.
    """

    before: Catalog
    after: Catalog
    made: Collection[str]
    rewritten: Collection[File]
    sizes: Mapping[str, Size]
    locked: Collection[int] = ()


def find_hazards(remarks: Iterable[Remark], evidence: RehearsalEvidence) -> list[Finding]:
    """The remarks that count and that the rehearsal doesn't disprove, and hazards that squawk can't see."""
    hazards: dict[tuple[str, str | None], Finding] = {}
    for remark in remarks:
        hazard = _hazard(remark, evidence)
        key = (remark.statement, hazard.column if hazard else None)
        if hazard and (key not in hazards or _rank(hazard) < _rank(hazards[key])):
            hazards[key] = hazard
    return [*hazards.values(), *_unremarked(hazards.values(), evidence), *_locked(evidence)]


def _rank(hazard: Finding) -> int:
    return _RANK[HazardKind(hazard.kind)]


def _hazard(remark: Remark, evidence: RehearsalEvidence) -> Finding | None:
    kind = RULES.get(remark.rule)
    target = target_of(remark.statement, evidence.before, at=remark.start)
    if kind is None or target.table in evidence.made or _is_disproved(kind, remark.rule, target, evidence):
        return None
    return _finding(kind, target.table, target.column, evidence.sizes, remark.statement)


def _finding(
    kind: HazardKind, table: str | None, column: str | None, sizes: Mapping[str, Size], statement: str = ""
) -> Finding:
    size = f" ({sizes[table]})" if table is not None and table in sizes else ""
    name = table or "a table"
    where = f"{name}.{column}" if column else f"a column of {name}"
    sentence = SENTENCES[kind].format(table=name, column=where, size=size)
    steps = steps_for(kind, table=table, column=column)
    return Finding(kind, sentence, table, column, steps=steps, statement=statement)


def _is_disproved(kind: HazardKind, rule: str, target: DdlTarget, evidence: RehearsalEvidence) -> bool:
    """Whether the rehearsal shows that what squawk warns of doesn't happen."""
    if target.table is None:
        return False
    if kind in _REWRITES:
        return target.table not in {file.table for file in evidence.rewritten if file.index is None}
    before, after = (catalog.tables.get(target.table) for catalog in (evidence.before, evidence.after))
    if rule == "ban-drop-default":
        column = after.columns.get(target.column or "") if after else None
        return after is not None and not (column is not None and column.must_be_given)
    return kind is HazardKind.NOT_NULL and before is not None and _is_proved(before, target.column)


def _is_proved(table: CatalogTable, column: str | None) -> bool:
    """Whether a valid constraint excludes NULL already, so that PostgreSQL doesn't scan the table."""
    wanted = re.compile(rf'CHECK \(+"?{re.escape(column or "")}"? IS NOT NULL\)+')
    return any(constraint.validated and wanted.fullmatch(constraint.definition) for constraint in table.constraints)


def _locked(evidence: RehearsalEvidence) -> Iterator[Finding]:
    """Tables that stay locked while rows are changed; a clone without rows doesn't show for how long."""
    for name, table in evidence.before.tables.items():
        if table.oid in evidence.locked and name not in evidence.made:
            yield _finding(HazardKind.ROWS, name, None, evidence.sizes)


def _unremarked(remarked: Collection[Finding], evidence: RehearsalEvidence) -> Iterator[Finding]:
    """What the rehearsal shows and no remark names: a DO block, a function or several tables in one statement."""
    rewritten = {file.table for file in evidence.rewritten if file.index is None}
    indexed = {file.table for file in evidence.rewritten if file.index is not None}
    for kind, tables, kinds in (
        (HazardKind.REPACK, rewritten, _REWRITES),
        (HazardKind.INDEX, indexed - rewritten, {HazardKind.INDEX}),
        (HazardKind.CHECK, _newly_checked(evidence), {HazardKind.CHECK}),
    ):
        named = {finding.table for finding in remarked if finding.kind in kinds}
        for table in sorted(tables - named - set(evidence.made)):
            yield _finding(kind, table, None, evidence.sizes)
    named_parts = {(finding.table, finding.column) for finding in remarked if finding.kind in _SHAPES}
    for kind, table, column in _reshaped(evidence):
        if table not in evidence.made and (table, column) not in named_parts:
            yield _finding(kind, table, column, evidence.sizes)


def _reshaped(evidence: RehearsalEvidence) -> Iterator[tuple[HazardKind, str, str | None]]:
    """The tables and columns that running programs no longer find, or have to give a value, by the two catalogs."""
    oids = {table.oid for table in evidence.after.tables.values()}
    for key, before in evidence.before.tables.items():
        after = evidence.after.tables.get(key)
        if after is None:
            yield HazardKind.RENAME_TABLE if before.oid and before.oid in oids else HazardKind.DROP_TABLE, key, None
            continue
        for kind, name in _columns_reshaped(before, after):
            yield kind, key, name


def _columns_reshaped(before: CatalogTable, after: CatalogTable) -> Iterator[tuple[HazardKind, str]]:
    for name, then in before.columns.items():
        now = after.columns.get(name)
        if now is None:
            is_renamed = _is_among(then, after)
            yield HazardKind.RENAME_COLUMN if is_renamed else HazardKind.DROP_COLUMN, name
        elif now.must_be_given and then.has_source:
            yield HazardKind.REQUIRED, name
        elif then.nullable and not now.nullable and not _is_proved(before, name):
            yield HazardKind.NOT_NULL, name
    for name, now in after.columns.items():
        if name not in before.columns and now.must_be_given and not _is_among(now, before):
            yield HazardKind.REQUIRED, name


def _is_among(column: CatalogColumn, table: CatalogTable) -> bool:
    """Whether a table has the same column, under whatever name."""
    return column.place is not None and column.place in {other.place for other in table.columns.values()}


def _newly_checked(evidence: RehearsalEvidence) -> set[str]:
    """The tables with a valid CHECK that they didn't have, such as that of a column that was added with it."""
    return {
        key
        for key, after in evidence.after.tables.items()
        if (before := evidence.before.tables.get(key)) is not None and _has_new_check(before, after)
    }


def _has_new_check(before: CatalogTable, after: CatalogTable) -> bool:
    # One that is only renamed, or existed and is validated now, locks nobody out.
    names = {constraint.name for constraint in before.constraints}
    definitions = {constraint.definition for constraint in before.constraints}
    return any(
        new.kind == "check" and new.validated and new.name not in names and new.definition not in definitions
        for new in after.constraints
    )
