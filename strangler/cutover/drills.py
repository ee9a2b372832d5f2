"""Drills that were done: of a rollback (`drills.jsonl` of the state folder), of a restore (`backups/drills.jsonl`)."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from strangler.rollout.atomic_write import append_durably


@dataclass(frozen=True, kw_only=True)
class RollbackDrill:
    """One route, moved forward and back under observation.

    `forward_seconds` and `back_seconds` are how long it took until every answer came from the other stack, from the
    command on. `requests` were sent meanwhile, and `errors` of them had no answer, or another status than `status`,
    which the path had before: `statuses` counts those. `median` and `slowest` are of all answers, in seconds.
    """

    time: str
    who: str
    route: str
    path: str
    before: str
    forward_seconds: float
    back_seconds: float
    requests: int
    errors: int
    status: int
    statuses: Mapping[str, int]
    median: float
    slowest: float
    reason: str = ""


_DRILL: Final = TypeAdapter(RollbackDrill)


def drill_record(state: Path, drill: RollbackDrill) -> None:
    """Add a drill to those that were done; it is on the disk when this returns."""
    append_durably(state / "drills.jsonl", json.dumps(asdict(drill), ensure_ascii=False).encode())


def drills_read(state: Path) -> tuple[RollbackDrill, ...]:
    """The drills, the oldest first; half a line, which a crash has left, is none."""
    found = []
    for line in _lines(state / "drills.jsonl"):
        try:
            found.append(_DRILL.validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def restore_drills(state: Path) -> list[dict[str, Any]]:
    """What `strangler restore` has recorded, the oldest first."""
    found = []
    for line in _lines(state / "backups" / "drills.jsonl"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("time"), str):
            found.append(entry)
    return found


def is_recent(time: str, *, days: int, now: dt.datetime) -> bool:
    """Whether a time as the files have it is of the last days."""
    return dt.datetime.fromisoformat(time) >= now - dt.timedelta(days=days)


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines() if file.exists() else []
