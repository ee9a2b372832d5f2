"""`strangler board`: one page that shows how the move goes."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from strangler.board.access import Access, is_loopback, token_make
from strangler.board.board import Board, SchemaHealth
from strangler.board.moves import Moves
from strangler.board.server import BoardServer
from strangler.board.traffic import TrafficReader
from strangler.cli.output import note, say
from strangler.cli.schema.drift import schema_drift
from strangler.deployment.open import ramps_open, rollout_open
from strangler.errors import FailedError, UnsafeError
from strangler.project import VARIABLE
from strangler.ramp.state import Phase
from strangler.settings import LocalSettings, settings_load

_PORT: Final = 8090
_POLL_SECONDS: Final = 0.1


def board(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Listen here; 8090, or the project file's.")
    ] = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Listen here; elsewhere with --token.")] = (
        "127.0.0.1"
    ),
    token: Annotated[bool, typer.Option("--token", help="Ask for a token, which is made and printed.")] = False,
    minutes: Annotated[int, typer.Option("--minutes", min=5, max=60, help="Plot the last minutes.")] = 30,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="Read another access log of the gateway.")
    ] = None,
) -> None:
    """Show how the move goes on a page that renews itself: routes, traffic, parity, schema, ramp, history.

    Serves http://127.0.0.1:8090 for this machine by default, until Ctrl-C. Changes nothing, unless the project file has
    moves = true under [board]: then whoever signs in with the token may move routes there.

    Example: strangler board --port 8091
    """
    settings = settings_load()
    section = settings.project.board
    port = port or section.port or _PORT
    if not is_loopback(host) and not token:
        raise UnsafeError(f"others than this machine reach {host}", "add --token, or leave --host out and use ssh -L")
    shown = Board(
        name=settings.project.name,
        # A rollout keeps the digests of the code that it was opened with.
        rollout=lambda: rollout_open(settings),
        schema=lambda: _schema_state(settings),
        ramps=ramps_open(settings),
        traffic=TrafficReader(log or _own_log(settings), minutes=minutes),
        minutes=minutes,
    )
    access = Access(token=token_make() if token else None)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def started() -> None:
        say(f"{address}{f'?token={access.token}' if access.token else ''}  (Ctrl-C ends it)")
        if not is_loopback(host):
            note("the token and the page go over the network as they are: put TLS in front of it")

    if section.moves and not token:
        note("moves = true in the project file needs a sign-in: add --token to move routes from the page")
    moves = _moves(settings) if section.moves and token else None
    BoardServer(shown, access, moves=moves).run(host=host, port=port, started=started)


def _moves(settings: LocalSettings) -> Moves:
    return Moves(
        rollout=lambda: rollout_open(settings),
        preview=lambda words: _previewed(settings, words),
        begin=lambda words: _begin(settings, words),
    )


def _tool(settings: LocalSettings, words: Sequence[str], *, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """A command of this tool, which goes on when the board ends; `said` is the file of what it prints."""
    return subprocess.Popen(  # noqa: S603 - this tool
        [sys.executable, "-m", "strangler.cli", *words],
        cwd=settings.project.root,
        env={**os.environ, VARIABLE: str(settings.project.file)},
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _previewed(settings: LocalSettings, words: Sequence[str]) -> str:
    """What a command that changes nothing prints.

    :raises FailedError: it failed, with its last words.
    """
    with tempfile.TemporaryFile() as said:
        process = _tool(settings, words, said=said)
        process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    _require_success(process, text)
    return text


def _require_success(process: "subprocess.Popen[bytes]", text: str) -> None:
    if process.returncode:
        raise FailedError((text.strip().splitlines() or ["no output"])[-1].removeprefix("strangler: "))


def _begin(settings: LocalSettings, words: Sequence[str]) -> None:
    """Have a ramp begin, go on, pause or end; one that is watched at its step is left to itself.

    :raises FailedError: it failed, with its last words.
    """
    ramps = ramps_open(settings)
    before, was_watched = ramps.read(), ramps.runs
    log = settings.state_dir / "rollout" / "ramp" / "board.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        process = _tool(settings, words, said=said)
    while process.poll() is None:
        state = ramps.read()
        is_new = state is not None and (before is None or state.began != before.began)
        goes_on = "resume" in words and not was_watched and ramps.runs
        if state is not None and (is_new or goes_on) and state.phase is Phase.WATCHING:
            # Reaps it once it has ended; whatever it does is in strangler ramp log.
            threading.Thread(target=process.wait, daemon=True).start()
            return
        time.sleep(_POLL_SECONDS)
    _require_success(process, log.read_text(errors="replace"))


def _own_log(settings: LocalSettings) -> Path | None:
    return settings.project.state / "logs" / "nginx.log" if settings.gateway == "local" else None


def _schema_state(settings: LocalSettings) -> SchemaHealth:
    found = schema_drift(settings)
    if found.mismatches:
        more = len(found.mismatches) - 1
        rest = f" {more} more: strangler schema check." if more else ""
        return SchemaHealth(ok=False, text=f"{found.mismatches[0]}{rest}")
    if found.problem:
        return SchemaHealth(ok=None, text=f"Not compared: {found.problem}")
    return SchemaHealth(ok=True, text="The database is as the contract and FastAPI want it.")
