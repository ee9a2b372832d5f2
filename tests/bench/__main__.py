"""`make bench`. Exit codes: 0 every target is met, 1 one is missed, 2 wrong usage, 4 failed, 130 stopped."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from strangler.cli.output import err, logged_show, out
from strangler.errors import UsageError
from strangler.local.process import StopSignals
from tests.bench.command import bench_run
from tests.bench.comparison import Comparison
from tests.bench.endpoints import endpoints_select
from tests.bench.equality import answers_require_equal
from tests.bench.page import Conditions, section_of_page_write
from tests.bench.report import report_print, report_table_lines, report_write
from tests.bench.rows import POSTS, USERS
from tests.bench.run import Plan, Run
from tests.bench.stack import bench_rows, bench_stack
from tests.bench.wrk import wrk_find

_MISSED = 1


def bench(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each stack is loaded.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="How long, after a second of warm-up.")] = 5,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests under way at a time.")] = 16,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Processes of each stack.")] = 1,
    only: Annotated[str, typer.Option(help="Endpoints, with commas between; all by default.")] = "",
    page: Annotated[bool, typer.Option("--page", help="Write the table of docs/benchmark.md.")] = False,
    json: Annotated[Path | None, typer.Option(dir_okay=False, writable=True, help="Write everything here.")] = None,
) -> None:
    """Load both stacks in turn with wrk, through nginx, and compare them."""
    plan = Plan(
        endpoints=endpoints_select(only), rounds=rounds, seconds=seconds, connections=connections, workers=workers
    )
    wrk_find()
    if json is not None and not json.absolute().parent.is_dir():
        raise UsageError(f"{json} is in no folder that is there: make {json.parent} first.")
    conditions = Conditions()
    comparisons = _compare(plan)
    report_print(comparisons, console=out)
    if page:
        command = f"make bench ROUNDS={rounds} SECONDS={seconds}"
        section_of_page_write("bench", [*report_table_lines(comparisons), "", conditions.line(command)])
    if json is not None:
        report_write(json, comparisons, conditions=_conditions(plan))
    if not all(comparison.met for comparison in comparisons):
        raise typer.Exit(_MISSED)


def _compare(plan: Plan) -> list[Comparison]:
    with ExitStack() as open_, StopSignals() as signals:
        tell = _progress(open_, plan)
        logged_show(tell)
        stack = open_.enter_context(bench_stack(workers=plan.workers, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        with httpx.Client(base_url=stack.proxy_url, timeout=30) as front:
            for endpoint in plan.endpoints:
                answers_require_equal(endpoint, rows, front)
        return Run(plan, stack=stack, rows=rows, tell=tell).compare()


def _progress(open_: ExitStack, plan: Plan) -> Callable[[str], None]:
    """A bar above which the sentences scroll on a terminal, the sentences alone off it; on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = open_.enter_context(Progress(*columns, console=err, transient=True, disable=not err.is_terminal))
    task = progress.add_task("loads", total=plan.loads)

    def tell(sentence: str) -> None:
        err.print(Text(sentence))
        progress.advance(task, 1 if sentence.startswith("round ") else 0)

    return tell


def _conditions(plan: Plan) -> dict[str, object]:
    return {
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "connections": plan.connections,
        "workers": plan.workers,
        "cores": os.cpu_count(),
        "posts": POSTS,
        "users": USERS,
    }


if __name__ == "__main__":
    bench_run(bench, name="bench")
