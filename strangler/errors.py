"""What can go wrong, as one tree; the command line prints each as one sentence.

StranglerError
├── UsageError    2: the call or a file it names is wrong; nothing was touched
├── UnsafeError   3: refused because it might do harm
└── FailedError   4: it was tried and failed; what ran before was restored
"""


class StranglerError(Exception):
    """An error with a sentence for a person: what is wrong, and the mend."""

    exit_code = 4


class UsageError(StranglerError):
    """The call, or a file that it names, is wrong; nothing was touched."""

    exit_code = 2


class UnsafeError(StranglerError):
    """Refused because it might do harm."""

    exit_code = 3


class FailedError(StranglerError):
    """Tried and failed; what ran before was restored."""


def many(count: int, noun: str) -> str:
    """So many of them: `1 case`, `2,000 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
