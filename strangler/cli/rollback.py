"""`strangler rollback`: bring back what ran before, or take routes back to Django."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from strangler.cli.moves import Force, Reason, Yes, back_apply, intent_typed, rollout_recovered
from strangler.cli.output import say
from strangler.errors import UsageError
from strangler.rollout.edits import back_edits, django_edits, routes_select
from strangler.rollout.rollout import Rollout
from strangler.routes.editing import routes_edit


def rollback(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Routes; by default the whole last change.")
    ] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="Return to the state after change N of the history."),
    ] = None,
    all_to_django: Annotated[
        bool, typer.Option("--all-to-django", help="Let Django answer everything, at once and without confirmation.")
    ] = False,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Return to what ran before the last change, byte for byte; or take routes back to Django.

    Goes one step back by default; called again, one step further. With names, each route returns to where it last was
    nearer to Django. Never refused as unsafe, unless a route would move towards FastAPI.

    Example: strangler rollback feed.list --yes
    """
    if (names is not None) + (to is not None) + all_to_django > 1:
        raise UsageError("NAME, --to and --all-to-django exclude each other", "pass one of them")
    rollout, interrupted = rollout_recovered()
    if interrupted and to is None and not names and not all_to_django:
        say("what ran before the interrupted change runs again; strangler rollback goes one step further back")
        return
    returns_to = None
    if all_to_django:
        content, why = _edited(rollout), "everything to Django"
    elif names:
        content, why = _edited(rollout, names), "back towards Django"
    else:
        entry = rollout.entry(to)
        returns_to, content, why = entry.number, rollout.folder.state(entry.after.routes), f"return to {entry.number}"
    intent = intent_typed(force=force, reason=reason)
    intent = replace(intent, reason=reason or why, returns_to=returns_to)
    back_apply(rollout, content, intent, yes=yes or all_to_django)


def _edited(rollout: Rollout, names: Sequence[str] = ()) -> bytes:
    """The routes that run, the named ones where they last were nearer to Django; without names all Django's."""
    content, table = rollout.running()
    if not names:
        edits = django_edits(table.routes)
    else:
        edits = back_edits(routes_select(table.routes, names), rollout.earlier())
    return routes_edit(content.decode(), edits).encode()
