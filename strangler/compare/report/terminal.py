"""The report for a person: a table on a terminal, plain lines off it."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from strangler.compare.comparison import COUNTS
from strangler.compare.differ import DifferenceKind
from strangler.compare.report.model import ROWS, ComparisonReport, Example, Group, RouteReport, Timing, severity
from strangler.errors import many

_ALWAYS: Final = ("asked", "equal", "different")
# What so many routes have alike is said once.
_FEWEST_ROUTES: Final = 2
_PLACES_SHOWN: Final = 3


# Rows that an order doesn't tell apart come as the database finds them: by chance, and otherwise on the next day.
_ORDER_HINT: Final = (
    "the same items: v1's queryset may have no total order. Order it by what is unique, too, "
    'or declare order = "{place}"'
)


def report_show(report: ComparisonReport, console: Console, *, lines: int | None = None) -> None:
    """Print the counts of each route, then as `differences_show`; all differences without `lines`."""
    if console.is_terminal:
        console.print(_table(report))
    else:
        for route in report.routes:
            _say(console, _line(report, route))
    differences_show(report, console, lines=lines, hint="--verbose or --html FILE shows all")


def differences_show(
    report: ComparisonReport, console: Console, *, lines: int | None, hint: str = "strangler compare shows all"
) -> None:
    """Print where answers differ, as much as so many lines hold, and the whole run in one sentence.

    A header that differs in the answers of all routes is named once; what hurts most comes first, whatever its route.
    """
    left, hidden = lines, 0
    everywhere = _everywhere(report)
    for pattern, (count, group) in everywhere.items():
        _say(console, f'\n{pattern}, on all {count} routes; route = "*" declares it for all')
        for line in _places(report, group, group.examples[0]):
            _say(console, f"  {line}")
    found = [(each, group) for each in report.routes for group in each.groups if group.pattern not in everywhere]
    for route, group in sorted(found, key=lambda entry: severity(entry[1].kind)):
        places = [line for example in group.examples[:1] for line in _places(report, group, example)]
        # An empty line, its head, the case, and both requests as curl, which may be long.
        curls = sum(len(each.curl) + len(each.curl_right) for each in group.examples[:1])
        needed = len(places) + 5 + curls // max(console.width, 1)
        if left is None:
            _show_group(report, route, group, console)
            continue
        if needed > left:
            hidden += 1
            continue
        left -= needed
        _show_group(report, route, group, console)
    if hidden:
        _say(console, f"\nand {many(hidden, 'other place')}: {hint}")
    for line in _notes(report):
        _say(console, line)
    _say(console, verdict_text(report))


def _everywhere(report: ComparisonReport) -> dict[str, tuple[int, Group]]:
    """Headers that differ on every route that was compared, where there are several, with an example."""
    routes = [route for route in report.routes if route.asked > route.failed + route.unavailable]
    if len(routes) < _FEWEST_ROUTES:
        return {}
    found = [
        {group.pattern: group for group in route.groups if group.kind == DifferenceKind.HEADER} for route in routes
    ]
    shared = [pattern for pattern in found[0] if all(pattern in each for each in found)]
    return {pattern: (len(routes), found[0][pattern]) for pattern in shared}


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
        if group.kind == DifferenceKind.ITEM_ORDER:
            _say(console, f"  {_ORDER_HINT.format(place=group.pattern)}")
        if _is_lacking(route, group):
            _say(
                console, f"  in no case {report.left.name}'s status: {report.right.name} may not have this route at all"
            )
        for curl in (example.curl, example.curl_right):
            _say(console, f"  {curl}")


def _is_lacking(route: RouteReport, group: Group) -> bool:
    """Whether the right side seems to lack the route: each case differs in its status, and the shown ones are 404."""
    missing = all(each.right.status == HTTPStatus.NOT_FOUND for each in group.examples)
    return group.kind == DifferenceKind.STATUS and group.count == route.asked and missing


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
