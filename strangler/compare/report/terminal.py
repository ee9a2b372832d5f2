"""The report for a person: a table on a terminal, plain lines off it."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from strangler.compare.comparison import COUNTS
from strangler.compare.report.model import ROWS, ComparisonReport, Example, Group, RouteReport, Timing
from strangler.errors import many

_ALWAYS: Final = ("asked", "equal", "different")
_GROUPS_SHOWN: Final = 10
_PLACES_SHOWN: Final = 3


def report_show(report: ComparisonReport, console: Console) -> None:
    """Print the counts of each route, then where answers differ, then what else a reader must know."""
    if console.is_terminal:
        console.print(_table(report))
    else:
        for route in report.routes:
            _say(console, _line(report, route))
    for route in report.routes:
        for group in route.groups[:_GROUPS_SHOWN]:
            _show_group(report, route, group, console)
        if len(route.groups) > _GROUPS_SHOWN:
            _say(console, f"\n{route.route}: and at {len(route.groups) - _GROUPS_SHOWN} other places")
    for note in _notes(report):
        _say(console, note)
    _say(console, verdict_text(report))


def differences_show(report: ComparisonReport, console: Console, *, lines: int) -> None:
    """Print where answers differ, as much as so many lines hold, and the whole run in one sentence."""
    left, hidden = lines, 0
    for route, group in ((each, group) for each in report.routes for group in each.groups):
        places = [line for example in group.examples[:1] for line in _places(report, group, example)]
        # An empty line, its head, the case, and the request as curl, which may be long.
        needed = len(places) + 4 + len(group.examples[0].curl if group.examples else "") // max(console.width, 1)
        if needed > left:
            hidden += 1
            continue
        left -= needed
        _show_group(report, route, group, console)
    if hidden:
        _say(console, f"\nand {many(hidden, 'other place')}: strangler compare shows all")
    for line in _notes(report):
        _say(console, line)
    _say(console, verdict_text(report))


def verdict_text(report: ComparisonReport) -> str:
    """The whole run in one sentence."""
    asked = sum(route.asked for route in report.routes)
    different = [route for route in report.routes if route.different]
    took = f"{many(asked, 'case')} of {many(len(report.routes), 'route')} in {report.seconds:.1f} s"
    if different:
        count = sum(route.different for route in different)
        return f"different: {count} of {took}, in {', '.join(route.route for route in different)}"
    if any(route.slow for route in report.routes) and report.exit_code == 1:
        return f"too slow: {took}, in {', '.join(route.route for route in report.routes if route.slow)}"
    if any(use.excess for use in report.memory) and report.exit_code == 1:
        return f"too much memory: {took}"
    word = {0: "equal", 1: "not as declared", 4: "not compared as a whole"}[report.exit_code]
    return f"{word}: {took}"


def milliseconds(seconds: float) -> str:
    """A time with three digits."""
    return f"{seconds * 1000:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def statements_text(timing: Timing | None) -> str:
    """The statements of a request at the median, and the most of any if that is more; a dash where none is reported."""
    if timing is None or timing.statements_median is None:
        return "-"
    most = timing.statements_max or 0
    return f"{timing.statements_median:g}" + (f" to {most}" if most > timing.statements_median else "")


def coverage_show(report: ComparisonReport, console: Console) -> None:
    """What was never requested of each route: a table, or lines where the output is no terminal."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("route", no_wrap=True)
    table.add_column("covered", justify="right")
    table.add_column("never requested")
    for route in report.routes:
        if route.coverage is None:
            continue
        never = "; ".join(f"{topic}: {', '.join(what)}" for topic, what in route.never.items())
        if console.is_terminal:
            table.add_row(Text(route.route), f"{route.coverage:.0f} %", Text(never))
        else:
            _say(console, f"{route.route} covered {route.coverage:.0f} %" + (f", never {never}" if never else ""))
    if table.row_count:
        console.print(table)


