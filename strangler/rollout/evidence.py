"""What comparisons have shown of each route: what a move asks for."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from strangler.rollout.atomic_write import append_durably

# Enough for the runs of months, each of a few hundred routes; older lines are never read.
_READ_BYTES: Final = 10_000_000


@dataclass(frozen=True, kw_only=True)
class RunEvidence:
    """What one run has shown of one route.

    `time` is its start in UTC, `asked` how many cases were compared, `equal` how many of them are, declared differences
    aside; `left` and `right` are the stacks' versions.
    """

    route: str
    time: str
    asked: int
    equal: int
    different: int
    left: str
    right: str


@dataclass(frozen=True, kw_only=True)
class RecentEvidence:
    """What is known of a route lately: equal answers of all runs, and differences of the last one."""

    equal: int
    different: int
    last: RunEvidence


@dataclass(frozen=True, kw_only=True)
class RouteEvidence:
    """All that is known of a route: by comparisons lately, and what the shadow has counted."""

    compared: RecentEvidence | None = None
    shadow: Mapping[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """For the history of moves."""
        return {
            "compared": asdict(self.compared) if self.compared else None,
            "shadow": dict(self.shadow) if self.shadow else None,
        }


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a move to canary or further needs: so many equal comparisons of its route within so many days."""

    equal: int
    days: int


class EvidenceFile:
    """A file with a line for each route of each run."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, run: Iterable[RunEvidence]) -> None:
        """Keep what a run has shown of each route.

        :raises OSError: the file can't be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(each)) for each in run]
        if lines:
            append_durably(self._file, "\n".join(lines).encode())

    def known(self, names: Iterable[str], *, since: dt.datetime) -> dict[str, RecentEvidence]:
        """What the runs that began after `since` have shown of these routes; those without any are left out."""
        wanted = set(names)
        found: dict[str, RecentEvidence] = {}
        for each in self._read():
            if each.route not in wanted or dt.datetime.fromisoformat(each.time) < since:
                continue
            earlier = found[each.route].equal if each.route in found else 0
            found[each.route] = RecentEvidence(equal=earlier + each.equal, different=each.different, last=each)
        return found

    def _read(self) -> Iterable[RunEvidence]:
        try:
            with self._file.open("rb") as file:
                file.seek(max(0, self._file.stat().st_size - _READ_BYTES))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield RunEvidence(**json.loads(line))
            except (ValueError, TypeError):
                continue  # half a line, which a crash or the cut has left


def evidence_path(state_dir: Path) -> Path:
    """Where the comparisons of the stack with that state folder are kept."""
    return state_dir / "compare" / "evidence.jsonl"


def evidence_find(
    file: Path, names: Iterable[str], *, proof: Proof, shadow: Mapping[str, Mapping[str, int]]
) -> dict[str, RouteEvidence]:
    """What is known of these routes by the comparisons in `file`, and by what the shadow has counted of each."""
    wanted = list(names)
    known = EvidenceFile(file).known(wanted, since=dt.datetime.now(dt.UTC) - dt.timedelta(days=proof.days))
    return {
        name: RouteEvidence(compared=known.get(name), shadow=shadow.get(name))
        for name in wanted
        if name in known or name in shadow
    }
