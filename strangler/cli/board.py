"""`strangler board`: one page that shows how the move goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from strangler.board.access import Access, is_loopback, token_make
from strangler.board.board import Board, SchemaHealth
from strangler.board.moves import Moves
from strangler.board.server import BoardServer
from strangler.board.traffic import TrafficReader
from strangler.cli.output import note, say
from strangler.cli.ramp import COMMANDS as RAMP_COMMANDS
from strangler.cli.ramp_background import command_text, ramp_background
from strangler.cli.schema.drift import schema_drift
from strangler.cli.shadow import shadow_differences
from strangler.deployment.open import ramps_open, rollout_open
from strangler.errors import UnsafeError
from strangler.settings import LocalSettings, settings_load

_PORT: Final = 8090


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
        shadow=lambda route: shadow_differences(settings, route),
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
        preview=lambda words: command_text(settings, words),
        begin=lambda words: _ramp_begin(settings, words),
    )


def _ramp_begin(settings: LocalSettings, words: Sequence[str]) -> None:
    """Run a command of ramps; one of containers is begun for their own, since this machine has no file of its log."""
    is_new = words[1] not in RAMP_COMMANDS
    ramp_background(settings, [*words, *(["--detach"] if is_new and settings.gateway == "container" else [])])


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
