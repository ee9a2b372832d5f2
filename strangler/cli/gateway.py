"""`strangler gateway …`: nginx and the shadow worker alone, before services that run already."""

from collections.abc import Iterable
from typing import Annotated

import typer

from strangler.cli.down import down
from strangler.cli.groups import command_group
from strangler.cli.logs import logs
from strangler.cli.status import status_show
from strangler.cli.up import Started, stack_up
from strangler.errors import UsageError
from strangler.local.state import StateFolder
from strangler.project import project_load


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group."""
    commands = {"up": gateway_up, "down": gateway_down, "status": gateway_status, "logs": gateway_logs}
    return command_group(commands, names, about="Put nginx before services that run already, and take it away.")


def gateway_up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is ready, and leave it running.")
    ] = False,
    shown: Annotated[bool, typer.Option("--logs/--no-logs", help="Show what nginx writes.")] = True,
) -> None:
    """Start nginx and the shadow worker, and stay in front with their logs until Ctrl-C.

    Starts no service, no database and no migration, also where the project file has commands for them.

    Example: strangler gateway up --detach
    """
    stack_up(Started.NONE, detach=detach, logs=shown)


def gateway_down() -> None:
    """End nginx and the shadow worker; the services go on. Does nothing if nothing runs.

    Example: strangler gateway down
    """
    state = StateFolder(project_load().state).read()
    if state is not None and not state.gateway_alone:
        raise UsageError("nginx runs as a part of the stack that strangler up started", "end all of it: strangler down")
    down()


def gateway_status(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="Measure the last minutes.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show whether nginx runs, who answers, and how each service has done lately; exits with 1 unless it is ready.

    Example: strangler gateway status
    """
    if not status_show(minutes=minutes, as_json=as_json):
        raise SystemExit(1)


def gateway_logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Show this many lines.")] = 20,
) -> None:
    """Show the last lines of nginx's log, 20 by default.

    Example: strangler gateway logs --follow
    """
    logs("nginx", follow=follow, lines=lines)
