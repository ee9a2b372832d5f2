"""`strangler switch`: move routes to a stage."""

from typing import Annotated

import typer

from strangler.cli.moves import Force, Names, Reason, Yes, edited_apply, intent_typed, rollout_recovered
from strangler.errors import UsageError
from strangler.rollout.edits import RouteKind, routes_select, switch_edits
from strangler.routes.route import Stage


def switch(
    names: Names,
    to: Annotated[Stage | None, typer.Option("--to", help="Move to this stage.")] = None,
    percent: Annotated[
        float | None,
        typer.Option("--percent", metavar="N", help="Serve this % of callers from FastAPI (canary)."),
    ] = None,
    shadow: Annotated[
        float | None,
        typer.Option("--shadow", metavar="N", help="Compare this % of reads in the background; 0 ends it."),
    ] = None,
    fallback: Annotated[
        bool | None, typer.Option("--fallback/--no-fallback", help="Let Django answer reads that FastAPI fails.")
    ] = None,
    reads: Annotated[bool, typer.Option("--reads", help="Select only routes that read.")] = False,
    writes: Annotated[bool, typer.Option("--writes", help="Select only routes that write.")] = False,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Move routes to a stage: edit the routes file, show the plan, confirm, and apply.

    Keeps by default what no option names. Refuses an unsafe plan (exit code 3).

    Example: strangler switch feed.list --to canary --percent 10
    """
    intent = intent_typed(force=force, reason=reason)
    if reads and writes:
        raise UsageError("--reads and --writes exclude each other", "pass one of them, or none for all routes")
    kind = RouteKind.READS if reads else RouteKind.WRITES if writes else RouteKind.ALL
    rollout, _ = rollout_recovered()
    routes = routes_select(rollout.running()[1].routes, names, kind=kind)
    edits = switch_edits(routes, stage=to, percent=percent, shadow=shadow, fallback=fallback)
    edited_apply(rollout, edits, intent, yes=yes)
