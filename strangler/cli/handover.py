"""`strangler handover …`: Alembic takes over the schema from Django, and gives it back."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from strangler.cli.groups import command_group
from strangler.cli.moves import DONE, Force, Reason, Yes, confirm, intent_typed
from strangler.cli.output import json_print, note, say
from strangler.deployment.handover import handover_open
from strangler.errors import UsageError
from strangler.handover.handover import (
    HandoverIntent,
    handover_apply,
    handover_resume,
    handover_rollback,
    handover_verify,
)
from strangler.handover.plan import Handover, HandoverPlan, handover_plan
from strangler.handover.steps import Step
from strangler.handover.table_steps import KINDS
from strangler.settings import settings_load

Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="KIND", help=f"Leave steps of a kind out: {', '.join(KINDS)}."),
]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", metavar="SECONDS", min=0.05, help="How long one try waits for a lock.")
]
Tries = Annotated[int, typer.Option("--tries", min=1, help="How often a lock is tried, with waits between.")]
_CHECKS: Final = (
    "a CHECK also refuses what Django's save() has let through, since that doesn't validate; "
    "--without checks leaves them out"
)


def plan(
    without: Without = None,
    with_sql: Annotated[bool, typer.Option("--sql", help="Print the statements of each step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what strangler handover apply would change, and what PostgreSQL can't keep.

    Rehearses the steps on a clone of the schema, there and back, compares it with what Django's migrations make, and
    changes nothing. Exits with 1 if there is something to do, 3 if the starting state isn't clean.

    Example: strangler handover plan --sql
    """
    found = handover_plan(_open(), without=_kinds(without))
    if as_json:
        json_print(_as_json(found))
    else:
        _show(found, with_sql=with_sql)
        if not found.unclean:
            force = " --force --reason TEXT" if found.drift else ""
            say(f"strangler handover apply --plan {found.checksum}{force} makes it so")
    raise SystemExit(3 if found.unclean else 1)


def apply(
    checksum: Annotated[
        str | None,
        typer.Option("--plan", metavar="CHECKSUM", help="Apply this plan without confirmation; refused if stale."),
    ] = None,
    without: Without = None,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
    lock_timeout: LockTimeout = 1.0,
    tries: Tries = 15,
) -> None:
    """Put into PostgreSQL what Django keeps in Python, and make Alembic the owner of the schema.

    Goes on with an apply that was interrupted. Django works unchanged afterwards, but for migrate and makemigrations.

    Example: strangler handover apply --plan 1f0c3a99b2
    """
    typed = intent_typed(force=force, reason=reason)
    intent = HandoverIntent(command=typed.command, reason=reason, forced=typed.forced)
    handover = _open(lock_timeout=lock_timeout, tries=tries)
    if handover.folder.read() is not None:
        entry = handover_resume(handover)
        if entry is None:
            say(DONE)
            return
    else:
        found = handover_plan(handover, without=_kinds(without))
        _show(found, with_sql=False)
        if checksum is None and not yes and not found.unclean:
            confirm(f"apply plan {found.checksum}?")
        entry = handover_apply(handover, found, checksum=checksum or found.checksum, intent=intent)
    say(f"applied in {entry.seconds:.2f} s, Alembic owns the schema; {handover.alembic.name}/ belongs into git")
    say("prove it with strangler handover verify; strangler handover rollback takes it back")


def verify(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Prove that Alembic makes the schema that Django left.

    In fresh databases: Django's migrations and the steps against Alembic's baseline, and Alembic's head against the
    live one. Exits with 1 if something differs.

    Example: strangler handover verify
    """
    found = handover_verify(_open())
    if as_json:
        json_print(found)
    for name, sentences in {} if as_json else found.items():
        say(f"{len(sentences) or 'ok':<4}{name}")
        for sentence in sentences:
            say(f"    {sentence}")
    raise SystemExit(1 if any(found.values()) else 0)


def rollback(
    yes: Yes = False,
    reason: Reason = "",
    lock_timeout: LockTimeout = 1.0,
    tries: Tries = 15,
) -> None:
    """Give the schema back to Django, byte for byte as it was.

    Refused once Alembic has gone on or the schema has changed. Goes on with a rollback that was interrupted, and takes
    back an apply that was.

    Example: strangler handover rollback --yes
    """
    handover = _open(lock_timeout=lock_timeout, tries=tries)
    if not yes:
        confirm("give the schema back to Django?")
    typed = intent_typed(force=False, reason=reason)
    entry = handover_rollback(handover, intent=HandoverIntent(command=typed.command, reason=reason))
    say(f"rolled back in {entry.seconds:.2f} s, Django owns the schema again")


_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "plan": plan,
    "apply": apply,
    "verify": verify,
    "rollback": rollback,
}


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group with those commands that `names` name; with all where it names none."""
    return command_group(_COMMANDS, names, about="Let Alembic take over the schema from Django.")


def _open(*, lock_timeout: float = 1.0, tries: int = 15) -> Handover:
    return handover_open(settings_load(), lock_timeout=lock_timeout, tries=tries)


def _kinds(without: list[str] | None) -> tuple[str, ...]:
    for kind in without or ():
        if kind not in KINDS:
            raise UsageError(f"--without {kind!r} is no kind of step", f"write one of {', '.join(KINDS)}")
    return tuple(without or ())


def _show(found: HandoverPlan, *, with_sql: bool) -> None:
    for sentence in found.unclean:
        say(f"not clean: {sentence}")
    for sentence in found.drift:
        say(f"unsafe: {sentence}")
    for number, step in enumerate(found.steps.steps, 1):
        say(f"{number:>3}  {step.kind:<10} {step.title}")
        for statement in _statements(step) if with_sql else ():
            say(f"       {statement};")
    if any(step.kind == "checks" for step in found.steps.steps):
        note(_CHECKS)
    for sentence in found.steps.unkept:
        note(f"not kept: {sentence}")


def _statements(step: Step) -> list[str]:
    return [statement for action in step.actions for statement in action.statements]


def _as_json(found: HandoverPlan) -> dict[str, Any]:
    return {
        "checksum": found.checksum,
        "unclean": found.unclean,
        "unsafe": found.drift,
        "steps": [asdict(step) for step in found.steps.steps],
        "not_kept": found.steps.unkept,
    }
