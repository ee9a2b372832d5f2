"""`strangler dev`: what a change of FastAPI's code breaks, seconds after it is saved."""

import datetime as dt
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from strangler.cli.case_selection import CaseSelection
from strangler.cli.comparison_run import comparison_report, passwords
from strangler.cli.output import err, note, out, say
from strangler.compare.client.client import Limits
from strangler.compare.client.sides import sides_local
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.report.model import ComparisonReport
from strangler.compare.report.terminal import differences_show
from strangler.compare.run import ComparisonSession
from strangler.deployment.dev_server import DevServer, routes_touched
from strangler.deployment.generation import token_signer
from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError, UsageError
from strangler.local.state import StateFolder
from strangler.rollout.edits import routes_select
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.sections import SignInSection
from strangler.settings import LocalSettings, settings_load

_POLL_SECONDS: Final = 0.2
# What a screen holds, where there is none.
_LINES: Final = 40


def dev(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME…]", help="Only these routes, such as 'posts.*'; else those of the changed files."
        ),
    ] = None,
    writes: Annotated[bool, typer.Option("--writes", help="Also play writes, on copies of the database.")] = False,
    sample: Annotated[
        int, typer.Option("--sample", min=1, metavar="N", help="Take a random sample of N reads of each route.")
    ] = 30,
) -> None:
    """Compare after each change of FastAPI's code, until Ctrl-C.

    FastAPI starts anew beside the running stack, and the cases of the changed feature are played against it and
    Django. Differences fit on one screen. The stack's own FastAPI stays as it is until strangler deploy.

    Example: strangler dev 'posts.*'
    """
    settings = settings_load()
    table = settings.project.load_routes()
    chosen = frozenset(each.name for each in routes_select(table.routes, names)) if names else frozenset()
    _require_running(settings)
    with DevServer(settings) as server:
        try:
            say(
                f"waiting for a change of FastAPI's code; its own process is {server.settings.stack_url(Stack.FASTAPI)}"
            )
            _watch(server, table, chosen, writes=writes, sample=sample)
        except KeyboardInterrupt:
            say("ended")


def _require_running(settings: LocalSettings) -> None:
    state = StateFolder(settings.state_dir).read()
    if settings.gateway != "local" or state is None or state.phase != "ready" or state.supervisor.find() is None:
        raise UsageError("the stack doesn't run on this machine", "start it with strangler up")


def _watch(server: DevServer, table: RouteTable, chosen: frozenset[str], *, writes: bool, sample: int) -> None:
    while True:
        if not (files := server.changed()):
            time.sleep(_POLL_SECONDS)
            continue
        saved = time.monotonic()
        touched = chosen or routes_touched(files, table, root=server.settings.project.root)
        if out.is_terminal:
            out.clear()
        say(f"{dt.datetime.now():%H:%M:%S} {_listed(files)}")  # noqa: DTZ005 - the time on the developer's own clock
        try:
            server.restart()
            report = _compared(server.settings, table, touched, writes=writes, sample=sample)
        except (FailedError, UsageError) as error:
            err.out(f"strangler: {error}")
            continue
        height = out.size.height if out.is_terminal else _LINES
        differences_show(report, out, lines=height - 5)
        note(f"{time.monotonic() - saved:.1f} s after the change was seen")


def _compared(
    settings: LocalSettings, table: RouteTable, routes: Collection[str], *, writes: bool, sample: int
) -> ComparisonReport:
    project = settings.project
    left, right = sides_local(settings)
    selection = CaseSelection(
        folders=project.case_folders,
        logs=(),
        recordings=(),
        writes=writes,
        workers=1,
        routes=frozenset(routes),
        sample=sample,
        seed=0,
        logins=(),
    )
    session = ComparisonSession(
        left=left,
        right=right,
        limits=Limits(concurrency=4, timeout=10.0, body_bytes=10_000_000),
        rules=Rules(DeclaredDifferences(declared_differences(project.declared))),
        sign_in=project.sign_in or SignInSection(path="/"),
        password=passwords((), (left, right), settings),
        signer=token_signer(LocalStack(settings)),
    )
    return comparison_report(session, selection, table=table, settings=settings, options=(), with_versions=False)


def _listed(files: Sequence[Path]) -> str:
    shown = ", ".join(os.path.relpath(file) for file in files[:3])
    return shown + (f" and {len(files) - 3} more" if len(files) > 3 else "")
