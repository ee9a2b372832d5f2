"""`strangler report`: the migration as it was measured, as one page and as Markdown."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.checklist import Log, Since, checklist_of, traffic_known
from strangler.cli.cutover_reading import declared_read, running_read
from strangler.cli.output import file_write, say
from strangler.cutover.costs import stack_costs
from strangler.cutover.drills import drills_read
from strangler.cutover.report import comparison_load, report_make
from strangler.errors import FailedError
from strangler.local.state import StateFolder
from strangler.routes.route import Stack
from strangler.settings import settings_load


def report(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where to write; by default .run/report.")
    ] = None,
    comparison: Annotated[
        Path | None,
        typer.Option("--comparison", metavar="FILE", help="Take parity and SQL statements from compare --json FILE."),
    ] = None,
    since: Since = "7d",
    log: Log = None,
) -> None:
    """Write what was measured of the migration: report.html, which needs no network, and report.md.

    Holds the routes with their moves, both stacks' traffic of the last 7 days, what their processes cost, comparisons,
    declared differences, drills and the checklist. Without --comparison parity is that of the recorded evidence. Names
    operators, no clients.

    Example: strangler report --since 30d --to public
    """
    settings = settings_load()
    compared = comparison_load(comparison) if comparison else None
    rollout, table = running_read(settings)
    traffic = traffic_known(since, log, table)

    def answered(stack: Stack, begin: dt.datetime) -> int:
        found = traffic_known(begin.isoformat(), log, table)
        return found.tally(stack).requests if found else 0

    made = report_make(
        name=settings.project.name,
        now=dt.datetime.now(dt.UTC),
        table=table,
        entries=rollout.entries(),
        evidence=rollout.evidence([route.name for route in table.routes]),
        traffic=traffic,
        costs=[*stack_costs(StateFolder(settings.state_dir).running(), answered)],
        comparison=compared,
        declared=declared_read(settings),
        checklist=checklist_of(settings, rollout, table, traffic),
        drills=drills_read(settings.project.state),
    )
    folder = to or settings.state_dir / "report"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedError(f"{folder} can't be made ({error.strerror})", "name another folder with --to") from error
    for name, text in (("report.html", made.as_html()), ("report.md", made.as_markdown())):
        file_write(folder / name, text)
        say(f"{folder / name} is written")
