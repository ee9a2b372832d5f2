"""`strangler modernise …`: changes of the schema under traffic, a stage at a time."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import zip_longest
from typing import Annotated, Final

import typer

from strangler.cli.groups import command_group
from strangler.cli.moves import DONE, Force, Reason, Yes, confirm, intent_typed
from strangler.cli.output import json_print, note, say, table_print
from strangler.deployment.modernise import modernisation_open
from strangler.errors import UsageError, many
from strangler.handover.execution import LockPatience
from strangler.handover.steps import Action, Step, Work
from strangler.modernise.index_advice import Advice, Gain, advice_write, index_advice
from strangler.modernise.modernisation import Modernisation, modernise_status
from strangler.modernise.modernise import StageIntent, modernise_back, modernise_next
from strangler.modernise.planning import Outlook, modernise_plan
from strangler.modernise.replicas import ReplicaPatience
from strangler.modernise.rows import CHUNK_ROWS, Pace
from strangler.modernise.stages import STAGES
from strangler.settings import settings_load

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The operation: modernise/NAME.toml beside the project file.")
]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", metavar="SECONDS", min=0.05, help="How long one try waits for a lock.")
]
Tries = Annotated[int, typer.Option("--tries", min=1, help="How often a lock is tried, with waits between.")]
Rows = Annotated[int, typer.Option("--rows", metavar="N", min=1, help="Rows that a transaction of the backfill takes.")]
ReplicaLag = Annotated[
    int, typer.Option("--replica-lag", metavar="MB", min=1, help="Wait for replicas that are further behind, a minute.")
]
Pause = Annotated[float, typer.Option("--pause", metavar="SECONDS", min=0, help="Wait between two of those.")]
# Of the statements that want an index, so many are shown.
_SHOWN: Final = 5
_WORKS: Final = {
    "backfill": "-- in chunks: UPDATE {work.table} SET {work.assignment} WHERE {work.condition}",
    "compare": "-- in chunks: no row of {work.table} WHERE {work.condition}",
    "archive": "-- to a file that is read back: COPY (SELECT {work.columns} FROM {work.table})",
}


def plan(
    name: Name,
    with_sql: Annotated[bool, typer.Option("--sql", help="Print the statements of each stage.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is left of an operation, and which service each stage would break today.

    Rehearses the stages on a clone of the schema, there, back and there again, and changes nothing. Exits with 1 if
    there is something to do, 3 if a service would not survive the next stage.

    Example: strangler modernise plan rename_body --sql
    """
    found = modernise_plan(_open(), name)
    if as_json:
        json_print({"checksum": found.plan.checksum, **asdict(found)})
    else:
        _show(found, with_sql=with_sql)
    if not found.stages:
        raise SystemExit(0)
    raise SystemExit(3 if found.stages[0].breaks or found.plan.unsafe else 1)


def next_(
    name: Name,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
    lock_timeout: LockTimeout = 1.0,
    tries: Tries = 15,
    rows: Rows = CHUNK_ROWS,
    pause: Pause = 0.01,
    replica_lag: ReplicaLag = 64,
) -> None:
    """Go on to the end of the next stage, or of one that was interrupted.

    Refused where a running service would not survive it.

    Example: strangler modernise next rename_body --yes
    """
    typed = intent_typed(force=force, reason=reason)
    intent = StageIntent(command=typed.command, reason=reason, forced=typed.forced)
    patience = LockPatience(timeout=lock_timeout, tries=tries)
    pace = Pace(rows=rows, pause=pause, replicas=ReplicaPatience(bytes=replica_lag << 20))
    modernisation = _open(patience=patience, throttle=pace)
    if not yes:
        confirm(f"go on with {name}?")
    entry = modernise_next(modernisation, name, intent=intent)
    if entry is None:
        say(DONE)
        return
    say(f"{entry.steps[0]}, in {entry.seconds:.2f} s")
    stage = entry.steps[0].partition(":")[0]
    if stage == STAGES[-1]:
        say(f"{name} is done; what was dropped is in {modernisation.folder(name).archives}")
    else:
        following = STAGES[STAGES.index(stage) + 1]
        say(f"{following} is next; strangler modernise back {name} takes {stage} back")


