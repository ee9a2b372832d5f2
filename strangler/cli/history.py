"""`strangler history`: what was applied, by whom and why."""

from typing import Annotated

import typer
from rich.text import Text

from strangler.cli.moves import rollout_read
from strangler.cli.output import json_print, out, say, table_print
from strangler.rollout.history import ApplyOutcome, HistoryEntry, applied, stands_at
from strangler.rollout.plan import entry_text

_WIDE = 120
_COLOURS = {ApplyOutcome.FAILED: "red", ApplyOutcome.INTERRUPTED: "yellow"}


def history(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Show this many changes.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all changes as one JSON array.")] = False,
) -> None:
    """Show what was applied, when, by whom and why, the newest last; `*` marks what runs.

    Shows the last 20 changes by default, and changes nothing.

    Example: strangler history --lines 5
    """
    rollout, interrupted = rollout_read()
    entries = (
        *rollout.entries(),
        *([interrupted.interrupted] if interrupted else []),
    )
    if as_json:
        due = {"recovery_due": interrupted is not None}
        json_print([entry.as_json() | due for entry in entries])
        return
    changed = applied(entries)
    stands = stands_at(changed, changed[-1]).number if changed else None
    rows: list[tuple[str, ...]] = [_row(entry, stands=stands) for entry in entries[-lines:]]
    if not out.is_terminal:
        for row in rows:
            say("  ".join(cell for cell in row if cell))
        return
    colours = [_COLOURS.get(entry.outcome, "") for entry in entries[-lines:]]
    headers: tuple[str, ...] = ("", "time", "who", "outcome", "took", "what", "reason")
    if out.width < _WIDE:
        headers = ("", "time", "what")
        rows = [_narrow(*row) for row in rows]
    # To the minute, so that more of a line is left for what changed.
    short = [(number, time[:16].replace("T", " "), *more) for number, time, *more in rows]
    coloured = [[Text(cell, style=colour) for cell in row] for row, colour in zip(short, colours, strict=True)]
    table_print(headers, coloured, whole=("", "time", "took"))


def _narrow(number: str, time: str, who: str, outcome: str, took: str, what: str, reason: str) -> tuple[str, ...]:
    """A row for 80 columns: what changed first, and below it how, by whom and why."""
    how = f"{outcome} in {took}" + (f" by {who}" if who else "") + (f": {reason}" if reason else "")
    return number, time, "\n".join(part for part in (what, how) if part)


def _row(entry: HistoryEntry, *, stands: int | None) -> tuple[str, ...]:
    return (
        f"{'*' if entry.number == stands else ' '}{entry.number}",
        entry.time,
        entry.who,
        f"{entry.outcome}, forced" if entry.forced else str(entry.outcome),
        f"{entry.seconds:.2f} s",
        entry_text(entry),
        entry.error or entry.reason,
    )
