"""Access logs that are named on the command line."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from strangler.errors import UsageError

_STDIN: Final = "-"


def log_opened(name: str, *, option: str) -> AbstractContextManager[BinaryIO]:
    """The log of that name, `-` for what is piped in; `option` is where another could be named.

    :raises UsageError: it can't be read.
    """
    if name == _STDIN:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(f"{name} can't be read ({error.strerror}): name an access log with {option}.") from error
