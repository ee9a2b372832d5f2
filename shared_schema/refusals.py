"""What PostgreSQL refuses for reasons that pass, by SQLSTATE: both stacks answer 503 then, and never a text of its own.

The codes are those of "PostgreSQL Error Codes" in its manual.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer 503: its `detail`, and after how many seconds the client may come back."""

    detail: str
    retry_after: int


CONFLICT: Final = Refusal(detail="Another request changed the same rows: try again.", retry_after=1)
READ_ONLY: Final = Refusal(detail="This API is read-only for now: try again later.", retry_after=30)
AWAY: Final = Refusal(detail="The database does not answer: try again in a few seconds.", retry_after=5)
FULL: Final = Refusal(detail="The database can take no more for now: try again later.", retry_after=30)

_STATES: Final = {
    # Serialization failure, deadlock, lock not available, and a row that a foreign key points at gone meanwhile.
    **dict.fromkeys(("40001", "40P01", "55P03", "23503"), CONFLICT),
    # A transaction that is read-only, and a role that may not write.
    **dict.fromkeys(("25006", "42501"), READ_ONLY),
    # The server is starting, going down or gone; a statement ran out of time; there are too many connections; the
    # database lets nobody in while another takes its place (55000).
    **dict.fromkeys(("57P01", "57P02", "57P03", "57014", "53300", "55000", "08000", "08001", "08003", "08006"), AWAY),
    # Disk full, out of memory, too many resources, a file that can't be read or written.
    **dict.fromkeys(("53000", "53100", "53200", "53400", "58000", "58030"), FULL),
}


def refusal_of(state: str | None) -> Refusal | None:
    """The refusal that a SQLSTATE stands for; None where it is a fault of the request or of the code."""
    return _STATES.get(state or "")
