"""`make soak`: minutes of load with moves, deploys and deaths that are drawn from a seed; what of the stack grows?"""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from typing import Annotated, Final

import psutil
import psycopg
import typer

from strangler.cli.output import say
from tests.bench.command import bench_run
from tests.torture.faults import ALL, FAULTS
from tests.torture.load import Ledger, load
from tests.torture.outcome import section_write
from tests.torture.stack import TorturedStack, tortured_stack

HEAD: Final = ("| what | after a third | at the end |", "| --- | --- | --- |")
_SERVICES: Final = ("postgres", "django", "fastapi", "nginx", "shadow")
_PAUSE_SECONDS: Final = 20.0
_GROWN: Final = 1
# What a client writes grows with the writes; all else is bookkeeping.
_TABLES: Final = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('posts', 'post_events') ORDER BY relname
"""
_CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The stack at one moment: memory in MB of what no other process shares, open files, connections, rows."""

    memory: dict[str, float]
    files: dict[str, int]
    connections: int
    rows: int

    def lines(self, later: "Sample") -> list[str]:
        """The table."""
        figures = [(f"memory of {name}, MB", self.memory[name], later.memory[name]) for name in self.memory]
        figures += [(f"open files of {name}", self.files[name], later.files[name]) for name in self.files]
        figures += [("database connections", self.connections, later.connections)]
        figures += [("rows of bookkeeping", self.rows, later.rows)]
        return [*HEAD, *(f"| {what} | {before:,.0f} | {after:,.0f} |" for what, before, after in figures)]

    def growth(self, later: "Sample") -> list[str]:
        """What has grown by more than a third, and by more than a handful."""
        pairs = [
            *((f"memory of {name}", self.memory[name], later.memory[name], 20) for name in self.memory),
            *((f"open files of {name}", self.files[name], later.files[name], 20) for name in self.files),
            ("database connections", self.connections, later.connections, 10),
            ("rows of bookkeeping", self.rows, later.rows, 100),
        ]
        return [what for what, before, after, slack in pairs if after > before * 4 / 3 + slack]


def sampled(stack: TorturedStack) -> Sample:
    """A look at the whole stack."""
    memory: dict[str, float] = {}
    files: dict[str, int] = {}
    for name in _SERVICES:
        processes = [stack.process(name), *stack.process(name).children(recursive=True)]
        memory[name] = 0.0
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                memory[name] += process.memory_full_info().uss / 1e6
                # PostgreSQL keeps the files of tables open, up to a limit of its own: they say nothing of a leak.
                kept = len(process.open_files()) if name == "postgres" else 0
                files[name] = files.get(name, 0) + process.num_fds() - kept
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
        counts = " + ".join(f'(SELECT count(*) FROM "{name}")' for name in tables)  # noqa: S608 - the catalog's own names
        ((rows,),) = connection.execute(f"SELECT {counts}".encode()).fetchall()
        ((connections,),) = connection.execute(_CONNECTIONS).fetchall()
    return Sample(memory=memory, files=files, connections=connections, rows=rows)


def disturb(stack: TorturedStack, ledger: Ledger, chosen: random.Random) -> str:
    """One move, deploy or death; gives which."""
    what = chosen.choice(("move", "deploy", "death"))
    if what == "move":
        stack.strangler(
            *("switch", "tags.list", "--to", "canary", "--percent", "50", "--yes", "--force"), "--reason=soak"
        )
        stack.strangler("rollback", "--yes")
    elif what == "deploy":
        stack.strangler("deploy", chosen.choice(("django", "fastapi")))
    else:
        what = chosen.choice(("django-worker-killed", "fastapi-worker-killed", "postgres-restarted"))
        FAULTS[what].happens(stack, ledger)
    return what


async def _soak(stack: TorturedStack, *, minutes: float, seed: int) -> tuple[list[str], list[str]]:
    chosen, began = random.Random(seed), time.monotonic()  # noqa: S311 - no secret
    done: list[str] = []
    early: Sample | None = None
    async with load(stack.url, ALL, token=stack.token()) as ledger:
        while (passed := time.monotonic() - began) < minutes * 60:
            if early is None and passed > minutes * 20:
                early = await asyncio.to_thread(sampled, stack)
            done.append(await asyncio.to_thread(disturb, stack, ledger, chosen))
            say(f"{passed:.0f} s: {done[-1]}, {len(ledger.outcomes)} requests")
            await asyncio.sleep(_PAUSE_SECONDS)
        late = await asyncio.to_thread(sampled, stack)
    assert early is not None, "MINUTES is too short to compare anything"
    missing, doubled = stack.compare(ledger)
    reads, writes = ledger.failures("read"), ledger.failures("write")
    happened = ", ".join(f"{done.count(what)} × {what}" for what in sorted(set(done)))
    lines = [
        *early.lines(late),
        "",
        f"{minutes:g} minutes with seed {seed} ({happened}): {len(ledger.outcomes):,} requests; failed reads "
        f"{dict(reads)}, failed writes {dict(writes)}; of {len(ledger.acknowledged):,} acknowledged writes {missing} "
        f"missing, {doubled} doubled.",
    ]
    wrong = [*early.growth(late), *["writes were lost or doubled"][: missing + doubled]]
    return lines, [*wrong, *["a client was answered 500"][: reads["500"] + writes["500"]]]


def soak(
    minutes: Annotated[float, typer.Option(min=2, help="How long.")] = 5,
    hours: Annotated[float, typer.Option(min=0, help="How long, instead of minutes.")] = 0,
    seed: Annotated[int, typer.Option(help="What the disturbances are drawn from.")] = 1,
) -> None:
    """Keep both stacks under load for minutes, and see what grows."""
    with tortured_stack(TorturedStack) as stack:
        lines, wrong = asyncio.run(_soak(stack, minutes=60 * hours or minutes, seed=seed))
    for line in [*lines, *wrong]:
        say(line)
    section_write("soak", lines)
    if wrong:
        raise typer.Exit(_GROWN)


if __name__ == "__main__":
    bench_run(soak, name="soak")
