"""Measured items of the checklist are what was measured, the others what somebody has said."""

import datetime as dt
import json
from pathlib import Path

import pytest

from strangler.cutover.checklist import CONFIRMED, ConfirmationFile, Measured, checklist
from strangler.cutover.drills import RollbackDrill, drill_record
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import UsageError
from strangler.metrics.access_log import LoggedRequest
from strangler.rollout.evidence import RecentEvidence, RouteEvidence, RunEvidence
from strangler.routes.prefixes import Prefixes
from strangler.routes.table import RouteTable, parse_routes

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def routes(stage: str) -> RouteTable:
    text = f'[[route]]\nname = "a.x"\nmethods = ["GET"]\npath = "/a/"\nstage = "{stage}"\n'
    return parse_routes(text, source="r", prefixes=Prefixes(v1="/api", v2="/api/v2", django="/api", fastapi="/api/v2"))


def compared(*, equal: int, different: int = 0, changed: tuple[str, ...] = ()) -> dict[str, RouteEvidence]:
    run = {"route": "a.x", "time": NOON.isoformat(), "asked": 9, "left": "", "right": "", "lacks": (), "bound": {}}
    last = RunEvidence(**run, equal=equal, different=different)  # type: ignore[arg-type] # as JSON has it
    return {"a.x": RouteEvidence(compared=RecentEvidence(equal=equal, different=different, last=last, changed=changed))}


def traffic(*statuses: int) -> RecentTraffic:
    found = RecentTraffic(since=NOON)
    fields = {"time": NOON, "api": "v1", "route": "a.x", "stack": "fastapi", "caller": "", "user_agent": ""}
    found.add([LoggedRequest(**fields, status=status) for status in statuses], routes={"a.x"})  # type: ignore[arg-type] # as above
    return found


def states(state: Path, **changes: object) -> dict[str, str]:
    known = {"table": routes("migrated"), "evidence": compared(equal=9), "expired": [], "traffic": traffic(200)}
    measured = Measured(**{**known, "state": state, "left": 0, "now": NOON, **changes})  # type: ignore[arg-type] # as above
    return {item.name: item.state for item in checklist(measured)}


def drill(time: str, *, errors: int = 0) -> RollbackDrill:
    numbers = {"forward_seconds": 1.0, "back_seconds": 0.5, "requests": 9, "median": 0.1, "slowest": 0.2, "status": 200}
    texts = {"who": "ann@host", "route": "a.x", "path": "/a/", "before": "parallel"}
    return RollbackDrill(time=time, errors=errors, statuses={}, **numbers, **texts)  # type: ignore[arg-type] # as above


def test_measured_items_are_what_was_measured(tmp_path: Path) -> None:
    assert {name: state for name, state in states(tmp_path).items() if name not in CONFIRMED} == {
        "routes": "done",
        "differences": "done",
        "errors": "done",
        "django": "done",
        "rollback": "open",
        "backup": "open",
        "schema": "open",
    }
    worse = states(
        tmp_path,
        table=routes('canary"\npercent = 5\n#'),
        evidence=compared(equal=8, different=1),
        traffic=traffic(200, 500),
        left=3,
    )
    assert {worse[name] for name in ("routes", "differences", "errors", "django")} == {"open"}
    unknown = states(tmp_path, evidence=compared(equal=9, changed=("fastapi",)), traffic=None, left=None)
    assert {unknown[name] for name in ("differences", "errors", "django")} == {"unknown"}
    assert states(tmp_path, expired=["one has expired"])["differences"] == "open"


def test_only_a_recent_drill_without_errors_counts(tmp_path: Path) -> None:
    for each, state in (
        (drill("2026-11-20T00:00:00Z", errors=1), "open"),
        (drill("2026-11-21T00:00:00Z"), "done"),
        (drill("2026-08-01T00:00:00Z"), "open"),
    ):
        drill_record(tmp_path, each)
        assert states(tmp_path)["rollback"] == state
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "drills.jsonl").write_text(
        '{"time": "2026-11-21T00:00:00Z", "rows": 3, "seconds": 1}\n{"time"'
    )
    assert states(tmp_path)["backup"] == "done"


def test_a_handover_counts_once_it_is_verified_without_a_difference(tmp_path: Path) -> None:
    folder = tmp_path / "handover"
    folder.mkdir()
    journal = {"steps": [], "database": "x", "checksum": "1", "who": "ann", "time": "", "command": ""}
    (folder / "journal.json").write_text(json.dumps(journal))
    entry = {"time": "2026-11-21", "who": "ann", "command": "", "checksum": "1"}
    for outcome, error, state in (("applied", "", "open"), ("verified", "", "done"), ("verified", "differs", "open")):
        with (folder / "history.jsonl").open("a") as file:
            file.write(json.dumps({**entry, "outcome": outcome, "error": error}) + "\n")
        assert states(tmp_path)["schema"] == state


def test_a_confirmation_says_who_when_and_why_and_can_be_taken_back(tmp_path: Path) -> None:
    file = ConfirmationFile(tmp_path)
    for item, sentence in (("routes", "is measured"), ("trainin", "write training"), ("x", "one of admin, ")):
        with pytest.raises(UsageError, match=sentence):
            file.add(item, reason="because")
    assert not (tmp_path / "checklist.jsonl").exists()
    confirmed = file.add("training", reason="all of us")
    with (tmp_path / "checklist.jsonl").open("a") as half:
        half.write('{"item": "costs"')
    assert file.standing() == {"training": confirmed}
    assert (states(tmp_path)["training"], states(tmp_path)["costs"]) == ("done", "open")


def test_a_withdrawn_confirmation_is_none(tmp_path: Path) -> None:
    file = ConfirmationFile(tmp_path)
    file.add("training", reason="all of us")
    file.add("training", reason="two have left", withdrawn=True)
    assert file.standing() == {}
    with pytest.raises(UsageError, match="nobody has confirmed training"):
        file.add("training", reason="again", withdrawn=True)
