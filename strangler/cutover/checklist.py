"""The migration's checklist: what is measured, and what a person confirms, with who, when and why."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from strangler.cutover.drills import drills_read, is_recent, restore_drills
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import FailedError, UsageError, many
from strangler.handover.journal import HandoverFolder
from strangler.metrics.clients import moment_text
from strangler.rollout.atomic_write import append_durably
from strangler.rollout.evidence import RouteEvidence
from strangler.rollout.history import not_readable, operator, utc_now
from strangler.routes.mistakes import nearest
from strangler.routes.route import Stack, Stage
from strangler.routes.table import RouteTable

MEASURED: Final[Mapping[str, str]] = {
    "routes": "All routes are migrated or retired",
    "differences": "Both stacks answer alike",
    "errors": "FastAPI's error rate is low",
    "rollback": "A rollback was drilled",
    "backup": "A restore was drilled",
    "schema": "The schema is handed over, and verified",
    "django": "Nothing needs Django any more",
}
CONFIRMED: Final[Mapping[str, str]] = {
    "admin": "The admin's replacement is in use",
    "monitoring": "Monitoring and alerting are set up",
    "load": "Load tests were run",
    "dependencies": "Django's dependencies are removed",
    "documentation": "The documentation is updated",
    "training": "The team is trained",
    "performance": "Gains in performance were measured",
    "costs": "Savings were validated",
}
_MOST_ERRORS: Final = 0.001
_DRILL_DAYS: Final = 90


@dataclass(frozen=True, kw_only=True)
class ChecklistItem:
    """One line. `done` is None where it can't be known; `note` is what was seen, or who confirmed it, when and why."""

    name: str
    title: str
    done: bool | None
    note: str
    measured: bool

    @property
    def state(self) -> str:
        """In a word."""
        return {True: "done", False: "open", None: "unknown"}[self.done]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the measured items are made of; `left` are the ties to Django, None where they were not looked at."""

    table: RouteTable
    evidence: Mapping[str, RouteEvidence]
    expired: Sequence[str]
    traffic: RecentTraffic | None
    state: Path
    left: int | None
    now: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What somebody has said of an item; `withdrawn` takes an earlier one back."""

    item: str
    time: str
    who: str
    reason: str
    withdrawn: bool = False


_CONFIRMATION: Final = TypeAdapter(Confirmation)


class ConfirmationFile:
    """The confirmations (`checklist.jsonl` of the state folder), which is only ever added to."""

    def __init__(self, state: Path) -> None:
        self._file = state / "checklist.jsonl"

    def add(self, item: str, *, reason: str, withdrawn: bool = False) -> Confirmation:
        """Record a confirmation by the operator.

        :raises UsageError: there is no such item, it is measured, or nothing is to be withdrawn.
        :raises FailedError: the folder isn't writable.
        """
        if item in MEASURED:
            raise UsageError(f"{item} is measured, and nobody can confirm it", "see strangler checklist")
        if item not in CONFIRMED:
            known = nearest(item, CONFIRMED) or f"one of {', '.join(CONFIRMED)}"
            raise UsageError(f"there is no item {item}", f"write {known}")
        if withdrawn and item not in self.standing():
            raise UsageError(f"nobody has confirmed {item}", "see strangler checklist")
        time = utc_now().isoformat().replace("+00:00", "Z")
        found = Confirmation(item=item, time=time, who=operator(), reason=reason, withdrawn=withdrawn)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            append_durably(self._file, json.dumps(asdict(found), ensure_ascii=False).encode())
        except OSError as error:
            hint = "run as the user who started the stack"
            raise FailedError(f"{self._file} isn't writable ({error.strerror})", hint) from error
        return found

    def standing(self) -> dict[str, Confirmation]:
        """The last confirmation of each item that was not withdrawn; half a line, which a crash has left, is none.

        :raises FailedError: the file isn't readable.
        """
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise not_readable(self._file, error) from error
        found: dict[str, Confirmation] = {}
        for line in lines:
            try:
                each = _CONFIRMATION.validate_json(line)
            except ValidationError:
                continue
            found[each.item] = each
        return {item: each for item, each in found.items() if not each.withdrawn}


def checklist(measured: Measured) -> tuple[ChecklistItem, ...]:
    """All items, the measured ones first.

    :raises FailedError: a file of the state folder isn't readable.
    """
    return (*_measured_items(measured), *_confirmed_items(measured.state))


