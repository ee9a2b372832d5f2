"""The text of a routes file as TOML, or the line where it is none."""

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from strangler.errors import UsageError
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, RoutesError, shown

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TWICE: Final = ("Cannot overwrite a value", "Cannot declare", "Duplicate inline table key", "Cannot mutate")
# What tomllib says, by its beginning, and what a person does about it.
_HINTS: Final = {
    "Invalid value": 'write a text in "quotes", true or false in small letters, a day as 2027-01-31',
    "Unclosed array": "end it with ]",
    "Unclosed inline table": "end it with }",
    "Unterminated string": "end it with the quotes that it begins with",
    "Illegal character '\\n'": "end the text with the quotes that it begins with",
    "Illegal character": "take it away",
    "Found invalid character": "take it away",
    "Expected '=' after a key": "write key = value",
    "Expected newline": "write one value after = and nothing behind it",
    "Expected ']'": "end the header with ]",
    "Expected ']]'": "end the header with ]]",
    "Unescaped '\\'": "write \\\\ for a backslash",
}


# 1,000 routes are 150 kB.
MAX_BYTES: Final = 4 * 1024 * 1024
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def parse_toml(text: str, lines: Lines) -> dict[str, Any]:
    """The document.

    :raises Mistake: the text is no valid TOML.
    """
    if text.startswith("\ufeff"):
        raise Mistake("the file begins with a byte order mark: save it as UTF-8 without one.", 1)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _mistake(str(error), text, lines) from error
    except RecursionError as error:
        raise Mistake("not valid TOML (brackets within brackets without end): take them away.") from error
    except ValueError as error:
        raise Mistake("not valid TOML (a number of more than 4300 digits): shorten it.") from error


def _mistake(message: str, text: str, lines: Lines) -> Mistake:
    place = _PLACE.search(message)
    what = _PLACE.sub("", message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    column = f", column {place[2]}" if place and place[2] else ""
    statement = lines.statement(line)
    if statement is None:
        return Mistake(f"not valid TOML ({what}{column}): {_hint(what)}.", line)
    if what.startswith(_TWICE) and statement.before:
        return Mistake(_repeated(statement.key), statement.before, statement.first)
    if statement.first != line:
        column = f" in line {line}{column}" if column else " at the end of the file"
    return Mistake(f"not valid TOML ({what}{column}): {_hint(what)}.", statement.first)


def _hint(what: str) -> str:
    fitting = [beginning for beginning in _HINTS if what.startswith(beginning)]
    return _HINTS[max(fitting, key=len)] if fitting else "correct that line"


def _repeated(key: str) -> str:
    if key in {"route", "fixed"}:
        return f"{key} is there twice as one table: write [[{key}]], once for each entry."
    return f"{shown(key)} is there twice: keep one of them."


def source_name(file: Path) -> str:
    """What errors call the file: its path as seen from here."""
    try:
        return str(file.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(file)


def content_read(file: Path, *, source: str, hint: str = "name the routes file in strangler.toml") -> bytes:
    """What is in `file`, which errors call `source`; `hint` says how another file is named.

    :raises UsageError: it is no readable file of a size that a person could have written.
    """
    try:
        status = file.stat()
        # Reading a named pipe would wait for whoever writes into it.
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{source} is no regular file", hint)
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except PermissionError as error:
        raise UsageError(f"{source} can't be read (no permission)", "let this user read it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{source} can't be read ({reason})", hint) from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{source} is larger than {MAX_BYTES >> 20} MiB", "name a file that a person wrote")
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
