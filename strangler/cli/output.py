"""How the tool writes: coloured on a terminal, plain lines off it; `NO_COLOR` is honoured by rich."""

import json
import logging
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from strangler.errors import FailedError, UsageError

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(highlight=False, soft_wrap=True, stderr=True)

_COLOURS: Final = {"postgres": "blue", "django": "green", "fastapi": "cyan", "nginx": "magenta"}
_WIDTH: Final = 8
_MANY: Final = 4
# Of what is no terminal.
_NO_WIDTH: Final = 10_000
_STDIN: Final = "-"


def log_line(service: str, line: str) -> None:
    """One line of a service's log, behind its name."""
    prefix = Text(f"{service:<{_WIDTH}} | ", style=_COLOURS.get(service, "yellow"))
    # A service's own colour codes are kept on a terminal and dropped off it.
    out.print(prefix + Text.from_ansi(line))


def note(sentence: str) -> None:
    """A line that is no part of the result."""
    err.print(Text(sentence))


class _Shown(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())


def logged_show(show: Callable[[str], None] = note) -> None:
    """Show what the tool logs: what takes its time, and what else an operator should know."""
    logger = logging.getLogger("strangler")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Shown(show)]


def table_print(headers: Sequence[str], rows: Iterable[Sequence[str | Text]], *, whole: Collection[str]) -> None:
    """A table: on a terminal as wide as that, with long cells folded but for the columns `whole`; else a line each."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", no_wrap=header in whole)
    for row in rows:
        table.add_row(*row)
    console = out if out.is_terminal else Console(file=out.file, highlight=False, width=_NO_WIDTH)
    console.print(table, soft_wrap=False)


def shared_by_most(cells: Sequence[Sequence[str]]) -> dict[str, int]:
    """What more than half of the lines have, and four at least, each with their number: it is said once."""
    counts = Counter(each for cell in cells for each in cell)
    return {each: number for each, number in counts.items() if number >= _MANY and number > len(cells) / 2}


def say(sentence: str = "") -> None:
    """A line of the tool's own."""
    out.print(Text(sentence))


def say_folded(sentence: str, *, indent: int) -> None:
    """A line of a screen: on a terminal folded at its width, with `indent` spaces before what follows; off it whole."""
    if out.is_terminal:
        sentence = textwrap.fill(sentence, out.width, subsequent_indent=" " * indent, drop_whitespace=True)
    say(sentence)


def json_print(document: object) -> None:
    """A command's result for machines."""
    out.out(json.dumps(document, indent=2, ensure_ascii=False))


def file_write(file: Path, text: str) -> None:
    """Write a document that the operator named a file for.

    :raises FailedError: it can't be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{file} can't be written ({error.strerror})", "name another file") from error


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
