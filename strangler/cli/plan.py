"""`strangler plan`: what would change if the routes file were applied."""

import json
from typing import Annotated, Any

import typer

from strangler.cli.output import out, say
from strangler.cli.rolling import DONE, rollout_read
from strangler.rollout.rollout import Wanted


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """Show how the routes file differs from what runs; changes nothing, and exits with 1 if it differs."""
    rollout, interrupted = rollout_read()
    wanted = rollout.prepare(rollout.target.file_content())
    if as_json:
        out.out(json.dumps(_as_json(wanted) | {"recovery_due": interrupted is not None}, indent=2, ensure_ascii=False))
    elif wanted.plan.empty:
        say(DONE)
    else:
        for line in wanted.plan.lines():
            say(line)
        for reason in wanted.unsafe:
            say(f"unsafe: {reason}")
        if not interrupted:
            say(f"strangler apply --plan {wanted.plan.checksum} makes it so")
    raise SystemExit(0 if wanted.plan.empty else 1)


def _as_json(wanted: Wanted) -> dict[str, Any]:
    return {
        "checksum": wanted.plan.checksum,
        "changes": [change.as_json() | {"lines": change.lines} for change in wanted.plan.changes],
        "notes": wanted.plan.notes,
        "rendered_anew": wanted.plan.rendered_anew,
        "unsafe": wanted.unsafe,
    }
