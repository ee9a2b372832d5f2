"""Counts the SQL statements of a request, and formats the count as a Server-Timing header; for both stacks.

Counted is what the application sends, each statement as often as it is executed. What begins, divides or ends a
transaction isn't, nor is SET: each driver sends those in its own way, and then the stacks could not be compared. Nor
are the checks by which a pool finds out whether a connection still lives.
"""

import re
from typing import Final

# W3C Server Timing: https://www.w3.org/TR/server-timing/
HEADER: Final = "Server-Timing"

_NOT_COUNTED: Final = re.compile(
    r"\s*(?:abort|begin|commit|end|release|rollback|savepoint|set|start)\b", flags=re.IGNORECASE
)


class RequestStatements:
    """The statements of one request."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def add(self, statement: object, *, times: int = 1) -> None:
        """Count a statement, unless its kind is excluded."""
        if not _NOT_COUNTED.match(str(statement)):
            self.number += times

    @property
    def header(self) -> str:
        """The value of the header: `sql;desc="3"` for three statements."""
        return f'sql;desc="{self.number}"'
