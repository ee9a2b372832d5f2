"""Where the cases of one run come from, and what of them is played on copies."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from strangler.cli.case_selection import CaseSelection
from strangler.cli.comparison_run import writes_require
from strangler.errors import UsageError
from tests.example import ROOT, example_settings, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
BASES = ("http://h/api",)


def selection(*recordings: Path, **changes: Any) -> CaseSelection:
    fields: dict[str, Any] = {
        "folders": (),
        "logs": (),
        "recordings": recordings,
        "writes": True,
        "workers": 1,
        "routes": frozenset(),
        "sample": None,
        "seed": 0,
        "logins": ("alice",),
    }
    return CaseSelection(**(fields | changes))


def recording(file: Path, *methods: str) -> Path:
    entries = [{"request": {"method": method, "url": "http://h/api/tags/", "headers": []}} for method in methods]
    file.write_text(json.dumps({"log": {"entries": entries}}))
    return file


def test_the_writes_of_a_recording_are_played_with_its_reads_in_order(tmp_path: Path) -> None:
    chosen = selection(recording(tmp_path / "a.har", "GET", "POST", "GET"), recording(tmp_path / "b.har", "GET"))
    (scenario,) = chosen.scenarios(TABLE, bases=BASES)
    assert scenario.name == "a.har"
    assert [(step.case.method, step.case.caller) for step in scenario.steps] == [
        ("GET", "alice"),
        ("POST", "alice"),
        ("GET", "alice"),
    ]
    cases = chosen.cases(TABLE, bases=BASES, skipped=Counter())
    assert [case.method for case in cases] == ["GET", "GET", "GET"]


def test_without_writes_those_of_a_recording_reach_the_hint(tmp_path: Path) -> None:
    chosen = selection(recording(tmp_path / "a.har", "GET", "POST"), writes=False)
    cases = chosen.cases(TABLE, bases=BASES, skipped=Counter())
    assert [case.method for case in cases] == ["GET", "POST"]


def test_writes_want_case_files_or_a_recording(tmp_path: Path) -> None:
    settings = example_settings(gateway="local")
    writes_require(selection(tmp_path / "a.har"), elsewhere=False, allowed=False, sides=(), settings=settings)
    with pytest.raises(UsageError, match=r"plays case files and recordings: name some with --cases DIR or --har FILE"):
        writes_require(selection(logs=("-",)), elsewhere=False, allowed=False, sides=(), settings=settings)
