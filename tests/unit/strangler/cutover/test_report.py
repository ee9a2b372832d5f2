"""The report says what was measured, and a text of a person or a client is text in both of its forms."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from strangler.compare.declared import DeclaredDifference
from strangler.cutover.checklist import ChecklistItem
from strangler.cutover.costs import StackCost
from strangler.cutover.observer import SETTLED, Observation, failures, settled_at
from strangler.cutover.report import comparison_load, report_make
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import UsageError
from strangler.metrics.access_log import LoggedRequest
from strangler.rollout.history import ApplyOutcome, HistoryEntry, Point
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Stack
from strangler.routes.table import parse_routes

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
ROUTE = '[[route]]\nname = "a.x"\nmethods = ["GET"]\npath = "/a/"\nstage = "migrated"\n'
TABLE = parse_routes(ROUTE, source="r", prefixes=Prefixes(v1="/api", v2="/api/v2", django="/api", fastapi="/api/v2"))
EVIL = "<script>alert(1)</script> | `x`\nnext"
TIMING = {"p50": 0.1, "p95": 0.2, "p99": 0.3}
COMPARED = {
    "exit_code": 0,
    **{side: {"name": side, "url": "http://x"} for side in ("left", "right")},
    "started": "2026-11-22T11:00:00Z",
    "seconds": 2.0,
    "routes": [
        {
            "route": "a.x",
            "asked": 9,
            "equal": 7,
            "different": 1,
            "declared": 1,
            "noise": 0,
            "failed": 0,
            "ratio": 2,
            "left": {**TIMING, "statements_median": 5},
            "right": {**TIMING, "statements_median": 1.5},
        }
    ],
}


COST = StackCost(stack=Stack.FASTAPI, since=NOON, requests=4000, processor_seconds=6.2, memory=81.6)


def entry(number: int, before: str | None, after: str, **changes: object) -> HistoryEntry:
    stages = [{"stage": stage, "percent": None} if stage else None for stage in (before, after)]
    made = HistoryEntry(
        number=number,
        time=f"2026-11-2{number}T00:00:00Z",
        who="ann@host",
        command="switch",
        before=None,
        after=Point(version="1", routes="1"),
        changes=[{"route": "a.x", "before": stages[0], "after": stages[1]}],  # type: ignore[typeddict-item] # the same
    )
    return replace(made, **changes)


def made(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "compared.json").write_text(json.dumps(COMPARED))
    traffic = RecentTraffic(since=NOON)
    fields = {"time": NOON, "api": "v1", "route": "a.x", "caller": EVIL, "user_agent": EVIL}
    requests = [("django", 200, 0.2), ("fastapi", 200, 0.01), ("fastapi", 500, 0.01)]
    traffic.add(
        [LoggedRequest(**fields, stack=stack, status=status, seconds=each) for stack, status, each in requests],  # type: ignore[arg-type] # as JSON has it
        routes={"a.x"},
    )
    report = report_make(
        name="shop",
        now=NOON,
        table=TABLE,
        entries=[
            entry(1, None, "legacy"),
            entry(2, "legacy", "migrated", reason=EVIL),
            entry(3, "migrated", "legacy", outcome=ApplyOutcome.FAILED),
        ],
        evidence={},
        traffic=traffic,
        costs=[COST],
        comparison=comparison_load(tmp_path / "compared.json"),
        declared=[
            DeclaredDifference(route="a.x", reason=EVIL, owner="ann", expires=dt.date(2026, 11, 21), header="x-a")
        ],
        checklist=[ChecklistItem(name="costs", title="Savings", done=True, note=EVIL, measured=False)],
        drills=[],
    )
    return report.as_html(), report.as_markdown()


def test_both_forms_say_what_was_measured(tmp_path: Path) -> None:
    html, markdown = made(tmp_path)
    assert (
        "| a.x | migrated | 2026-11-22T00:00:00Z | 8 of 9 equal, 1 of them declared | 5 → 1.5 | 201, 201 | 10, 10 |"
        in markdown
    )
    assert "| django v1 | 1 | 0.00% |" in markdown
    assert "| fastapi v1 | 2 | 50.00% |" in markdown
    assert "| fastapi | 2026-11-22T12:00:00Z | 4,000 | 1.6 | 82 |" in markdown
    assert '<td class="number">4,000</td><td class="number">1.6</td><td class="number">82</td>' in html
    # Neither the start, which moved nothing, nor an apply that failed is a move.
    assert (markdown.count("- 2026-11-"), html.count("→ migrated")) == (1, 1)
    assert "until 2026-11-21, expired" in markdown
    assert "<td>8 of 9 equal, 1 of them declared</td><td>5 → 1.5</td>" in html


def test_a_text_of_a_person_stays_text(tmp_path: Path) -> None:
    html, markdown = made(tmp_path)
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)") == 3
    assert markdown.count("\\<script\\>alert(1)\\</script\\> \\| \\`x\\` next") == 3
    assert "http" not in html.replace("http-equiv", "")


def test_what_is_no_comparison_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    for name in ("no.json", "missing.json"):
        with pytest.raises(UsageError, match="strangler compare --json FILE"):
            comparison_load(tmp_path / name)


def seen(stack: str, began: float, status: int | None = 200) -> Observation:
    return Observation(began=began, seconds=0.01, status=status, stack=stack)


def test_a_move_has_taken_effect_at_the_first_of_many_answers_in_a_row() -> None:
    before = [seen("django", number) for number in range(9)]
    # Old and new workers take turns for a while.
    mixed = [seen("fastapi", 10), seen("django", 11)]
    after = [seen("fastapi", 12 + number) for number in range(SETTLED)]
    assert settled_at([*before, *mixed, *after], Stack.FASTAPI, since=9) == 12
    assert settled_at([*before, *mixed, *after[1:]], Stack.FASTAPI, since=9) is None
    assert settled_at([*before, *mixed, *after], Stack.FASTAPI, since=13) is None
    assert settled_at([*before, *mixed, *after], Stack.DJANGO, since=0) is None


def test_another_status_than_before_is_a_failure() -> None:
    found = failures(
        [seen("django", 1), seen("fastapi", 2, 404), seen("fastapi", 3, 404), seen("", 4, None)], status=200
    )
    assert found == {"404": 2, "nothing": 1}
