"""What a series of numbers lacks."""

from typing import Final

# nginx's workers send side by side, so a number may come after a higher one.
_LATE: Final = 10_000
# After a restart of nginx the numbers go on much higher.
_RESTART: Final = 10_000_000


class Gaps:
    """Counts the numbers of a growing series that didn't come."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._missing = 0

    def came(self, number: int) -> None:
        """Take note of a number."""
        expected = number if self._next is None else self._next
        if not expected - _LATE <= number <= expected + _RESTART:
            expected = number  # another series
        if number < expected:
            self._missing = max(0, self._missing - 1)
            return
        self._missing += number - expected
        self._next = number + 1

    def take(self) -> int:
        """How many were missing since the last call."""
        missing, self._missing = self._missing, 0
        return missing
