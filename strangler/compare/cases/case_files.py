"""Case files: TOML files that are read from top to bottom, and the mistakes that can be made in them.

Each file is a scenario, played on copies of its own; those with the same `scenario = "name"` are one, by their names.
"""

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strangler.compare.case import PASSWORD, Case, Scenario, ScenarioStep
from strangler.compare.cases.router import Router
from strangler.compare.cases.written_case import WrittenCase, read_case
from strangler.errors import UsageError
from strangler.routes.entries import Entry
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, MistakesError, nearest, shown
from strangler.routes.syntax import content_decode, parse_toml, source_name
from strangler.routes.table import RouteTable

_NO_CASES: Final = "make some with strangler cases generate, or name a folder of case files"
_SECTIONS: Final = ("case", "clock", "given", "scenario", "workers")
_MOST_WORKERS: Final = 16


@dataclass(frozen=True)
class CaseFile:
    """A file as it was read.

    `scenario` is what it is a part of, empty where it is one by itself; `given` is the SQL that makes its rows, `clock`
    the time at which both sides start, None for the real one, `workers` how many processes each has, 0 for any.
    """

    file: Path
    scenario: str
    given: tuple[str, ...]
    clock: dt.datetime | None
    workers: int
    cases: tuple[WrittenCase, ...]


@dataclass
class _Parts:
    """Of a scenario."""

    clock: dt.datetime | None = None
    workers: int = 0
    given: list[str] = field(default_factory=list)
    steps: list[ScenarioStep] = field(default_factory=list)


def cases_from_files(folder: Path, table: RouteTable) -> Iterator[Case]:
    """The safe cases that need nothing which a running stack lacks: a variable of a write, given rows or time, a token.

    :raises UsageError: as `scenarios_from_files`.
    """
    router = Router(table)
    read = [each for each in _read_folder(folder) if not (each.given or each.clock or each.workers)]
    asked = ((each.file, case) for each in read for case in each.cases if case.is_alone)
    return (step.case for file, case in asked for step in _steps(file, case, router))


def scenarios_from_files(
    folder: Path, table: RouteTable, *, chosen: Collection[str] = (), with_reads: bool = False
) -> tuple[Scenario, ...]:
    """Each file, or the files of one scenario, with all of its requests, reads too, in its order.

    Of a scenario of several files those are left out that only read, unless `with_reads`, and those without any of the
    `chosen` routes, unless none is chosen.

    :raises UsageError: the folder can't be read or has no `*.toml`, or a file is invalid; names the line.
    """
    router = Router(table)
    found: dict[str, _Parts] = {}
    for each in _read_folder(folder):
        steps = [step for case in each.cases for step in _steps(each.file, case, router)]
        if each.scenario and not _is_played(steps, chosen, with_reads=with_reads):
            continue
        parts = found.setdefault(each.scenario or each.file.name, _Parts())
        for what, stated, other in (("clock", parts.clock, each.clock), ("workers", parts.workers, each.workers)):
            if stated and other and stated != other:
                hint = f"write the same {what} in both, or leave it out of one"
                raise UsageError(f"two files of scenario {each.scenario} differ in {what}", hint)
        parts.clock = parts.clock or each.clock
        parts.workers = parts.workers or each.workers
        parts.given += each.given
        parts.steps += steps
    return tuple(
        Scenario(
            name=name,
            clock=parts.clock,
            workers=parts.workers,
            given=tuple(parts.given),
            steps=tuple(parts.steps),
        )
        for name, parts in found.items()
    )


def _is_played(steps: Sequence[ScenarioStep], chosen: Collection[str], *, with_reads: bool) -> bool:
    writes = with_reads or any(not step.case.safe for step in steps)
    return writes and (not chosen or any(step.case.route in chosen for step in steps))


def _steps(file: Path, written: WrittenCase, router: Router) -> Iterator[ScenarioStep]:
    """One for each caller."""
    route = router.name_of(written.case.method, written.case.target)
    source = f"{file.name}{written.case.source}"
    for caller in written.callers:
        case = dataclasses.replace(written.case, caller=caller, route=route, source=source)
        yield ScenarioStep(case=case, save=written.save, together=written.together, refuse_commit=written.refuse_commit)