def _measured_items(measured: Measured) -> Iterator[ChecklistItem]:
    readers = {
        "routes": _routes,
        "differences": _differences,
        "errors": _errors,
        "rollback": _rollback,
        "backup": _backup,
        "schema": _schema,
        "django": _django,
    }
    for name, title in MEASURED.items():
        done, note = readers[name](measured)
        yield ChecklistItem(name=name, title=title, done=done, note=note, measured=True)


def _confirmed_items(state: Path) -> Iterator[ChecklistItem]:
    standing = ConfirmationFile(state).standing()
    for name, title in CONFIRMED.items():
        by = standing.get(name)
        note = f"{by.who}, {by.time}: {by.reason}" if by else f"strangler checklist confirm {name} --reason TEXT"
        yield ChecklistItem(name=name, title=title, done=by is not None, note=note, measured=False)


_Seen = tuple[bool | None, str]


def _routes(measured: Measured) -> _Seen:
    routes = [route for route in measured.table.routes if not route.v2_only]
    moved = [route for route in routes if route.stage in {Stage.MIGRATED, Stage.RETIRED}]
    return len(moved) == len(routes), f"{len(moved)} of {len(routes)}"


def _differences(measured: Measured) -> _Seen:
    compared = {name: known.compared for name, known in measured.evidence.items() if known.compared}
    different = sorted(name for name, known in compared.items() if known.different)
    shadowed = {name: (known.shadow or {}).get("different", 0) for name, known in measured.evidence.items()}
    different += sorted(name for name, count in shadowed.items() if count and name not in different)
    if measured.expired or different:
        return False, "; ".join([*([f"different: {', '.join(different)}"] if different else []), *measured.expired])
    stale = [
        route.name for route in measured.table.routes if not route.v2_only and not _is_proved(compared.get(route.name))
    ]
    if stale:
        return None, f"not compared with this code: {many(len(stale), 'route')}, such as {stale[0]}"
    return True, f"{many(len(compared), 'route')} compared, none differs"


def _is_proved(known: Any) -> bool:  # noqa: ANN401 - RecentEvidence or None
    return known is not None and not known.changed and known.equal > 0


def _errors(measured: Measured) -> _Seen:
    if measured.traffic is None:
        return None, "there is no access log"
    tally = measured.traffic.tally(Stack.FASTAPI)
    since = moment_text(measured.traffic.since)
    if not tally.requests:
        return None, f"FastAPI has answered no request since {since}"
    note = f"{tally.error_rate:.3%} of {many(tally.requests, 'request')} since {since}, {_MOST_ERRORS:.1%} may be"
    return tally.error_rate <= _MOST_ERRORS, note


def _rollback(measured: Measured) -> _Seen:
    drills = drills_read(measured.state)
    if not drills:
        return False, "never: strangler drill NAME"
    last = drills[-1]
    note = f"{last.route}, {last.time}: back in {last.back_seconds:.2f} s, {many(last.errors, 'error')}"
    if last.errors:
        return False, note
    return _recent(last.time, note, measured, again="strangler drill NAME")


def _backup(measured: Measured) -> _Seen:
    drills = restore_drills(measured.state)
    if not drills:
        return False, "never: strangler backup, then strangler restore FOLDER"
    last = drills[-1]
    note = f"{last['time']}: {last.get('rows', 0):,} rows in {last.get('seconds', 0)} s"
    return _recent(str(last["time"]), note, measured, again="strangler restore FOLDER")


def _recent(time: str, note: str, measured: Measured, *, again: str) -> _Seen:
    if is_recent(time, days=_DRILL_DAYS, now=measured.now):
        return True, note
    return False, f"{note}; that is more than {_DRILL_DAYS} days ago: {again}"


def _schema(measured: Measured) -> _Seen:
    folder = HandoverFolder(measured.state / "handover")
    journal = folder.read()
    if journal is None or not journal.is_applied:
        return False, "not handed over: strangler handover plan"
    last = next((entry for entry in reversed(folder.entries()) if entry.outcome in {"verified", "applied"}), None)
    if last is None or last.outcome != "verified":
        return False, "handed over, and not verified: strangler handover verify"
    if last.error:
        return False, f"verified {last.time}, and different: {last.error}"
    return True, f"verified {last.time}"


def _django(measured: Measured) -> _Seen:
    if measured.left is None:
        return None, "not looked at: strangler cutover check"
    return not measured.left, f"{measured.left} left: strangler cutover check" if measured.left else "nothing is left"
