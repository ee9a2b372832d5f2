"""What can go wrong, as one tree; the command line prints each as one line: the message, then the hint.

StranglerError
├── UsageError    2: the call or a file it names is wrong; nothing was touched
├── UnsafeError   3: refused because it might do harm
│   └── StalePlanError: another change was applied since the plan was made
└── FailedError   4: it was tried and failed; what ran before was restored
"""

import copyreg
from typing import Any


class StranglerError(Exception):
    """An error that a person can meet.

    Args:
        message: what is wrong, without a full stop.
        hint: the command or the setting that fixes it, as an imperative.
    """

    exit_code = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle, also where `__init__` of a kind takes other arguments."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined] # pickle's own

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}." if self.hint else self.message


class UsageError(StranglerError):
    """The call, or a file that it names, is wrong; nothing was touched."""

    exit_code = 2


class UnsafeError(StranglerError):
    """Refused because it might do harm."""

    exit_code = 3


class StalePlanError(UnsafeError):
    """Refused because another change was applied since the plan was made."""


class FailedError(StranglerError):
    """Tried and failed; what ran before was restored."""


def many(count: int, noun: str) -> str:
    """So many of them: `1 case`, `2,000 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
