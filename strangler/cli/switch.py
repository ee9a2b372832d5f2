"""`strangler switch`: move routes to a stage."""

from typing import Annotated

import typer

from strangler.cli.moves import (
    Force,
    Names,
    Reason,
    Yes,
    command_typed,
    edited_apply,
    require_reason,
    rollout_recovered,
)
from strangler.errors import UsageError
from strangler.rollout.apply import Intent
from strangler.rollout.edits import RouteKind, routes_select, switch_edits
from strangler.routes.route import Stage


def switch(
    names: Names,
    to: Annotated[Stage | None, typer.Option("--to", help="The stage to move to.")] = None,
    percent: Annotated[
        float | None, typer.Option("--percent", metavar="N", help="The share of callers, at stage canary.")
    ] = None,
    shadow: Annotated[
        float | None,
        typer.Option("--shadow", metavar="N", help="Ask both stacks this share of reads again; or 0."),
    ] = None,
    fallback: Annotated[
        bool | None, typer.Option("--fallback/--no-fallback", help="Let Django answer the reads that FastAPI can't.")
    ] = None,
    reads: Annotated[bool, typer.Option("--reads", help="Of those names, only the routes that read.")] = False,
    writes: Annotated[bool, typer.Option("--writes", help="Of those names, only the routes that write.")] = False,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Move routes: edit the routes file, show what changes, ask, and apply."""
    require_reason(force=force, reason=reason)
    if reads and writes:
        raise UsageError("--reads and --writes leave nothing: choose one of them, or none for both.")
    kind = RouteKind.READS if reads else RouteKind.WRITES if writes else RouteKind.ALL
    rollout = rollout_recovered()
    routes = routes_select(rollout.running()[1].routes, names, kind=kind)
    edits = switch_edits(routes, stage=to, percent=percent, shadow=shadow, fallback=fallback)
    edited_apply(rollout, edits, Intent(command=command_typed(), reason=reason, force=force), yes=yes)
