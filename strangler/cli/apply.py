"""`strangler apply`: make the routes file what runs."""

from typing import Annotated

import typer

from strangler.cli.moves import Force, Reason, Yes, command_typed, plan_apply, require_reason, rollout_recovered
from strangler.rollout.apply import Intent


def apply(
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="CHECKSUM", help="Apply this very plan without asking; refused if it changed."),
    ] = None,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Apply the routes file as it is, edited by hand or merged by git."""
    require_reason(force=force, reason=reason)
    rollout = rollout_recovered()
    intent = Intent(command=command_typed(), reason=reason, force=force)
    plan_apply(rollout, rollout.file_content(), intent, yes=yes, checksum=plan)
