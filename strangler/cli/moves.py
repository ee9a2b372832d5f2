"""What the commands that apply have in common: options, plan, confirmation."""

import sys
from dataclasses import replace
from typing import Annotated, Final

import typer

from strangler.cli.output import note, out, say
from strangler.deployment.open import rollout_open
from strangler.errors import StalePlanError, UnsafeError, UsageError
from strangler.rollout.apply import Intent, rollout_apply, rollout_recover
from strangler.rollout.edits import Edits
from strangler.rollout.history import HistoryEntry
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import Journal
from strangler.routes.editing import routes_edit
from strangler.routes.route import Route
from strangler.settings import settings_load

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without confirmation.")]
Force = Annotated[bool, typer.Option("--force", help="Apply a plan that is refused as unsafe; requires --reason.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Record why in the history.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Routes, such as posts.list or 'posts.*'.")]

DONE: Final = "nothing to do"


def rollout_read() -> tuple[Rollout, Journal | None]:
    """The rollout of the project, for a command that changes nothing, and the interrupted apply, if any."""
    rollout = rollout_open(settings_load())
    interrupted = rollout.folder.interrupted()
    if interrupted:
        note(interrupted.notice)
    return rollout, interrupted


def rollout_recovered() -> tuple[Rollout, HistoryEntry | None]:
    """The rollout of the project, for a command that applies, and the interrupted apply that it recovered from."""
    rollout = rollout_open(settings_load())
    return rollout, rollout_recover(rollout)


def intent_typed(*, force: bool, reason: str) -> Intent:
    """The command as the operator typed it, with its reason, for the history.

    :raises UsageError: --force is without a reason.
    """
    if force and not reason:
        raise UsageError("--force needs --reason TEXT", "say why, the history keeps it")
    return Intent(command=" ".join(sys.argv[1:]), reason=reason, force=force)


def plan_apply(rollout: Rollout, content: bytes, intent: Intent, *, yes: bool, checksum: str | None = None) -> None:
    """Show the plan that leads to `content`, confirm, and apply it; `checksum` is that of a plan seen before.

    :raises UnsafeError: the plan is unsafe and not forced.
    :raises StalePlanError: another change was applied meanwhile.
    """
    rollout.require_django()
    proposal = rollout.propose(content)
    if proposal.plan.empty and checksum in {None, proposal.plan.checksum}:
        say(DONE)
        return
    for line in proposal.plan.lines():
        say(line)
    for sentence in () if intent.is_back else proposal.notes:
        note(sentence)
    proposal.require_safe(forced=intent.forced or intent.is_back)
    for reason in () if intent.is_back else proposal.unsafe:
        say(f"unsafe, and forced: {reason}")
    if checksum is None and not yes:
        confirm(f"apply plan {proposal.plan.checksum}?")
    entry = rollout_apply(rollout, content, checksum=checksum or proposal.plan.checksum, intent=intent)
    back = "; strangler rollback takes it back" if entry.returns_to is None else ""
    say(f"applied as {entry.number} in {entry.seconds:.2f} s{back}")


def edited_apply(rollout: Rollout, edits: Edits, intent: Intent, *, yes: bool) -> None:
    """Apply the routes file with these keys set; planned anew when others apply changes of other routes meanwhile.

    :raises UsageError: the file has other changes that aren't applied.
    :raises UnsafeError: the plan is unsafe and not forced, or others move the same routes.
    """
    seen: list[Route] | None = None
    while True:
        # An apply under way has written its file before it is in the history.
        with rollout.folder.locked():
            content = rollout.file_content()
            found = rollout.propose(content)
        if found.plan.edited:
            pending = f"{rollout.routes_file.name} has changes that aren't applied"
            raise UsageError(pending, "review them with strangler plan, and run strangler apply first")
        running = [route for route in found.running.routes if route.name in edits]
        if seen is not None and seen != running:
            others = f"somebody else has just moved {' and '.join(edits)}"
            raise UnsafeError(others, "look at strangler routes, and run it again")
        seen = running
        try:
            plan_apply(rollout, routes_edit(content.decode(), edits).encode(), intent, yes=yes)
        except StalePlanError:
            note("another change was applied meanwhile: planning anew")
        else:
            return


def back_apply(rollout: Rollout, content: bytes, intent: Intent, *, yes: bool) -> None:
    """Apply what ran before; edits that were never applied are kept aside, since `content` replaces the file.

    :raises UnsafeError: a route would move towards FastAPI, which is unsafe and not forced.
    """
    found = rollout.file_content()
    if found != rollout.running()[0]:
        kept = rollout.folder.set_aside(found)
        note(f"{rollout.routes_file.name} has edits that were never applied: they are kept as {kept}")
    # What ran before is no risk, and a rollback is urgent; unless what ran before was FastAPI.
    is_back = not any(change.towards_fastapi for change in rollout.propose(content).plan.changes)
    plan_apply(rollout, content, replace(intent, is_back=is_back), yes=yes)


def confirm(question: str) -> None:
    """Ask; a no ends the command, and nothing was changed.

    :raises UsageError: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal", "pass --yes")
    if not typer.confirm(question):
        out.print("nothing was changed")
        raise SystemExit(0)
