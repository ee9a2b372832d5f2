"""`strangler apply`: apply the routes file."""

from typing import Annotated

import typer

from strangler.cli.moves import Force, Reason, Yes, intent_typed, plan_apply, rollout_recovered


def apply(
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="CHECKSUM", help="Apply this plan without confirmation; refused if stale."),
    ] = None,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Apply the routes file, such as one that was edited by hand or merged by git.

    Shows the plan and asks by default. Restores first what ran before an interrupted change.

    Example: strangler apply --plan e09ca2cce7
    """
    intent = intent_typed(force=force, reason=reason)
    rollout, _ = rollout_recovered()
    plan_apply(rollout, rollout.file_content(), intent, yes=yes, checksum=plan)
