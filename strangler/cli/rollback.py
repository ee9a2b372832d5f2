"""`strangler rollback`: bring back what ran before."""

from dataclasses import replace
from typing import Annotated

import typer

from strangler.cli.moves import Reason, Yes, intent_typed, plan_apply, rollout_recovered
from strangler.cli.output import note, say
from strangler.rollout.rollout import Rollout


def rollback(
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="Return to the state after change N of the history."),
    ] = None,
    yes: Yes = False,
    reason: Reason = "",
) -> None:
    """Return to what ran before the last change, byte for byte.

    Goes one step back by default; called again, one step further. A rollback is never refused as unsafe.

    Example: strangler rollback --yes
    """
    rollout, interrupted = rollout_recovered()
    if interrupted and to is None:
        say("what ran before the interrupted change runs again; strangler rollback goes one step further back")
        return
    entry = rollout.entry(to)
    content = rollout.folder.state(entry.after.routes)
    _set_aside(rollout)
    # Never refused as unsafe: it ran before, and a rollback is urgent.
    intent = intent_typed(force=True, reason=reason or f"return to {entry.number}")
    plan_apply(rollout, content, replace(intent, returns_to=entry.number), yes=yes)


def _set_aside(rollout: Rollout) -> None:
    """Save edits of the routes file that were never applied, since the rollback replaces the file."""
    found = rollout.file_content()
    if found != rollout.running()[0]:
        kept = rollout.folder.set_aside(found)
        note(f"{rollout.routes_file.name} has edits that were never applied: they are kept as {kept}")
