"""What comparisons have shown of each route: what a move asks for."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from strangler.rollout.atomic_write import append_durably

# Enough for the runs of months, each of a few hundred routes; older lines are never read.
_READ_BYTES: Final = 10_000_000


@dataclass(frozen=True, kw_only=True)
class RunEvidence:
    """What one run has shown of one route.

    `time` is its start in UTC, `asked` how many cases were compared, `equal` how many of them are, declared differences
    aside; `left` and `right` are the stacks' versions. `lacks` are the kinds of answers and callers without which equal
    answers prove nothing. `bound` has the digests of both stacks and of the files that it was made with, empty ones for
    what wasn't known: it says nothing about others.
    """

    route: str
    time: str
    asked: int
    equal: int
    different: int
    left: str
    right: str
    lacks: Sequence[str]
    bound: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RecentEvidence:
    """What is known of a route lately: equal answers of all runs, and differences of the last one.

    `lacks` is what the most complete run lacks. `changed` has changed since the last run; then no run counts.
    """

    equal: int
    different: int
    last: RunEvidence
    lacks: Sequence[str] = ()
    changed: Sequence[str] = ()

    @property
    def unbound(self) -> tuple[str, ...]:
        """What of the last run isn't known, and so may have changed since."""
        return tuple(name for name, digest in self.last.bound.items() if not digest)


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

    def known(
        self, names: Iterable[str], *, since: dt.datetime, digest: Callable[[str], str]
    ) -> dict[str, RecentEvidence]:
        """What the runs that began after `since` have shown of these routes; those without any are left out.

        `digest` gives what a run's `bound` is now: a run that was made with anything else doesn't count.
        """
        wanted = set(names)
        found: dict[str, RecentEvidence] = {}
        for each in self._read():
            if each.route not in wanted or dt.datetime.fromisoformat(each.time) < since:
                continue
            changed = [name for name, before in each.bound.items() if before and digest(name) != before]
            earlier = found.get(each.route)
            if changed:
                if earlier is None or earlier.changed:
                    found[each.route] = RecentEvidence(equal=0, different=0, last=each, changed=changed)
                continue
            latest = RecentEvidence(equal=each.equal, different=each.different, last=each, lacks=each.lacks)
            if earlier and not earlier.changed:
                lacks = min(earlier.lacks, each.lacks, key=len)
                latest = replace(latest, equal=earlier.equal + each.equal, lacks=lacks)
            found[each.route] = latest
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
    """Where the comparisons of the project with that state folder are kept."""
    return state_dir / "compare" / "evidence.jsonl"


def evidence_find(
    file: Path,
    names: Iterable[str],
    *,
    proof: Proof,
    shadow: Mapping[str, Mapping[str, int]],
    digest: Callable[[str], str],
) -> dict[str, RouteEvidence]:
    """What is known of these routes by the comparisons in `file`, and by what the shadow has counted of each.

    `digest` gives what a comparison was made with, as it is now.
    """
    wanted = list(names)
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=proof.days)
    known = EvidenceFile(file).known(wanted, since=since, digest=digest)
    return {
        name: RouteEvidence(compared=known.get(name), shadow=shadow.get(name))
        for name in wanted
        if name in known or name in shadow
    }
