"""`strangler plan`: what would change if the routes file were applied."""

from typing import Annotated, Any

import typer

from strangler.cli.moves import DONE, rollout_read
from strangler.cli.output import json_print, note, say
from strangler.rollout.rollout import Proposal


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what strangler apply would change.

    Compares the routes file with what runs, changes nothing, and exits with 1 if they differ.

    Example: strangler plan --json
    """
    rollout, interrupted = rollout_read()
    proposal = rollout.propose(rollout.file_content())
    if as_json:
        json_print(_as_json(proposal) | {"recovery_due": interrupted is not None})
    elif proposal.plan.empty:
        say(DONE)
    else:
        for line in proposal.plan.lines():
            say(line)
        for reason in proposal.unsafe:
            say(f"unsafe: {reason}")
        for sentence in proposal.notes:
            note(sentence)
        if not interrupted:
            say(f"strangler apply --plan {proposal.plan.checksum} makes it so")
    raise SystemExit(0 if proposal.plan.empty else 1)


def _as_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "checksum": proposal.plan.checksum,
        "changes": [change.as_json() | {"lines": change.lines} for change in proposal.plan.changes],
        "notes": proposal.plan.notes,
        "rendered_anew": proposal.plan.rendered_anew,
        "unsafe": proposal.unsafe,
    }
