"""`strangler board`: one page that shows how the move goes."""

from pathlib import Path
from typing import Annotated

import typer

from strangler.board.access import Access, is_loopback, token_make
from strangler.board.board import Board, SchemaState
from strangler.board.server import BoardServer
from strangler.board.traffic import TrafficReader
from strangler.cli.output import note, say
from strangler.cli.schema.drift import schema_drift
from strangler.deployment.open import rollout_open
from strangler.errors import UnsafeError
from strangler.settings import LocalSettings, settings_load


def board(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Listen at this port.")] = 8090,
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

    Serves http://127.0.0.1:8090 for this machine by default, until Ctrl-C, and changes nothing.

    Example: strangler board --port 8091
    """
    settings = settings_load()
    if not is_loopback(host) and not token:
        raise UnsafeError(f"others than this machine reach {host}", "add --token, or leave --host out and use ssh -L")
    shown = Board(
        name=settings.project.name,
        # A rollout keeps the digests of the code that it was opened with.
        rollout=lambda: rollout_open(settings),
        schema=lambda: _schema_state(settings),
        traffic=TrafficReader(log or _own_log(settings), minutes=minutes),
        minutes=minutes,
    )
    access = Access(token=token_make() if token else None)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def started() -> None:
        say(f"{address}{f'?token={access.token}' if access.token else ''}  (Ctrl-C ends it)")
        if not is_loopback(host):
            note("the token and the page go over the network as they are: put TLS in front of it")

    BoardServer(shown, access).run(host=host, port=port, started=started)


def _own_log(settings: LocalSettings) -> Path | None:
    return None if settings.gateway == "container" else settings.project.state / "logs" / "nginx.log"


def _schema_state(settings: LocalSettings) -> SchemaState:
    found = schema_drift(settings)
    if found.mismatches:
        more = len(found.mismatches) - 1
        rest = f" {more} more: strangler schema check." if more else ""
        return SchemaState(ok=False, text=f"{found.mismatches[0]}{rest}")
    if found.problem:
        return SchemaState(ok=None, text=f"Not compared: {found.problem}")
    return SchemaState(ok=True, text="The database is as the contract and FastAPI want it.")
