"""What the guard comes to: for each pending migration, for the way back, and in one word."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from strangler.schema.guard.findings import Finding


class Verdict(IntEnum):
    """The answer, which is the exit code of the command."""

    SAFE = 0
    UNSAFE = 1
    BREAKS = 3
    UNJUDGED = 4


class Return(StrEnum):
    """Whether what was migrated can be undone."""

    SAFE = "safe"
    LOSES = "loses"
    WRONG = "wrong"


WORDS: Final = {
    Verdict.SAFE: "safe",
    Verdict.UNSAFE: "unsafe online",
    Verdict.BREAKS: "breaks the running FastAPI",
    Verdict.UNJUDGED: "not judged",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A migration, applied on the scratch database; `seconds` are those without rows, `error` is why it failed."""

    app: str
    name: str
    breaks: tuple[Finding, ...] = ()
    unsafe: tuple[Finding, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.app}.{self.name}".lstrip(".")

    @property
    def verdict(self) -> Verdict:
        """Whether it may be deployed."""
        if self.breaks:
            return Verdict.BREAKS
        if self.error:
            return Verdict.UNJUDGED
        return Verdict.UNSAFE if self.unsafe else Verdict.SAFE


@dataclass(frozen=True, kw_only=True)
class WayBack:
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
    def verdict(self) -> Return:
        """Whether it may be undone."""
        if self.wrong:
            return Return.WRONG
        return Return.LOSES if self.losses else Return.SAFE


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that the guard says of a database.

    Attributes:
        migrations: in the order in which they are applied.
        back: in the order in which they are undone, as far as that went.
        unjudged: statements of the consumer that don't work on the live schema as it is.
        notes: what wasn't looked at, and why.
    """

    database: str
    migrations: tuple[Judged, ...] = ()
    back: tuple[WayBack, ...] = ()
    unjudged: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether the pending migrations may be deployed: the worst of what was found of them."""
        found = {each.verdict for each in self.migrations}
        if Verdict.BREAKS in found:
            return Verdict.BREAKS
        if self.migrations and self.unjudged:
            return Verdict.UNJUDGED
        return max(found, default=Verdict.SAFE)

    @property
    def way_back(self) -> Return:
        """Whether all of them may be undone, the worst of them."""
        found = {each.verdict for each in self.back}
        return next((each for each in (Return.WRONG, Return.LOSES) if each in found), Return.SAFE)
