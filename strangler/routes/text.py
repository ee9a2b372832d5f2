"""The routes file as bytes and as text, whatever it may really be."""

import stat
from pathlib import Path
from typing import Final

from strangler.errors import UsageError
from strangler.routes.mistakes import Mistake, RoutesError

# 1,000 routes are 150 kB.
MAX_BYTES: Final = 4 * 1024 * 1024
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def source_name(file: Path) -> str:
    """What errors call the file: its path as seen from here."""
    try:
        return str(file.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(file)


def content_read(file: Path, *, source: str) -> bytes:
    """What is in `file`, which errors call `source`.

    :raises UsageError: it is no readable file of a size that a person could have written.
    """
    try:
        status = file.stat()
        # Reading a named pipe would wait for whoever writes into it.
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{source} is no regular file: name the routes file with ROUTES_FILE.")
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except PermissionError as error:
        raise UsageError(f"{source} can't be read (no permission): let this user read it.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{source} can't be read ({reason}): name the routes file with ROUTES_FILE.") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{source} is larger than {MAX_BYTES >> 20} MiB: is it the routes file?")
    return content


def content_decode(content: bytes, *, source: str) -> str:
    """The text that the bytes of a routes file are.

    :raises RoutesError: it is no UTF-8; names the line.
    """
    if content.startswith(_MARKS):
        raise RoutesError(source, [Mistake("the file is UTF-16: save it as UTF-8.", 1)])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"0x{content[error.start]:02x}"
        raise RoutesError(source, [Mistake(f"the byte {found} is no UTF-8: save the file as UTF-8.", line)]) from error
