"""How many SQL statements stood behind each answer, in constant memory."""

import re
from collections import Counter
from typing import Final

from strangler.compare.client.response import Answer

_REPORTED: Final = re.compile(r'(?:^|,)\s*sql\s*;[^,]*?\bdesc="?(\d{1,9})')
# More than this is the same to a reader.
_MOST_TOLD_APART: Final = 10_000


def statements_reported(answer: Answer) -> int | None:
    """What an answer says in `Server-Timing: sql;desc="3"`; None where it says nothing of that."""
    told = answer.header("server-timing")
    found = _REPORTED.search(told) if told else None
    return int(found[1]) if found else None


class StatementCount:
    """Counts what a side reports; answers that report nothing are left out."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.highest: int | None = None

    def add(self, statements: int | None) -> None:
        """Count one answer."""
        if statements is None:
            return
        self._counts[min(statements, _MOST_TOLD_APART)] += 1
        self.highest = max(self.highest or 0, statements)

    @property
    def median(self) -> float | None:
        """The middle one, or the mean of the two in the middle; None where none was reported."""
        total = self._counts.total()
        return (self._at((total - 1) // 2) + self._at(total // 2)) / 2 if total else None

    def _at(self, index: int) -> int:
        seen = 0
        for statements, count in sorted(self._counts.items()):
            seen += count
            if seen > index:
                return statements
        return 0
