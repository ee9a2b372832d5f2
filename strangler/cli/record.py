"""`strangler record`: what v1 answers, for the time when it is no more."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer

from strangler.cli.comparison_run import passwords, scenarios_recorded, sides_of, signer_of
from strangler.cli.output import say
from strangler.compare.case import Scenario
from strangler.compare.client.client import Limits
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.recorded.record import answers_record
from strangler.compare.recorded.recording import Recording
from strangler.compare.run import RequestOptions
from strangler.compare.writes.sandboxes import SandboxMaker
from strangler.errors import FailedError, UsageError
from strangler.sections import SignInSection
from strangler.settings import LocalSettings, settings_load

DEFAULT_FILE: Final = "recorded.json"


def record(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help=f"By default {DEFAULT_FILE} beside the project file.")
    ] = None,
    cases: Annotated[
        list[Path] | None,
        typer.Option("--cases", metavar="DIR", help="Case files; by default the project's, and those generated."),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.01, help="Seconds to wait for a response.")] = 30.0,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Limit a body's size, in bytes.")] = 10_000_000,
) -> None:
    """Play the cases on Django alone, on copies of the database, and write its answers and rows into a file.

    The file is for review, and for strangler compare --recorded. Example: strangler record --to recorded.json
    """
    settings = settings_load()
    file = to or settings.project.root / DEFAULT_FILE
    if not file.parent.is_dir() or file.is_dir():
        raise UsageError(f"{file} can't be written", "name a file in a folder that is there")
    scenarios = scenarios_recorded(cases or settings.project.case_folders, settings.project.load_routes())
    options = RequestOptions(
        limits=Limits(concurrency=1, timeout=timeout, body_bytes=max_body),
        sign_in=settings.project.sign_in or SignInSection(path="/"),
        password=passwords((), sides_of(None, None, (), settings), settings),
        signer=signer_of(settings),
    )
    recording = _recorded(scenarios, options, settings)
    try:
        recording.save(file)
    except OSError as error:
        raise FailedError(f"{file} can't be written ({error.strerror})", "name another file with --to") from error
    steps = [step for each in recording.scenarios.values() for step in each]
    skipped = Counter(step.skipped for step in steps if step.skipped)
    say(f"{sum(len(step.answers) for step in steps)} answers of {len(recording.scenarios)} scenarios in {file}")
    for reason, count in skipped.most_common():
        say(f"left out: {count} {reason}")


def _recorded(scenarios: tuple[Scenario, ...], options: RequestOptions, settings: LocalSettings) -> Recording:
    # What they need is not in the image of the tool.
    from strangler.deployment.source import source_open

    with source_open(settings) as (source, starting):
        maker = SandboxMaker(
            source=source,
            rules=Rules(DeclaredDifferences(())),
            options=options,
            logs=settings.state_dir / "record",
            starting=starting,
        )
        return asyncio.run(answers_record(maker, scenarios))
