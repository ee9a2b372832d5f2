"""`make soak`: minutes of load with moves, deploys and deaths that are drawn from a seed; what of the stack grows?"""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, replace
from typing import Annotated, Final

import psutil
import psycopg
import typer

from strangler.cli.output import say
from tests.bench.command import bench_run
from tests.page_sections import section_write
from tests.torture.faults import ALL, FAULTS
from tests.torture.load import Ledger, load
from tests.torture.outcome import PAGE
from tests.torture.stack import TorturedStack, tortured_stack

# From the first share to the second no process is replaced: what a process leaks shows there. What outlives processes,
# and what each of them leaves behind, shows from the first to the end.
SHARES: Final = (0.35, 0.7)
HEAD: Final = (
    f"| what | at {SHARES[0]:.0%} | at {SHARES[1]:.0%} | at the end |",
    "| --- | --- | --- | --- |",
)
_SERVICES: Final = ("postgres", "django", "fastapi", "nginx", "shadow", "worker")
# Between two requests of a client: leaks show by time and number, and need no load.
_CLIENTS: Final = tuple(replace(client, pause=0.2) for client in ALL)
_PAUSE_SECONDS: Final = 20.0
# A process that was replaced a moment ago has not seen all of its code yet.
_WARM_SECONDS: Final = 60.0
# A look at a stack that isn't whole would find that nothing has grown.
_WHOLE_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 120.0
_GROWN: Final = 1
# What a client writes grows with the writes; all else is bookkeeping.
_TABLES: Final = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('posts', 'post_events') ORDER BY relname
"""
_CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The stack at one moment: memory in MB of what no other process shares, open files, connections, rows by table."""

    memory: dict[str, float]
    files: dict[str, int]
    connections: int
    rows: dict[str, int]

    @property
    def figures(self) -> dict[str, tuple[float, int]]:
        """Each figure, and the growth of it that says nothing."""
        return {
            **{f"memory of {name}, MB": (size, 10) for name, size in self.memory.items()},
            **{f"open files of {name}": (number, 10) for name, number in self.files.items()},
            "database connections": (self.connections, 10),
            "rows of bookkeeping": (sum(self.rows.values()), 100),
            **{f"rows of {name}": (number, 100) for name, number in self.rows.items()},
        }

    def growth(self, later: "Sample") -> list[str]:
        """What has grown by more than an eighth, and by more than a handful."""
        return [
            f"{what}: {before:,.0f}, later {later.figures[what][0]:,.0f}"
            for what, (before, slack) in self.figures.items()
            if later.figures[what][0] > before * 9 / 8 + slack
        ]


def table(samples: list[Sample]) -> list[str]:
    """A row for each figure, a column for each sample; of a single table only where its rows became more or less."""
    rows = {what: [sample.figures[what][0] for sample in samples] for what in samples[0].figures}
    same = {f"rows of {name}" for name in samples[0].rows if len({sample.rows[name] for sample in samples}) == 1}
    rows = {what: found for what, found in rows.items() if what not in same}
    return [*HEAD, *(f"| {what} | {' | '.join(f'{each:,.0f}' for each in found)} |" for what, found in rows.items())]


def sampled(stack: TorturedStack) -> Sample:
    """A look at the whole stack."""
    memory: dict[str, float] = {}
    files: dict[str, int] = {}
    supervisor = stack.checkout.running().supervisor.find()
    assert supervisor is not None, "the supervisor has ended"
    programs = {name: [stack.process(name), *stack.process(name).children(recursive=True)] for name in _SERVICES}
    for name, processes in (programs | {"supervisor": [supervisor]}).items():
        memory[name] = 0.0
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                memory[name] += process.memory_full_info().uss / 1e6
                # PostgreSQL keeps the files of tables open, up to a limit of its own: they say nothing of a leak.
                kept = len(process.open_files()) if name == "postgres" else 0
                files[name] = files.get(name, 0) + process.num_fds() - kept
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
        counts = ", ".join(f'(SELECT count(*) FROM "{name}")' for name in tables)  # noqa: S608 - the catalog's own names
        (found,) = connection.execute(f"SELECT {counts}".encode()).fetchall()
        rows = dict(zip(tables, found, strict=True))
        ((connections,),) = connection.execute(_CONNECTIONS).fetchall()
    return Sample(memory=memory, files=files, connections=connections, rows=rows)


