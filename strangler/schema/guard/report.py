"""The guard's report: its findings, a verdict for each pending migration, and their reversibility."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from shared_schema.consumer.privileges import Right
from shared_schema.drift.mismatch import Mismatch
from strangler.schema.compatibility.breaks import Break
from strangler.schema.guard.hazards import Hazard, HazardKind
from strangler.schema.guard.remedies import steps_for
from strangler.schema.guard.replay import Tried
from strangler.schema.guard.sequences import SequenceFault
from strangler.schema.guard.snapshot import StoredPart


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as a sentence, and the steps to take instead.

    `kind` is a word that stays as it is. `features` are FastAPI's that trip over it, `names` those of its statements,
    and `statement` is the SQL of the migration that is meant.
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
    """What the catalogs say against a change, of which it is known what only got another name."""
    return [
        Finding(
            kind=each.kind,
            sentence=str(each),
            table=each.table,
            column=each.column,
            features=each.features,
            steps=_steps(each, renamed or {}),
        )
        for each in breaks
    ]


def _steps(each: Break, renamed: Mapping[StoredPart, StoredPart]) -> tuple[str, ...]:
    """What is gone because it has another name now, and what is new for the same reason, takes the same way."""
    for old, new in renamed.items():
        if each.column and StoredPart(each.table, each.column) in (old, new) and old.table == new.table:
            return steps_for(HazardKind.RENAME_COLUMN, table=old.table, column=old.column)
        if each.column is None and each.table in (old.table, new.table) and old.table != new.table:
            return steps_for(HazardKind.RENAME_TABLE, table=old.table, column=None)
    return steps_for(each.kind, table=each.table, column=each.column)


def of_failures(failures: Iterable[Tried]) -> list[Finding]:
    """What PostgreSQL says against the consumer's statements, once for all of which it says the same."""
    reasons: dict[str, list[Tried]] = {}
    for each in failures:
        reasons.setdefault(each.wrong or each.refused, []).append(each)
    return [
        Finding(
            kind="statement",
            sentence=f"{_counted(failed)} fail{'s' if len(failed) == 1 else ''}: {reason}.",
            features=tuple(dict.fromkeys(each.feature for each in failed)),
            names=tuple(each.name for each in failed),
        )
        for reason, failed in reasons.items()
    ]


def _counted(failed: Sequence[Tried]) -> str:
    if len(failed) == 1:
        return f"Statement {failed[0].name} of {failed[0].feature}"
    return f"{len(failed)} statements, such as {failed[0].name} of {failed[0].feature},"


def of_lost(lost: Iterable[Right], role: str) -> list[Finding]:
    """What a role may no longer do."""
    return [
        Finding(
            kind="privilege",
            sentence=f"Role {role} may no longer {each}: run `strangler grant` right after the migration.",
            table=each.table,
            column=each.column or None,
        )
        for each in lost
    ]


def of_mismatches(mismatches: Iterable[Mismatch]) -> list[Finding]:
    """What the readiness of FastAPI would find."""
    return [
        Finding(
            kind="unready",
            sentence=f"FastAPI would say that it isn't ready: {each}",
            table=each.table,
            column=each.column,
        )
        for each in mismatches
    ]


def of_hazards(hazards: Iterable[Hazard]) -> list[Finding]:
    """What is unsafe online."""
    return [
        Finding(
            kind=each.kind,
            sentence=each.sentence,
            table=each.table,
            column=each.column,
            steps=steps_for(each.kind, table=each.table, column=each.column),
            statement=each.statement,
        )
        for each in hazards
    ]


def of_sequences(faults: Iterable[SequenceFault], features: Callable[[SequenceFault], Iterable[str]]) -> list[Finding]:
    """Columns that get no value any more, each with the features that leave it to its sequence."""
    return [
        Finding(
            kind=HazardKind.SEQUENCE,
            sentence=f"{each.table}.{each.column}: {each.what}.",
            table=each.table,
            column=each.column,
            features=tuple(sorted(features(each))),
            steps=steps_for(HazardKind.SEQUENCE, table=each.table, column=each.column),
        )
        for each in faults
    ]


def of_shared(subjects: Iterable[str]) -> list[Finding]:
    """What a migration has changed of what all databases of the server share."""
    return [
        Finding(
            kind="shared",
            sentence=f"It changes the {subject}, which the whole server shares: do that outside of migrations, when "
            "everybody who uses it is ready.",
        )
        for subject in sorted(subjects)
    ]


class GuardVerdict(IntEnum):
    """The answer, which is the exit code of the command."""

    SAFE = 0
    UNSAFE = 1
    BREAKS = 3
    INCONCLUSIVE = 4


class Reversibility(StrEnum):
    """Whether what was migrated can be undone."""

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
class MigrationVerdict:
    """A migration, applied on the scratch database; `seconds` are those without rows.

    `error` is why it failed, and `hint` what to do then.
    """

    app: str
    name: str
    breaks: tuple[Finding, ...] = ()
    unsafe: tuple[Finding, ...] = ()
    seconds: float = 0.0
    error: str = ""
    hint: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.app}.{self.name}".lstrip(".")

    @property
    def verdict(self) -> GuardVerdict:
        """Whether it may be deployed."""
        if self.breaks:
            return GuardVerdict.BREAKS
        if self.error:
            return GuardVerdict.INCONCLUSIVE
        return GuardVerdict.UNSAFE if self.unsafe else GuardVerdict.SAFE


@dataclass(frozen=True, kw_only=True)
class MigrationReversal:
    """Undoing a migration.

    Attributes:
        wrong: what makes it impossible, or leads elsewhere than to what was there.
        losses: what is lost of what was written.
        first: what the FastAPI of this checkout would miss then, so that it has to be taken back before.
    """

    app: str
    name: str
    wrong: tuple[Finding, ...] = ()
    losses: tuple[Finding, ...] = ()
    first: tuple[Finding, ...] = ()

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.app}.{self.name}".lstrip(".")

    @property
    def verdict(self) -> Reversibility:
        """Whether it may be undone."""
        if self.wrong:
            return Reversibility.WRONG
        return Reversibility.LOSES if self.losses else Reversibility.SAFE


@dataclass(frozen=True, kw_only=True)
class GuardReport:
    """All that the guard says of a database.

    Attributes:
        migrations: in the order in which they are applied.
        back: in the order in which they are undone, as far as that went.
        inconclusive: statements of the consumer that don't work on the live schema as it is.
        notes: what wasn't looked at, and why.
    """

    database: str
    migrations: tuple[MigrationVerdict, ...] = ()
    back: tuple[MigrationReversal, ...] = ()
    inconclusive: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> GuardVerdict:
        """Whether the pending migrations may be deployed: the worst of what was found of them."""
        found = {each.verdict for each in self.migrations}
        if GuardVerdict.BREAKS in found:
            return GuardVerdict.BREAKS
        if self.migrations and self.inconclusive:
            return GuardVerdict.INCONCLUSIVE
        return max(found, default=GuardVerdict.SAFE)

    @property
    def reversibility(self) -> Reversibility:
        """Whether all of them may be undone, the worst of them."""
        found = {each.verdict for each in self.back}
        return next((each for each in (Reversibility.WRONG, Reversibility.LOSES) if each in found), Reversibility.SAFE)
