"""`strangler history`: what was applied, by whom and why."""

from typing import Annotated

import typer
from rich.table import Table

from strangler.cli.moves import rollout_read
from strangler.cli.output import json_print, out, say
from strangler.rollout.history import ApplyOutcome, HistoryEntry, RecordedChange, applied, stands_at
from strangler.rollout.plan import stage_text

_COLOURS = {ApplyOutcome.APPLIED: "green", ApplyOutcome.FAILED: "red", ApplyOutcome.INTERRUPTED: "yellow"}
_SHOWN_CHANGES = 4


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
    rows = [_row(entry, stands=stands) for entry in entries[-lines:]]
    if not out.is_terminal:
        for row in rows:
            say("  ".join(cell for cell in row if cell))
        return
    table = Table("", "time", "who", "outcome", "took", "what", "reason", box=None)
    for entry, row in zip(entries[-lines:], rows, strict=True):
        table.add_row(*row, style=None if entry.outcome is ApplyOutcome.APPLIED else _COLOURS[entry.outcome])
    out.print(table)


def _row(entry: HistoryEntry, *, stands: int | None) -> tuple[str, ...]:
    return (
        f"{'*' if entry.number == stands else ' '}{entry.number}",
        entry.time,
        entry.who,
        f"{entry.outcome}, forced" if entry.forced else str(entry.outcome),
        f"{entry.seconds:.2f} s",
        _what(entry),
        entry.error or entry.reason,
    )


def _what(entry: HistoryEntry) -> str:
    """The changes in words; the command where there are none."""
    changes = [*(_change_text(change) for change in entry.changes), *entry.notes]
    shown = changes[:_SHOWN_CHANGES]
    more = len(changes) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or entry.command


def _change_text(change: RecordedChange) -> str:
    before, after = stage_text(change["before"]), stage_text(change["after"])
    moves = [f"{before} → {after}"] if before != after else []
    return f"{change['route']} {', '.join([*moves, *change.get('fields', ())])}"
