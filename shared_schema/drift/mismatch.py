"""A mismatch between two descriptions of the tables, and the common hints."""

from dataclasses import dataclass
from typing import Final

MIGRATE: Final = "run the Django migrations"
EITHER: Final = "run the Django migrations, or export the contract if they have run"
STRAY: Final = "export the contract if a migration made it, else drop it"


def column_text(type_name: str, *, nullable: bool) -> str:
    """A column in a `diff`: `text not null`."""
    return f"{type_name} {'null' if nullable else 'not null'}"


@dataclass(frozen=True)
class Mismatch:
    """One thing that is missing or different: what, without a full stop, and what fixes it, as an imperative.

    `table` is the key that the contract knows it by; `column` is None where the whole table is meant. `subject` is
    what differs, in the words of a `diff`; `expected` is what was wanted and `actual` what there is, None for nothing.
    """

    table: str
    column: str | None
    message: str
    hint: str
    subject: str = ""
    expected: str | None = None
    actual: str | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}."
