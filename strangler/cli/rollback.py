"""`strangler rollback`: bring back what ran before."""

from typing import Annotated

import typer

from strangler.cli.moves import Reason, Yes, command_typed, plan_apply
from strangler.cli.output import note, say
from strangler.deployment.open import rollout_open
from strangler.errors import UsageError
from strangler.rollout.apply import Intent, rollout_recover
from strangler.rollout.history import HistoryEntry, step_back
from strangler.rollout.rollout import Rollout
from strangler.settings import settings_load


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
    rollout = rollout_open(settings_load(), tell=note)
    if rollout_recover(rollout) and to is None:
        say("what ran before the interrupted change runs again; strangler rollback goes one step further back")
        return
    entry = rollout.entry(to) if to is not None else _step_back(rollout)
    content = rollout.folder.state(entry.after.routes)
    _set_aside(rollout)
    # Never refused as unsafe: it ran before, and a rollback is urgent.
    intent = Intent(
        command=command_typed(), reason=reason or f"return to {entry.number}", force=True, returns_to=entry.number
    )
    plan_apply(rollout, content, intent, yes=yes)


def _step_back(rollout: Rollout) -> HistoryEntry:
    entry = step_back(rollout.entries())
    if entry is None:
        raise UsageError("there is nothing to roll back to", "list what was applied with strangler history")
    return entry


def _set_aside(rollout: Rollout) -> None:
    """Save edits of the routes file that were never applied, since the rollback replaces the file."""
    found = rollout.file_content()
    if found != rollout.running()[0]:
        kept = rollout.folder.set_aside(found)
        rollout.tell(f"{rollout.routes_file.name} has edits that were never applied: they are kept as {kept}")
