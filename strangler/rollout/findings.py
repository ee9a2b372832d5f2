"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters, the least first."""

    OK = "ok"
    NOTE = "note"
    FINDING = "finding"
    # The check could not be made.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence of a check, with the mend; `check` is file, endpoints, stacks, running or apply."""

    check: str
    level: Level
    sentence: str

    def as_json(self) -> dict[str, str]:
        """For machines."""
        return {"check": self.check, "level": self.level, "sentence": self.sentence}