def _table(report: ComparisonReport) -> Table:
    left, right = report.left.name, report.right.name
    # What is 0 everywhere takes no room.
    counts = [name for name in COUNTS if name in _ALWAYS or any(getattr(route, name) for route in report.routes)]
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("route", no_wrap=True)
    # Short words: a heading may be broken between them on a narrow terminal, a cell has but one.
    for header in (*counts, f"{left} p50", f"{right} p50", "ratio", f"{left} sql", f"{right} sql"):
        table.add_column(header, justify="right")
    for route in report.routes:
        cells = [cell.replace(" to ", "..").replace(" ", "") for cell in _measures(route)]
        table.add_row(Text(route.route), *(_coloured(name, getattr(route, name)) for name in counts), *cells)
    return table


def _coloured(name: str, count: int) -> Text:
    bad = name in {"different", "unavailable", "failed"}
    return Text(str(count), style="red" if bad and count else "dim" if not count else "")


def _measures(route: RouteReport) -> tuple[str, ...]:
    times = tuple(milliseconds(side.p50) if side else "-" for side in (route.left, route.right))
    ratio = f"{route.ratio:.2f}" if route.ratio else "-"
    return (*times, ratio, statements_text(route.left), statements_text(route.right))


def _line(report: ComparisonReport, route: RouteReport) -> str:
    names = (report.left.name, report.right.name)
    headers = (*(f"p50 {name}" for name in names), "ratio", *(f"sql {name}" for name in names))
    counts = ((name, getattr(route, name)) for name in COUNTS)
    cells = (*counts, *zip(headers, _measures(route), strict=True))
    return f"{route.route} " + " ".join(f"{name} {cell}" for name, cell in cells)


def _show_group(report: ComparisonReport, route: RouteReport, group: Group, console: Console) -> None:
    _say(console, f"\n{route.route}: {group.kind} at {group.pattern}, in {many(group.count, 'answer')}")
    for example in group.examples[:1]:
        who = f" as {example.caller}" if example.caller else ""
        source = f" ({example.source})" if example.source else ""
        _say(console, f"  {example.case}{who}{source}")
        for line in _places(report, group, example):
            _say(console, f"  {line}")
        _say(console, f"  {example.curl}")


def _places(report: ComparisonReport, group: Group, example: Example) -> Iterator[str]:
    sides = (report.left.name, report.right.name)
    width = max(len(name) for name in sides)
    same = [place for place in example.places if (place.kind, place.pattern) == (group.kind, group.pattern)]
    found = [(place.place, place.left, place.right) for place in same]
    rows = [row for row in example.rows if group.kind == ROWS and group.pattern.startswith(row.table)]
    found += [(f"{row.row} {row.column}".strip(), row.left, row.right) for row in rows]
    for place, left, right in found[:_PLACES_SHOWN]:
        for name, value in zip(sides, (left, right), strict=True):
            yield f"{name:<{width}}  {place} = {value}" if value is not None else f"{name:<{width}}  no {place}"


def _notes(report: ComparisonReport) -> Iterable[str]:
    notes = [
        *(f"not compared: {sentence}, {_times(count)}" for sentence, count in report.failures),
        *(f"left out: {count} {reason}" for reason, count in report.skipped),
        *(f"too slow: {report.right.name} is {route.slow} ({route.route})" for route in report.routes if route.slow),
        *_memory_notes(report),
        *report.declared_faults,
        *([f"stopped: {report.stopped}"] if report.stopped else []),
    ]
    return ["", *notes] if notes else notes


def _memory_notes(report: ComparisonReport) -> Iterator[str]:
    """How the servers of the longest scenario grew, and each that grew too much."""
    longest = max(report.memory, key=lambda use: use.left[1] + use.right[1], default=None)
    for use in report.memory:
        if use.excess:
            yield f"memory: {report.right.name} grew by {use.excess} ({use.scenario})"
        elif use is longest:
            sides = zip((report.left.name, report.right.name), (use.left, use.right), strict=True)
            grown = " and ".join(
                f"{name} {before / 1e6:.0f} to {after / 1e6:.0f} MB" for name, (before, after) in sides
            )
            yield f"memory: {grown} ({use.scenario})"


def _say(console: Console, line: str) -> None:
    # What a server sent must not move the cursor of the terminal.
    safe = "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in line)
    console.print(Text(safe))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