def _read_folder(folder: Path) -> list[CaseFile]:
    """All files, by name: each mistake is reported before the first request."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".toml")
    except OSError as error:
        name = source_name(folder)
        raise UsageError(f"{name} can't be read ({error.strerror})", _NO_CASES) from error
    if not files:
        raise UsageError(f"{source_name(folder)} holds no .toml file", _NO_CASES)
    return [_read_file(file) for file in files]


def _read_file(file: Path) -> CaseFile:
    source = source_name(file)
    try:
        text = content_decode(file.read_bytes(), source=source)
    except OSError as error:
        raise UsageError(f"{source} can't be read ({error.strerror})", "let this user read it") from error
    lines = Lines(text)
    try:
        document = parse_toml(text, lines)
    except Mistake as mistake:
        raise MistakesError(source, [mistake]) from None
    mistakes: list[Mistake] = []
    found = lines if lines.fits(document) else None
    given = tuple(_read_given(document, found, mistakes))
    clock, workers = document.get("clock"), document.get("workers", 0)
    if clock is not None and not (isinstance(clock, dt.datetime) and clock.tzinfo):
        hint = "write it without quotes and with its zone, like 2024-03-31T00:30:00Z."
        mistakes.append(Mistake(f"clock is {shown(clock)}: {hint}", found.of("clock") if found else 0))
    if "workers" in document and not (type(workers) is int and 1 <= workers <= _MOST_WORKERS):
        hint = f"write how many processes each side has, from 1 to {_MOST_WORKERS}."
        mistakes.append(Mistake(f"workers is {shown(workers)}: {hint}", found.of("workers") if found else 0))
    cases = tuple(_read_cases(document, found, mistakes))
    if mistakes:
        raise MistakesError(source, mistakes)
    return CaseFile(
        file=file, scenario=str(document.get("scenario", "")), given=given, clock=clock, workers=workers, cases=cases
    )


def _read_given(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[str]:
    """The SQL of each `[[given]]`."""
    given = document.get("given", [])
    if not isinstance(given, list) or not all(isinstance(values, dict) for values in given):
        mistakes.append(Mistake("given is no [[given]]: write sql under one.", lines.of("given") if lines else 0))
        return
    for index, values in enumerate(given):
        entry = Entry(values, lines=lines, where=("given", index), name="a [[given]]")
        try:
            entry.check_keys(frozenset({"sql"}))
            if not isinstance(sql := entry.get("sql"), str) or not sql.strip():
                raise entry.wrong("sql", "write the statements, in quotes")
            yield sql
        except Mistake as mistake:
            mistakes.append(mistake)


def _read_cases(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[WrittenCase]:
    """The cases; goes on after a mistake, so that one reading finds a mistake of each case."""
    saved = frozenset({PASSWORD})
    for entry in _entries(document, lines, mistakes):
        try:
            written = read_case(entry, saved=saved)
        except Mistake as mistake:
            mistakes.append(mistake)
            # Who uses what a mistaken case was to save makes no second mistake.
            names = entry.get("save")
            saved |= frozenset(names if isinstance(names, dict) else ())
            continue
        saved |= {name for name, _ in written.save}
        place = f", line {entry.line}" if entry.line else ""
        yield dataclasses.replace(written, case=dataclasses.replace(written.case, source=place))


def _entries(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[Entry]:
    for key in document:
        if key not in _SECTIONS:
            meant = nearest(key, ["case", "given"])
            hint = f"did you mean [[{meant}]]?" if meant else "write each case under [[case]]."
            mistakes.append(Mistake(f"the file has an unknown key {shown(key)}: {hint}", lines.of(key) if lines else 0))
    cases = document.get("case")
    if not isinstance(cases, list) or not all(isinstance(values, dict) for values in cases):
        found = lines.of("case") if lines and "case" in document else 0
        mistakes.append(Mistake("there is no [[case]]: write each case under one.", found))
        return
    for index, values in enumerate(cases):
        yield Entry(values, lines=lines, where=("case", index), name="a [[case]]")