def disturb(stack: TorturedStack, ledger: Ledger, chosen: random.Random, *, replaces: bool) -> str:
    """One move, deploy or death, or one that replaces no process of a service; gives which."""
    what = chosen.choice(("move", "deploy", "death") if replaces else ("move", "postgres-restarted"))
    if what == "move":
        stack.strangler(
            *("switch", "tags.list", "--to", "canary", "--percent", "50", "--yes", "--force"), "--reason=soak"
        )
        stack.strangler("rollback", "--yes")
    elif what == "deploy":
        stack.strangler("deploy", chosen.choice(("django", "fastapi")))
    else:
        if what == "death":
            what = chosen.choice(("django-worker-killed", "fastapi-worker-killed", "postgres-restarted"))
        FAULTS[what].happens(stack, ledger)
    return what


async def _until_whole(ledger: Ledger) -> None:
    """Wait until each client had a good answer within the last seconds, or for two minutes."""
    names, began = {client.name for client in _CLIENTS}, time.monotonic()
    while (now := time.monotonic()) - began < _PATIENCE_SECONDS:
        if ledger.answered_since(max(began, now - _WHOLE_SECONDS)) >= names:
            return
        await asyncio.sleep(0.1)


async def _soak(stack: TorturedStack, *, minutes: float, seed: int) -> tuple[list[str], list[str]]:
    chosen, began = random.Random(seed), time.monotonic()  # noqa: S311 - no secret
    done: list[str] = []
    samples: list[Sample] = []
    first, second = (share * minutes * 60 for share in SHARES)
    calm = max(0.0, first - _WARM_SECONDS)
    async with load(stack.url, _CLIENTS, token=stack.token()) as ledger:
        while (passed := time.monotonic() - began) < minutes * 60:
            # What dies as soon as it has started again waits longer each time, until it is no stack any more.
            await _until_whole(ledger)
            if len(samples) < len(SHARES) and passed >= (first, second)[len(samples)]:
                samples.append(await asyncio.to_thread(sampled, stack))
            done.append(await asyncio.to_thread(disturb, stack, ledger, chosen, replaces=not calm < passed < second))
            say(f"{passed:.0f} s: {done[-1]}, {len(ledger.outcomes)} requests")
            await asyncio.sleep(_PAUSE_SECONDS)
        await _until_whole(ledger)
        samples.append(await asyncio.to_thread(sampled, stack))
    assert len(samples) > len(SHARES), "MINUTES is too short to compare anything"
    missing, doubled = stack.compare(ledger)
    reads, writes = ledger.failures("read"), ledger.failures("write")
    happened = ", ".join(f"{done.count(what)} × {what}" for what in sorted(set(done)))
    lines = [
        *table(samples),
        "",
        f"{minutes:g} minutes with seed {seed} ({happened}): {len(ledger.outcomes):,} requests; failed reads "
        f"{dict(reads)}, failed writes {dict(writes)}; of {len(ledger.acknowledged):,} acknowledged writes {missing} "
        f"missing, {doubled} doubled.",
    ]
    grown = [*samples[0].growth(samples[1]), *samples[0].growth(samples[-1])]
    wrong = [*grown, *["writes were lost or doubled"][: missing + doubled]]
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
    section_write(PAGE, "soak", lines)
    if wrong:
        raise typer.Exit(_GROWN)


if __name__ == "__main__":
    bench_run(soak, name="soak")