def back(
    name: Name,
    yes: Yes = False,
    force: Force = False,
    reason: Reason = "",
    lock_timeout: LockTimeout = 1.0,
    tries: Tries = 15,
) -> None:
    """Undo the last stage of an operation, or one that was interrupted.

    Refused where a running service would not survive it, and after contract.

    Example: strangler modernise back rename_body --yes
    """
    typed = intent_typed(force=force, reason=reason)
    intent = StageIntent(command=typed.command, reason=reason, forced=typed.forced)
    modernisation = _open(patience=LockPatience(timeout=lock_timeout, tries=tries))
    if not yes:
        confirm(f"take the last stage of {name} back?")
    entry = modernise_back(modernisation, name, intent=intent)
    say(f"taken back in {entry.seconds:.2f} s: {entry.steps[0]}")


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show where each operation stands.

    Example: strangler modernise status
    """
    found = modernise_status(_open())
    if as_json:
        json_print([asdict(each) for each in found])
        return
    rows = []
    for each in found:
        interrupted = f"{each.interrupted} interrupted" if each.interrupted else ""
        percent = f" at {each.percent} %" if each.interrupted and each.percent is not None else ""
        rows.append([each.name, each.done or "-", each.next_stage or "-", interrupted + percent, each.title])
    table_print(["NAME", "DONE", "NEXT", "", "OPERATION"], rows, whole={"NAME"})


def indexes(
    write: Annotated[
        bool, typer.Option("--write", help="Write an operation for each, which strangler modernise next NAME builds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the indexes that FastAPI's statements want, measured on a clone of their tables with all rows.

    Exits with 1 if there are some.

    Example: strangler modernise indexes --write
    """
    modernisation = _open()
    if (consumer := modernisation.services.consumer) is None:
        raise UsageError("there is no consumer file", "name it in the project file: consumer under [files]")
    advice = index_advice(modernisation.source, consumer, notify=note)
    written = [advice_write(modernisation.files, each) for each in advice.indexes] if write else []
    if as_json:
        json_print({**asdict(advice), "written": written})
    else:
        _show_indexes(advice, written)
    raise SystemExit(1 if advice.indexes else 0)


def _show_indexes(advice: Advice, written: list[str]) -> None:
    for each, name in zip_longest(advice.indexes, written):
        instead = f", instead of {each.replaces}" if each.replaces else ""
        say(f"{each.table}  {each.definition}{instead}: {each.size // 1024:,} kB, built in {each.seconds:.2f} s")
        for gain in each.gains[:_SHOWN]:
            say(f"    {_gain(gain)}")
        if len(each.gains) > _SHOWN:
            say(f"    and {many(len(each.gains) - _SHOWN, 'statement')} more")
        if name is not None:
            say(f"    strangler modernise next {name} builds it")
    wanting = len({(gain.feature, gain.statement) for each in advice.indexes for gain in each.gains})
    say(f"{wanting} of {many(advice.measured, 'statement')} want an index that is not there")
    for gain in advice.slower:
        say(f"slower with them: {_gain(gain)}")
    for sentence in advice.left_out:
        note(f"not measured: {sentence}")


def _gain(gain: Gain) -> str:
    times = f"{gain.before.milliseconds:.2f} → {gain.after.milliseconds:.2f} ms"
    return f"{times}, {gain.before.blocks:,} → {gain.after.blocks:,} blocks  {gain.feature}: {gain.statement}"


_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "plan": plan,
    "next": next_,
    "back": back,
    "status": status,
    "indexes": indexes,
}


def group(names: Iterable[str] = ()) -> typer.Typer:
    """The group with those commands that `names` name; with all where it names none."""
    return command_group(_COMMANDS, names, about="Change the schema under traffic, a stage at a time.")


def _open(*, patience: LockPatience | None = None, throttle: Pace | None = None) -> Modernisation:
    return modernisation_open(settings_load(), patience=patience, throttle=throttle)


def _show(found: Outlook, *, with_sql: bool) -> None:
    for sentence in found.plan.unsafe:
        say(f"unsafe: {sentence}")
    for outlook in found.stages:
        say(f"{outlook.stage.kind:<9} {outlook.stage.title}")
        for line in _lines(outlook.stage) if with_sql else ():
            say(f"          {line}")
        for sentence in outlook.breaks:
            say(f"          refused today: {sentence}")
    for sentence in found.plan.notes:
        note(sentence)
    if not found.stages:
        say(DONE)


def _lines(stage: Step) -> list[str]:
    return [line for action in stage.actions for statement in _statements(action) for line in statement.splitlines()]


def _statements(action: Action) -> list[str]:
    return [*([] if action.work is None else [_work(action.work)]), *(f"{each};" for each in action.statements)]


def _work(work: Work) -> str:
    return _WORKS[work.kind].format(work=work)
