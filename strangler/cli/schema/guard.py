"""`strangler schema guard`: may the pending migrations be deployed while this FastAPI runs?"""

import dataclasses
import json
from typing import Annotated

import typer

from strangler.cli.output import note, out
from strangler.cli.schema.files import ConsumerFile, ContractFile
from strangler.cli.schema.guarding import report_print
from strangler.databases.source import Source
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.process import StopRequested, StopSignals
from strangler.project import command_split
from strangler.schema.django_side import django_project
from strangler.schema.guard.guard import Guarded
from strangler.schema.guard.guard import guard as guard_run
from strangler.schema.guard.report import Report
from strangler.settings import settings_load


def guard(
    consumer: ConsumerFile = None,
    contract: ContractFile = None,
    scratch: Annotated[
        str | None,
        typer.Option("--scratch", metavar="URL", help="A server to rehearse on; else a database beside the live one."),
    ] = None,
    manage: Annotated[
        str | None, typer.Option("--manage", metavar="COMMAND", help="Another manage.py than the project file names.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
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
    )
    try:
        with StopSignals() as signals:
            report = guard_run(guarded, server=scratch, tell=note, check=signals.check)
    except StopRequested:
        raise FailedError("stopped: the scratch database is gone again.") from None
    except UnsafeError as error:
        # Its exit code would say that the running FastAPI breaks.
        raise FailedError(str(error)) from error
    if as_json:
        out.out(json.dumps(_facts(report), indent=2, ensure_ascii=False))
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


def _facts(report: Report) -> dict[str, object]:
    facts = dataclasses.asdict(report)
    for judged, migration in zip(facts["migrations"], report.migrations, strict=True):
        judged["verdict"] = migration.verdict.name.lower()
    for told, back in zip(facts["back"], report.back, strict=True):
        told["verdict"] = back.verdict
    return {"verdict": report.verdict.name.lower(), "way_back": report.way_back if report.back else None, **facts}
