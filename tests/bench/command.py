"""A benchmark as a command: its options, and how it ends."""

import sys
from collections.abc import Callable
from typing import Final

import httpx
import psycopg
import typer
from rich.text import Text

from strangler.cli.output import err
from strangler.errors import FailedError, StranglerError
from strangler.local.process import StopRequested

_STOPPED: Final = 130


def bench_run(measure: Callable[..., None], *, name: str) -> None:
    """Run `measure` with the options of the command line; an expected failure is one line and its exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(measure)
    try:
        app()
    except StranglerError as error:
        _end(f"{name}: {error}", error.exit_code)
    except (psycopg.Error, httpx.HTTPError) as error:
        reason = str(error).strip().splitlines()[0]
        _end(f"{name}: the stack does not answer ({reason}): read the logs in .run/bench.", FailedError.exit_code)
    except StopRequested:
        _end(f"{name}: stopped; everything was ended.", _STOPPED)


def _end(sentence: str, code: int) -> None:
    err.print(Text(sentence))
    sys.exit(code)
