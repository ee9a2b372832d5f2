"""The guard's report: its findings, a verdict for each pending migration, and their reversibility."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from shared_schema.consumer.privileges import Right
from shared_schema.drift.mismatch import Mismatch
from strangler.schema.compatibility.breaks import Break
from strangler.schema.guard.remedies import HazardKind, steps_for
from strangler.schema.guard.replay import ReplayedQuery
from strangler.schema.guard.snapshot import StoredPart


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as a sentence, and the steps to take instead.

    `kind` is a word that stays as it is. `features` are FastAPI's that it affects, `names` those of its statements,
    and `statement` is the SQL of the migration that causes it.
    """

    kind: str
    sentence: str
    table: str | None = None
    column: str | None = None
    features: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    statement: str = ""
    names: tuple[str, ...] = ()


def of_breaks(breaks: Iterable[Break], renamed: Mapping[StoredPart, StoredPart] | None = None) -> list[Finding]:
    """Findings of breaks; both halves of a rename, the lost name and the new one, get the steps of a rename."""
    return [
        Finding(one.kind, str(one), one.table, one.column, one.features, _break_steps(one, renamed or {}))
        for one in breaks
    ]


def _break_steps(one: Break, renamed: Mapping[StoredPart, StoredPart]) -> tuple[str, ...]:
    for old, new in renamed.items():
        if one.column and StoredPart(one.table, one.column) in (old, new) and old.table == new.table:
            return steps_for(HazardKind.RENAME_COLUMN, table=old.table, column=old.column)
        if one.column is None and one.table in (old.table, new.table) and old.table != new.table:
            return steps_for(HazardKind.RENAME_TABLE, table=old.table, column=None)
    return steps_for(one.kind, table=one.table, column=one.column)


def of_failures(failures: Iterable[ReplayedQuery]) -> list[Finding]:
    """Findings of statements that fail, one for each reason that PostgreSQL gives."""
    reasons: dict[str, list[ReplayedQuery]] = {}
    for query in failures:
        reasons.setdefault(query.wrong or query.refused, []).append(query)
    findings = []
    for reason, queries in reasons.items():
        example = f"{queries[0].name} of {queries[0].feature}"
        alone = len(queries) == 1
        subject = f"Statement {example} fails" if alone else f"{len(queries)} statements, such as {example}, fail"
        features = tuple(dict.fromkeys(query.feature for query in queries))
        names = tuple(query.name for query in queries)
        findings.append(Finding("statement", f"{subject}: {reason}.", features=features, names=names))
    return findings


def of_lost_rights(rights: Iterable[Right], role: str) -> list[Finding]:
    """Findings of rights that a role has lost."""
    message = f"Role {role} may no longer {{}}: run `strangler grant` right after the migration."
    return [Finding("privilege", message.format(right), right.table, right.column or None) for right in rights]


def of_mismatches(mismatches: Iterable[Mismatch]) -> list[Finding]:
    """Findings of what FastAPI's readiness would report."""
    return [
        Finding("unready", f"FastAPI would report that it isn't ready: {mismatch}", mismatch.table, mismatch.column)
        for mismatch in mismatches
    ]


def of_shared_objects(subjects: Iterable[str]) -> list[Finding]:
    """Findings of roles, databases and settings that a migration has changed for the whole server."""
    hint = "do that outside of migrations, when all its users are ready"
    return [
        Finding("shared", f"It changes the {subject}, which the whole server shares: {hint}.")
        for subject in sorted(subjects)
    ]


class GuardVerdict(IntEnum):
    """Whether migrations may be deployed; the value is the exit code of the command."""

    SAFE = 0
    UNSAFE = 1
    BREAKS = 3
    INCONCLUSIVE = 4


class Reversibility(StrEnum):
    """Whether a migration can be undone."""

    SAFE = "safe"
    LOSES = "loses"
    WRONG = "wrong"


WORDS: Final = {
    GuardVerdict.SAFE: "safe",
    GuardVerdict.UNSAFE: "unsafe online",
    GuardVerdict.BREAKS: "breaks the running FastAPI",
    GuardVerdict.INCONCLUSIVE: "inconclusive",
}


@dataclass(frozen=True, kw_only=True)
class RehearsedMigration:
    """The name of a migration that was applied or undone on the scratch database."""

    app: str
    name: str

    @property
    def label(self) -> str:
        """The name with the app before it."""
        return f"{self.app}.{self.name}".lstrip(".")


@dataclass(frozen=True, kw_only=True)
class MigrationVerdict(RehearsedMigration):
    """The result of applying a migration; `seconds` are those without rows.

    `error` is why it failed, and `hint` what to do then.
    """

    breaks: tuple[Finding, ...] = ()
    unsafe: tuple[Finding, ...] = ()
    seconds: float = 0.0
    error: str = ""
    hint: str = ""

    @property
    def verdict(self) -> GuardVerdict:
        """Whether it may be deployed."""
        if self.breaks:
            return GuardVerdict.BREAKS
        if self.error:
            return GuardVerdict.INCONCLUSIVE
        return GuardVerdict.UNSAFE if self.unsafe else GuardVerdict.SAFE


@dataclass(frozen=True, kw_only=True)
class MigrationReversal(RehearsedMigration):
    """The result of undoing a migration.

    Attributes:
        wrong: what makes it impossible, or leads to another schema than before the migration.
        losses: columns and tables whose values are lost.
        first: what the FastAPI of this checkout would miss then, so that it has to be rolled back before.
    """

    wrong: tuple[Finding, ...] = ()
    losses: tuple[Finding, ...] = ()
    first: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Reversibility:
        """Whether it may be undone."""
        if self.wrong:
            return Reversibility.WRONG
        return Reversibility.LOSES if self.losses else Reversibility.SAFE


@dataclass(frozen=True, kw_only=True)
class GuardReport:
    """The pending migrations of a database, and what their rehearsal has shown.

    Attributes:
        migrations: in the order in which they are applied.
        back: in the order in which they are undone, as far as that went.
        inconclusive: statements of the consumer that don't work on the live schema as it is.
        notes: what wasn't checked, and why.
    """

    database: str
    migrations: tuple[MigrationVerdict, ...] = ()
    back: tuple[MigrationReversal, ...] = ()
    inconclusive: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> GuardVerdict:
        """Whether the pending migrations may be deployed: the worst of their verdicts."""
        verdicts = {migration.verdict for migration in self.migrations}
        if GuardVerdict.BREAKS in verdicts:
            return GuardVerdict.BREAKS
        if self.migrations and self.inconclusive:
            return GuardVerdict.INCONCLUSIVE
        return max(verdicts, default=GuardVerdict.SAFE)

    @property
    def reversibility(self) -> Reversibility:
        """Whether all migrations may be undone: the worst of their verdicts."""
        return max(
            (reversal.verdict for reversal in self.back), key=list(Reversibility).index, default=Reversibility.SAFE
        )
