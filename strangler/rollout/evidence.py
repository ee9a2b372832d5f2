"""What comparisons have shown of each route: what a move asks for."""

import datetime as dt
import fcntl
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

# pydantic reads no other before Python 3.12.
from typing_extensions import TypedDict

from strangler.rollout.atomic_write import append_durably

_SHOWN: Final = 5


class StandingCase(TypedDict):
    """A case that differed and hasn't been equal since: its name, and the scenario that it is played in, or none.

    `folder` is that of its case file; empty where it was replayed.
    """

    case: str
    scenario: str
    folder: str


# What a comparison of writes that changed nothing lacks.
NO_ROWS: Final = "a write that changes rows"
# What stands before the method, or the answer, that a comparison lacks.
A_SUCCESSFUL: Final = "a successful "


@dataclass(frozen=True, kw_only=True)
class RunEvidence:
    """What one run has shown of one route.

    `time` is its start in UTC, `asked` how many cases were compared, `equal` how many of them are, declared differences
    aside, and `distinct` how many different ones those are; `left` and `right` are the stacks' versions. `lacks` are
    the kinds of answers and callers without which equal answers prove nothing. `bound` has the digests of both stacks
    and of the files that it was made with, empty ones for what wasn't known: it says nothing about others.

    `standing` are the cases that differed, in this run or in one before, and have not been equal since, by their keys;
    `settled` the keys of those that differed before and are equal now. `unlisted` is how many cases a run compared of
    which too many differed to name all, 0 if there is none.
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
    standing: Mapping[str, StandingCase] = field(default_factory=dict)
    settled: Sequence[str] = ()
    unlisted: int = 0
    distinct: int = 0

    def following(self, before: "RunEvidence", *, gone: Collection[str]) -> "RunEvidence":
        """With the cases that stand since the run `before`; those that are `gone` can't be equal any more."""
        ended = {*self.settled, *gone}
        standing = {key: case for key, case in before.standing.items() if key not in ended}
        is_left = self.different or self.asked < before.unlisted
        unlisted = max(self.unlisted, before.unlisted if is_left else 0)
        return replace(self, standing={**standing, **self.standing}, unlisted=unlisted)

    @property
    def unsettled(self) -> int:
        """How many differences there are: those that stand, or those of this run that no case is known of."""
        return max(len(self.standing) + bool(self.unlisted), self.different)


@dataclass(frozen=True, kw_only=True)
class RecentEvidence:
    """What is known of a route: how many different cases were equal in one run, and differences that none has settled.

    The same case in every run proves no more than in one: `equal` is that of the run with most. `standing` are the
    names of cases that differed and have not been equal since. `lacks` is what the most complete run lacks. `changed`
    has changed since the last run; then no run counts.
    """

    equal: int
    different: int
    last: RunEvidence
    standing: Sequence[str] = ()
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
        compared = asdict(self.compared) if self.compared else {}
        if compared:
            # The history names a few; evidence has them all.
            compared |= {"standing": compared["standing"][:_SHOWN]}
            for key in ("standing", "settled"):
                compared["last"].pop(key)
        return {
            "compared": compared or None,
            "shadow": dict(self.shadow) if self.shadow else None,
        }


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a move to canary or further needs: so many different cases of its route, equal in one run of these days."""

    equal: int
    days: int


class EvidenceFile:
    """A file with a line for each route of each run."""

    def __init__(self, file: Path) -> None:
        self.path = file

    def add(self, run: Iterable[RunEvidence], *, gone: Collection[str] = ()) -> None:
        """Keep what a run has shown of each route. Cases that differed before and are not equal now still stand.

        `gone` are the keys of cases that stand in no file any more.

        :raises OSError: the file can't be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as lock:
            # Another run may end at the same moment.
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = {each.route: each for each in self._read()}
            following = (each.following(before.get(each.route, each), gone=gone) for each in run)
            if lines := [json.dumps(asdict(each)) for each in following]:
                append_durably(self.path, "\n".join(lines).encode())

    def standing(self) -> dict[str, StandingCase]:
        """The cases of all routes that differed and have not been equal since, by their keys."""
        last = {each.route: each.standing for each in self._read()}
        return {key: case for cases in last.values() for key, case in cases.items()}

    def known(
        self, names: Iterable[str], *, since: dt.datetime, digest: Callable[[str], str]
    ) -> dict[str, RecentEvidence]:
        """What the runs that began after `since` have shown of these routes; those without any are left out.

        `digest` gives what a run's `bound` is now: a run that was made with anything else doesn't count.
        """
        wanted = set(names)
        found: dict[str, RecentEvidence] = {}
        last: dict[str, RunEvidence] = {}
        for each in self._read():
            if each.route not in wanted:
                continue
            last[each.route] = each
            if dt.datetime.fromisoformat(each.time) < since:
                continue
            changed = [name for name, before in each.bound.items() if before and digest(name) != before]
            earlier = found.get(each.route)
            if changed:
                if earlier is None or earlier.changed:
                    found[each.route] = RecentEvidence(equal=0, different=0, last=each, changed=changed)
                continue
            latest = RecentEvidence(equal=each.distinct, different=each.unsettled, last=each, lacks=each.lacks)
            if earlier and not earlier.changed:
                lacks = min(earlier.lacks, each.lacks, key=len)
                latest = replace(latest, equal=max(earlier.equal, each.distinct), lacks=lacks)
            found[each.route] = latest
        for name, run in last.items():
            if run.standing or run.unlisted:
                # It stands however long ago that was, and whatever has changed.
                recent = found.get(name) or RecentEvidence(equal=0, different=0, last=run)
                cases = [case["case"] for case in run.standing.values()]
                found[name] = replace(recent, different=run.unsettled, standing=cases)
        return found

    def _read(self) -> Iterable[RunEvidence]:
        try:
            with self.path.open("rb") as file:
                for line in file:
                    try:
                        yield RunEvidence(**json.loads(line))
                    except (ValueError, TypeError):
                        continue  # half a line, which a crash has left
        except FileNotFoundError:
            return


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
