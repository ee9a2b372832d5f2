"""`strangler checklist`: what of the migration's checklist is done, measured by the tool or confirmed by a person."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.cutover_reading import measured_read, running_read, ties_read, traffic_read
from strangler.cli.output import json_print, out, say
from strangler.cutover.checklist import ChecklistItem, ConfirmationFile, checklist
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import UsageError
from strangler.metrics.clients import since_parse
from strangler.project import project_load
from strangler.rollout.rollout import Rollout
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings, settings_load

Since = Annotated[str, typer.Option("--since", metavar="WHEN", help="Look at the traffic from then on.")]
Log = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="FILE", help="Read this access log, plain or .gz; - is stdin."),
]
_COLOURS: Final = {"done": "green", "open": "yellow", "unknown": "red"}
_OPEN: Final = 1


def show(
    context: typer.Context,
    since: Since = "7d",
    log: Log = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show the checklist of the migration: what is measured, and what a person has confirmed.

    Changes nothing, and exits with 1 while something is open or can't be known.

    Example: strangler checklist --since 30d
    """
    if context.invoked_subcommand is not None:
        return
    items = checklist_read(since, log)
    if as_json:
        json_print([{**asdict(item), "state": item.state} for item in items])
    for item in [] if as_json else items:
        out.print(
            Text(f"{item.state:<8}", style=_COLOURS[item.state]) + Text(f"{item.name:<14} {item.title}: {item.note}")
        )
    raise SystemExit(_OPEN if any(not item.done for item in items) else 0)


def confirm(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item that the tool can't measure.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Say how you know; it is kept.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take a confirmation back instead.")] = False,
) -> None:
    """Confirm an item of the checklist: who, when and why are kept in the state folder.

    Example: strangler checklist confirm training --reason "two days in May, all eight of us"
    """
    if not reason.strip():
        raise UsageError("a confirmation needs --reason TEXT", "say how you know, the checklist keeps it")
    found = ConfirmationFile(project_load().state).add(item, reason=reason.strip(), withdrawn=withdraw)
    say(f"{item} is {'open again' if withdraw else 'confirmed'} by {found.who}")


def checklist_read(since: str, log: list[str] | None) -> tuple[ChecklistItem, ...]:
    """The checklist of the project as it is now.

    :raises UsageError: a setting or a file is wrong.
    """
    settings = settings_load()
    rollout, table = running_read(settings)
    return checklist_of(settings, rollout, table, traffic_known(since, log, table))


def checklist_of(
    settings: LocalSettings, rollout: Rollout, table: RouteTable, traffic: RecentTraffic | None
) -> tuple[ChecklistItem, ...]:
    """The checklist, where the rest is read already."""

    def known() -> RecentTraffic:
        if traffic is None:
            raise UsageError("there is no access log", "pass --log FILE")
        return traffic

    ties = ties_read(settings, table, known, notify=lambda _sentence: None)
    left = sum(tie.is_left for tie in ties)
    return checklist(measured_read(settings, rollout, table, traffic, left=left))


def traffic_known(since: str, log: list[str] | None, table: RouteTable) -> RecentTraffic | None:
    """The requests since then; None where the stack has written no log, and none is named.

    :raises UsageError: `since` is no time, or a named log can't be read.
    """
    since_parse(since, now=dt.datetime.now(dt.UTC))
    try:
        return traffic_read(since, log, table)
    except UsageError:
        if log is not None:
            raise
        return None


def group(names: Iterable[str] = ()) -> typer.Typer:  # noqa: ARG001 - there is one below it
    """The command, and the one below it."""
    app = typer.Typer(invoke_without_command=True)
    app.callback()(show)
    app.command("confirm")(confirm)
    return app
