"""What every comparison answers with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mismatch:
    """One thing that is missing or different: what, and the mend, as a sentence.

    `table` is the key that the contract knows it by; `column` is None where the whole table is meant.
    """

    table: str
    column: str | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence
