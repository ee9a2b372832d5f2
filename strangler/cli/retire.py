"""`strangler retire`: announce the end of v1 of routes, and end it."""

import datetime as dt
from typing import Annotated

import typer

from strangler.cli.moves import Force, Names, Reason, Yes, edited_apply, intent_typed, rollout_recovered
from strangler.errors import UsageError
from strangler.rollout.edits import retire_edits, routes_select
from strangler.rollout.history import utc_now


def retire(
    names: Names,
    sunset: Annotated[
        str | None, typer.Option("--sunset", metavar="DATE", help="Announce this day (UTC) as the end of v1.")
    ] = None,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Announce the end of v1 of routes with --sunset, or end it once that day has come.

    Ends v1 by default: it then answers 410 with a Link to v2. Refused before the sunset day (exit code 3).

    Example: strangler retire feed.list --sunset 2027-01-31
    """
    intent = intent_typed(force=force, reason=reason)
    rollout, _ = rollout_recovered()
    routes = routes_select(rollout.running()[1].routes, names)
    edits = retire_edits(routes, sunset=_day(sunset), today=utc_now().date(), forced=intent.forced)
    edited_apply(rollout, edits, intent, yes=yes)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--sunset {text} is no day", "write it as 2027-01-31") from error
