"""`make bench-growth`: what both stacks take for each request as the tables grow, into docs/benchmark.md.

Exit codes: 0 v2 is nowhere slower than v1, 1 it is somewhere by more than noise, 2 wrong usage, 4 failed.
"""

from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.output import err, logged_show, say
from strangler.deployment.local_stack import LocalStack
from strangler.local.process import StopSignals
from tests.bench.command import bench_run
from tests.bench.growth_measuring import NOISE, Times, measure
from tests.bench.growth_rows import growth_rows
from tests.bench.growth_stacks import stacks_over
from tests.bench.page import Conditions, image, section_of_page_write
from tests.bench.plots import growth_plot, matplotlib_require
from tests.bench.stack import bench_stack

_SLOWER: Final = 1
# A panel each; the table has every step.
_PANELS: Final = (
    *("feed", "feed, last page", "feed, by cursor, in the middle", "feed, a word that one post has"),
    *("own list", "own list, drafts", "detail", "users, active"),
    *("create a post", "publish a post", "delete a post", "refresh a token"),
)
Growth = dict[str, dict[int, Times]]
"""The times of each step, by the number of posts."""


def bench(
    posts: Annotated[list[int], typer.Option(min=10_000, help="So many posts; several times for several sizes.")] = [  # noqa: B006 - typer's own way, never changed
        10_000,
        100_000,
        1_000_000,
    ],
    write: Annotated[bool, typer.Option(help="Write the table and the plot to docs/benchmark.md.")] = True,
) -> None:
    """Send both stacks the same requests in turn, over the same rows, of each number of posts."""
    if write:
        matplotlib_require()
    growth: Growth = {}
    conditions = Conditions()
    with StopSignals() as signals:
        logged_show()
        with bench_stack(workers=1, check=signals.check) as stack:
            for number in sorted(posts):
                _measured(stack, number, growth)
    lines = [*growth_lines(growth), "", conditions.line("make bench-growth")]
    for line in lines:
        say(line)
    if write:
        section_of_page_write("growth", [image("growth", "Milliseconds of both stacks over posts"), "", *lines])
        growth_plot(_plotted(growth))
    slower = [*slower_steps(growth)]
    for sentence in slower:
        err.print(Text(sentence))
    if slower:
        raise typer.Exit(_SLOWER)


def _measured(stack: LocalStack, posts: int, growth: Growth) -> None:
    key = stack.connections.jwt_signing_key
    with (
        growth_rows(admin_dsn=stack.admin_dsn, posts=posts, jwt_signing_key=key) as rows,
        stacks_over(stack, rows) as clients,
    ):
        for name, times in measure(rows, clients):
            growth.setdefault(name, {})[posts] = times
            err.print(Text(f"{posts:,} posts, {name}: v1 {times.v1:.1f} ms, v2 {times.v2:.1f} ms, {times.ratio:.2f}"))


def growth_lines(growth: Growth) -> list[str]:
    """A row of each step: milliseconds of v1 and v2 at each size, and the least of the ratios."""
    sizes = [*next(iter(growth.values()))]
    heads = ("milliseconds, v1 / v2", *(f"{size:,} posts" for size in sizes), "v1/v2, the least")
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    for name, of_sizes in growth.items():
        cells = [f"{times.v1:.1f} / {times.v2:.1f}" for times in of_sizes.values()]
        lines.append(f"| {' | '.join((name, *cells, f'{min(times.ratio for times in of_sizes.values()):.2f}'))} |")
    return lines


def slower_steps(growth: Growth) -> list[str]:
    """A sentence for each step that v2 takes longer for than v1, by more than noise."""
    return [
        f"{name}, {posts:,} posts: v2 took {times.v2:.1f} ms, more than {NOISE} times the {times.v1:.1f} ms of v1."
        for name, of_sizes in growth.items()
        for posts, times in of_sizes.items()
        if times.is_slower
    ]


def _plotted(growth: Growth) -> dict[str, dict[str, list[float]]]:
    """The posts and each stack's milliseconds, of the steps that have a panel."""
    return {
        name: {
            "posts": [*map(float, growth[name])],
            "v1": [times.v1 for times in growth[name].values()],
            "v2": [times.v2 for times in growth[name].values()],
        }
        for name in _PANELS
    }


if __name__ == "__main__":
    bench_run(bench, name="bench-growth")
