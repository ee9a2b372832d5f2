"""Groups of commands, such as `strangler schema …`."""

from collections.abc import Callable, Iterable, Mapping

import typer


def command_group(commands: Mapping[str, Callable[..., None]], names: Iterable[str], *, about: str) -> typer.Typer:
    """A group with those of `commands` that `names` name; with all where it names none."""
    app = typer.Typer(help=about, no_args_is_help=True)
    # Keeps the only command that is loaded a command with a name.
    app.callback()(lambda: None)
    for name in [name for name in names if name in commands] or commands:
        app.command(name)(commands[name])
    return app
