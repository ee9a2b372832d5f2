"""`make torture`. Exit codes: 0 nothing was lost, 1 something was, 2 wrong usage, 4 failed."""

import asyncio
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.output import err, say
from strangler.errors import UsageError
from tests.bench.command import bench_run
from tests.page_sections import section_write
from tests.torture.faults import FAULTS, Fault
from tests.torture.load import Ledger, load
from tests.torture.outcome import HEAD, PAGE, Row, rows_write
from tests.torture.overload import overloaded
from tests.torture.stack import TorturedStack, tortured_stack

_BEFORE_SECONDS: Final = 2.0
# A fault is over once every client had a good answer and nobody a bad one for so long.
_QUIET_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_BROKEN: Final = 1
_OVERLOAD: Final = "overload"


async def suffered(stack: TorturedStack, fault: Fault) -> tuple[Row, Ledger]:
    """Bring one fault upon the stack while its clients ask, and wait until they are well again."""
    async with load(stack.url, fault.clients, token=stack.token()) as ledger:
        await asyncio.sleep(_BEFORE_SECONDS)
        await asyncio.to_thread(fault.happens, stack, ledger)
        over = time.monotonic()
        person = not await _well_again(ledger, fault, over)
    missing, doubled = await asyncio.to_thread(stack.compare, ledger)
    row = Row(
        fault=fault.words,
        sent=len(ledger.outcomes),
        reads=dict(ledger.failures("read")),
        writes=dict(ledger.failures("write")),
        acknowledged=len(ledger.acknowledged),
        missing=missing,
        doubled=doubled,
        seconds=round(max(0.0, ledger.last_failure("read", "write", "blocked") - over), 1),
        person=person,
    )
    return row, ledger


async def _well_again(ledger: Ledger, fault: Fault, over: float) -> bool:
    """Whether it came about without anybody."""
    names = {client.name for client in fault.clients}
    while (now := time.monotonic()) - over < _PATIENCE_SECONDS:
        quiet = now - max(over, ledger.last_failure("read", "write", "blocked"))
        if quiet > _QUIET_SECONDS and ledger.answered_since(now - _QUIET_SECONDS) >= names:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


def _rows(names: list[str]) -> Iterator[Row]:
    for start, group in groupby(names, key=lambda name: FAULTS[name].stack):
        with start() as stack:
            for name in group:
                row, ledger = asyncio.run(suffered(stack, FAULTS[name]))
                err.print(Text(f"{name}: {', '.join(row.problems) or 'well'}; {ledger.summary()}"))
                say(str(row))
                yield row


def _overload(*, write: bool) -> None:
    with tortured_stack(TorturedStack) as stack:
        lines = overloaded(stack)
    for line in lines:
        say(line)
    if write:
        section_write(PAGE, _OVERLOAD, lines)


def torture(
    only: Annotated[
        str, typer.Option(help="Faults, with commas between, or `overload` alone; all faults by default.")
    ] = "",
    write: Annotated[bool, typer.Option(help="Write the rows to docs/reliability.md.")] = True,
) -> None:
    """Bring faults upon both stacks under load, and count what is lost."""
    if only.strip() == _OVERLOAD:
        _overload(write=write)
        return
    names = [name.strip() for name in only.split(",") if name.strip()] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        raise UsageError(f"there is no fault {unknown[0]}", f"name some of {', '.join(FAULTS)}, or {_OVERLOAD} alone")
    for line in HEAD:
        say(line)
    broken = False
    for row in _rows(names):
        broken = broken or bool(row.problems)
        if write:
            # Each at once: what was seen stays, whatever becomes of the next.
            rows_write([row])
    if broken:
        raise typer.Exit(_BROKEN)


if __name__ == "__main__":
    bench_run(torture, name="torture")
