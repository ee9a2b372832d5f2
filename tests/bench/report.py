"""How a run is shown: a table on a terminal, a line for each endpoint off it, JSON in a file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.comparison import Comparison, Medians


def report_print(comparisons: Sequence[Comparison], *, console: Console) -> None:
    """Show the comparisons as the console's other end can read them."""
    if console.is_terminal:
        console.print(report_table(comparisons))
        return
    for comparison in comparisons:
        console.print(Text(report_line(comparison)), soft_wrap=True)


def report_table(comparisons: Sequence[Comparison]) -> Table:
    """Two lines for each endpoint, v1 (DRF) above v2 (FastAPI); narrow enough for a terminal of 80 columns."""
    caption = "times in milliseconds; CPU is that of the whole stack for one request"
    table = Table(box=box.SIMPLE_HEAD, caption=caption, padding=(0, 1, 1, 0))
    table.add_column("endpoint")
    table.add_column("")
    for heading in ("req/s", "p50", "p99", "CPU", "v2/v1"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("targets", no_wrap=True)
    for comparison in comparisons:
        table.add_row(*_cells(comparison), _verdicts(comparison))
    return table


def report_line(comparison: Comparison) -> str:
    """One endpoint in a line."""
    least, most = comparison.spread
    verdicts = ", ".join(f"{each.target} {'met' if each.met else 'MISSED'}" for each in comparison.verdicts)
    return (
        f"{comparison.name}: v1 {_medians(comparison.v1)}; v2 {_medians(comparison.v2)}; "
        f"v2/v1 {comparison.ratio:.2f} ({least:.2f}-{most:.2f}); {verdicts}"
    )


def report_table_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The table of the page, a row for each endpoint."""
    heads = ("", "v1 req/s", "v2 req/s", "v2/v1 (lowest to highest round)", "p99 v1 / v2", "CPU of a request v1 / v2")
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for comparison in comparisons:
        v1, v2, (least, most) = comparison.v1, comparison.v2, comparison.spread
        cells = (
            *(
                comparison.name,
                f"{v1.rate:,.0f}",
                f"{v2.rate:,.0f}",
                f"{comparison.ratio:.2f} ({least:.2f}–{most:.2f})",
            ),
            *(f"{v1.p99_ms:.0f} / {v2.p99_ms:.0f} ms", f"{v1.cpu_ms:.1f} / {v2.cpu_ms:.1f} ms"),
        )
        yield f"| {' | '.join(cells)} |"


def report_write(file: Path, comparisons: Sequence[Comparison], *, conditions: dict[str, Any]) -> None:
    """Write everything, with the conditions of the run, as JSON."""
    met = all(comparison.met for comparison in comparisons)
    document = {**conditions, "met": met, "endpoints": [comparison.document() for comparison in comparisons]}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _cells(comparison: Comparison) -> list[str]:
    stacks = (comparison.v1, comparison.v2)
    least, most = comparison.spread
    return [
        comparison.name,
        "v1\nv2",
        "\n".join(f"{stack.rate:,.0f}" for stack in stacks),
        "\n".join(f"{stack.p50_ms:.1f}" for stack in stacks),
        "\n".join(f"{stack.p99_ms:.1f}" for stack in stacks),
        "\n".join(f"{stack.cpu_ms:.1f}" for stack in stacks),
        f"{comparison.ratio:.2f}\n{least:.2f}-{most:.2f}",
    ]


def _verdicts(comparison: Comparison) -> Text:
    lines = Text()
    for position, verdict in enumerate(comparison.verdicts):
        word, style = ("met", "green") if verdict.met else ("MISSED", "bold red")
        lines.append("\n" if position else "").append(f"{verdict.target} ").append(word, style=style)
    return lines


def _medians(stack: Medians) -> str:
    waiting = f"p50 {stack.p50_ms:.1f} ms, p99 {stack.p99_ms:.1f} ms"
    return f"{stack.rate:.0f} req/s, {waiting}, CPU {stack.cpu_ms:.1f} ms"
