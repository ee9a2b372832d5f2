"""`strangler schema guard`: may the pending migrations be deployed while this FastAPI runs?"""

import dataclasses
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.output import json_print, note, out, say
from strangler.cli.schema.inputs import ConsumerFile, ContractFile, ManageOption
from strangler.databases.connections import Source
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.process import StopRequested, StopSignals
from strangler.project import command_split
from strangler.schema.django_side import django_project
from strangler.schema.guard.guard import Guarded
from strangler.schema.guard.guard import guard as guard_run
from strangler.schema.guard.report import (
    WORDS,
    Finding,
    GuardReport,
    GuardVerdict,
    MigrationReversal,
    MigrationVerdict,
    Reversibility,
)
from strangler.settings import settings_load


def guard(
    consumer: ConsumerFile = None,
    contract: ContractFile = None,
    scratch: Annotated[
        str | None,
        typer.Option("--scratch", metavar="URL", help="A server to rehearse on; else a database beside the live one."),
    ] = None,
    manage: ManageOption = None,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", help="Copy so many rows of each table too, secrets masked.", min=0)
    ] = 0,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", help="How long a migration may take.", min=1)
    ] = 600,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rehearse the pending migrations on a clone of the schema: will the FastAPI that runs go on working?

    --consumer names the consumer file of the version that runs, where this checkout has a newer one. Exits with 0 safe,
    1 unsafe online, 3 it would break the running FastAPI, 4 not carried out.
    """
    settings = settings_load()
    if manage is not None:
        settings = settings.with_manage(command_split(manage))
    stack = LocalStack(settings)
    source = _source(stack)
    guarded = Guarded(
        source=source,
        running=settings.project.load_consumer(consumer),
        coming=settings.project.load_consumer(),
        contract=settings.project.load_contract(contract) if contract or manage is None else None,
        project=django_project(settings, stack.connections_resolve()),
        timeout=timeout,
        rows=rows,
    )
    try:
        with StopSignals() as signals:
            report = guard_run(guarded, server=scratch, notify=note, check=signals.check)
    except StopRequested:
        raise FailedError("stopped: the scratch database is gone again.") from None
    except UnsafeError as error:
        # Its exit code would say that the running FastAPI breaks.
        raise FailedError(str(error)) from error
    if as_json:
        json_print(_facts(report))
    else:
        report_print(report)
    raise typer.Exit(report.verdict)


def _source(stack: LocalStack) -> Source:
    try:
        return source_of(stack)
    except UsageError as error:
        if isinstance(error.__cause__, FailedError):
            raise FailedError(str(error)) from error
        raise


def _facts(report: GuardReport) -> dict[str, object]:
    facts = dataclasses.asdict(report)
    for entry, migration in zip(facts["migrations"], report.migrations, strict=True):
        entry["verdict"] = migration.verdict.name.lower()
    for entry, back in zip(facts["back"], report.back, strict=True):
        entry["verdict"] = back.verdict
    return {
        "verdict": report.verdict.name.lower(),
        "reversibility": report.reversibility if report.back else None,
        **facts,
    }


_STYLES: Final = {
    GuardVerdict.SAFE: "green",
    GuardVerdict.UNSAFE: "yellow",
    GuardVerdict.BREAKS: "bold red",
    GuardVerdict.INCONCLUSIVE: "red",
}

_BACK: Final = {
    Reversibility.SAFE: "is safe",
    Reversibility.LOSES: "loses what was written meanwhile",
    Reversibility.WRONG: "doesn't restore the schema",
}


def report_print(report: GuardReport) -> None:
    """Write a report for people."""
    if not report.migrations:
        say(f"No migration is pending on {report.database}.")
        return
    for migration in report.migrations:
        _migration(migration)
    for finding in report.inconclusive:
        _finding("?", finding)
    if report.back:
        say("Rolling back:")
        for back in report.back:
            _reversal(back)
    for sentence in report.notes:
        say(f"Note: {sentence}")
    _verdict(report)


def _migration(migration: MigrationVerdict) -> None:
    out.print(Text.assemble((migration.label, "bold"), "  ", (WORDS[migration.verdict], _STYLES[migration.verdict])))
    if migration.error:
        say(f"  it fails: {migration.error.rstrip('.')}{f' ({migration.hint})' if migration.hint else ''}.")
    reported: set[tuple[str, ...]] = set()
    for mark, findings in (("breaks", migration.breaks), ("unsafe", migration.unsafe)):
        for finding in findings:
            _finding(mark, finding)
            if finding.steps not in reported:
                _steps(finding.steps)
            reported.add(finding.steps)


def _steps(steps: tuple[str, ...]) -> None:
    """What to do instead; once for all that has the same way."""
    for number, step in enumerate(steps, start=1):
        say(f"    {number}. {step}")


def _finding(mark: str, finding: Finding) -> None:
    unsaid = [name for name in finding.features if name not in finding.sentence]
    features = f" [{', '.join(finding.features)}]" if unsaid else ""
    say(f"  {mark}: {finding.sentence}{features}")


def _reversal(back: MigrationReversal) -> None:
    say(f"  {back.label}  {_BACK[back.verdict]}")
    for finding in (*back.wrong, *back.losses):
        say(f"    {finding.sentence}")
    for finding in back.first:
        say(f"    Take FastAPI back first: {finding.sentence}")


def _verdict(report: GuardReport) -> None:
    breaks = sum(each.verdict is GuardVerdict.BREAKS for each in report.migrations)
    unsafe = sum(each.verdict is GuardVerdict.UNSAFE for each in report.migrations)
    count = len(report.migrations)
    sentence = {
        GuardVerdict.SAFE: "all are safe to deploy",
        GuardVerdict.UNSAFE: f"{unsafe} unsafe online; the running FastAPI goes on working",
        GuardVerdict.BREAKS: f"{breaks} would break the running FastAPI",
        GuardVerdict.INCONCLUSIVE: "the rehearsal is inconclusive",
    }[report.verdict]
    failed = "".join(f" {each.label} fails." for each in report.migrations if each.error)
    back = f" Rolling back {_BACK[report.reversibility]}." if report.back else ""
    pending = "1 migration is" if count == 1 else f"{count} migrations are"
    out.print(Text(f"{pending} pending on {report.database}: {sentence}.{failed}{back}", style=_STYLES[report.verdict]))
