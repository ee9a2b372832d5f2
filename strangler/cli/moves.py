"""What the commands that move routes have in common: the options, the plan, the question."""

import sys
from collections.abc import Callable
from typing import Annotated, Final

import typer

from strangler.cli.output import note, out, say
from strangler.deployment.open import rollout_open
from strangler.errors import UsageError
from strangler.rollout.apply import Intent, rollout_apply, rollout_recover
from strangler.rollout.edits import Edits
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import Journal
from strangler.routes.editing import routes_edit
from strangler.settings import settings_load

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Force = Annotated[bool, typer.Option("--force", help="Go ahead with what is refused as unsafe; needs --reason.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the history.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Names of routes, such as posts.list or 'posts.*'.")]

DONE: Final = "nothing to do"


def rollout_read() -> tuple[Rollout, Journal | None]:
    """The moves of this checkout's gateway, for a command that changes nothing, and the interrupted apply, if any."""
    rollout = rollout_open(settings_load(), tell=note)
    interrupted = rollout.folder.interrupted()
    if interrupted:
        note(interrupted.notice)
    return rollout, interrupted


def rollout_recovered() -> Rollout:
    """The moves of this checkout's gateway, for a command that applies; an interrupted apply was taken back."""
    rollout = rollout_open(settings_load(), tell=note)
    rollout_recover(rollout)
    return rollout


def command_typed() -> str:
    """The command as the operator typed it, for the history."""
    return " ".join(sys.argv[1:])


def require_reason(*, force: bool, reason: str) -> None:
    """:raises UsageError: somebody insists and doesn't say why."""
    if force and not reason:
        raise UsageError("--force needs --reason TEXT: say why, for those who read the history.")


def plan_apply(rollout: Rollout, content: bytes, intent: Intent, *, yes: bool, checksum: str | None = None) -> None:
    """Show the plan that leads to `content`, ask, and apply it; `checksum` is that of a plan seen before.

    :raises UnsafeError: the plan might do harm and nobody insists.
    """
    proposal = rollout.propose(content)
    if proposal.plan.empty and checksum in {None, proposal.plan.checksum}:
        say(DONE)
        return
    for line in proposal.plan.lines():
        say(line)
    proposal.require_safe(forced=intent.forced)
    for reason in proposal.unsafe:
        say(f"unsafe, and forced: {reason}")
    if checksum is None and not yes:
        _ask(f"apply plan {proposal.plan.checksum}?")
    entry = rollout_apply(rollout, content, checksum=checksum or proposal.plan.checksum, intent=intent)
    say(f"applied as {entry.number} in {entry.seconds:.2f} s; strangler rollback takes it back")


def edited_apply(rollout: Rollout, edits: Edits, intent: Intent, *, yes: bool) -> None:
    """Apply the routes file with these keys set.

    :raises UsageError: the file has changes of somebody else's that aren't applied.
    """
    content = rollout.file_content()
    if rollout.propose(content).plan.edited:
        name = rollout.routes_file.name
        raise UsageError(f"{name} has changes that aren't applied: see strangler plan, and strangler apply first.")
    edited = routes_edit(content.decode(), edits).encode()
    plan_apply(rollout, edited, intent, yes=yes)


def _ask(question: str, *, answer: Callable[[], bool] = sys.stdin.isatty) -> None:
    if not answer():
        raise UsageError("nobody is there to say yes: add --yes.")
    if not typer.confirm(question):
        out.print("left as it is")
        raise SystemExit(0)
