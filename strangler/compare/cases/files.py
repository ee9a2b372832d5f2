"""Cases from files that people write: one TOML file for each resource, read from top to bottom."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strangler.compare.case import Case
from strangler.compare.cases.entry import Written, read_case
from strangler.compare.cases.routing import Router
from strangler.compare.cases.scenario import Scenario, Step
from strangler.errors import UsageError
from strangler.routes.entries import Entry
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, MistakesError, nearest, shown
from strangler.routes.syntax import content_decode, parse_toml, source_name
from strangler.routes.table import RouteTable


def cases_from_files(folder: Path, table: RouteTable) -> Iterator[Case]:
    """What can be asked of a running stack: the safe cases that need nothing of what a write above them answered.

    :raises UsageError: as `scenarios_from_files`.
    """
    router = Router(table)
    read = _read_folder(folder)
    asked = ((file, each) for file, written in read for each in written if each.case.safe and not each.variables)
    return (step.case for file, each in asked for step in _steps(file, each, router))


def scenarios_from_files(folder: Path, table: RouteTable) -> tuple[Scenario, ...]:
    """Each file with all that it asks, reads too, in its order.

    :raises UsageError: the folder can't be read or has no `*.toml`, or a file says what it can't; names the line.
    """
    router = Router(table)
    return tuple(
        Scenario(name=file.name, steps=tuple(step for each in written for step in _steps(file, each, router)))
        for file, written in _read_folder(folder)
    )


def _steps(file: Path, written: Written, router: Router) -> Iterator[Step]:
    """One for each caller."""
    route = router.name_of(written.case.method, written.case.target)
    source = f"{file.name}{written.case.source}"
    for caller in written.callers:
        case = dataclasses.replace(written.case, caller=caller, route=route, source=source)
        yield Step(case=case, save=written.save)


def _read_folder(folder: Path) -> list[tuple[Path, list[Written]]]:
    """All files, by name: what is wrong in any of them is told before the first request."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".toml")
    except OSError as error:
        name = source_name(folder)
        raise UsageError(f"{name} can't be read ({error.strerror}): name a folder of case files.") from error
    if not files:
        raise UsageError(f"{source_name(folder)} holds no .toml file: name a folder of case files.")
    return [(file, _read_file(file)) for file in files]


def _read_file(file: Path) -> list[Written]:
    source = source_name(file)
    try:
        text = content_decode(file.read_bytes(), source=source)
    except OSError as error:
        raise UsageError(f"{source} can't be read ({error.strerror}): let this user read it.") from error
    lines = Lines(text)
    try:
        document = parse_toml(text, lines)
    except Mistake as mistake:
        raise MistakesError(source, [mistake]) from None
    mistakes: list[Mistake] = []
    written = list(_read_cases(document, lines if lines.fits(document) else None, mistakes))
    if mistakes:
        raise MistakesError(source, mistakes)
    return written


def _read_cases(document: dict[str, Any], lines: Lines | None, mistakes: list[Mistake]) -> Iterator[Written]:
    """The cases; goes on after a mistake, so that one reading finds a mistake of each case."""
    saved: frozenset[str] = frozenset()
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
        if key != "case":
            meant = nearest(key, ["case"])
            mend = f"did you mean [[{meant}]]?" if meant else "write each case under [[case]]."
            mistakes.append(Mistake(f"the file has an unknown key {shown(key)}: {mend}", lines.of(key) if lines else 0))
    cases = document.get("case")
    if not isinstance(cases, list) or not all(isinstance(values, dict) for values in cases):
        found = lines.of("case") if lines and "case" in document else 0
        mistakes.append(Mistake("there is no [[case]]: write each case under one.", found))
        return
    for index, values in enumerate(cases):
        yield Entry(values, lines=lines, where=("case", index), name="a [[case]]")
