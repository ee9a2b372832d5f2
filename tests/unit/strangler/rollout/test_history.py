"""The history: what it keeps, what a crash leaves of it, and where a rollback leads."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from strangler.errors import FailedError
from strangler.rollout.history import ApplyOutcome, HistoryEntry, HistoryFile, Point, applied, stands_at, step_back
from strangler.rollout.state_dir import RolloutFolder


def entry(number: int, *, returns_to: int | None = None, outcome: ApplyOutcome = ApplyOutcome.APPLIED) -> HistoryEntry:
    return HistoryEntry(
        number=number,
        time="2026-11-22T12:00:00Z",
        who="alice@front",
        command="switch posts.list --to canary --percent 10",
        outcome=outcome,
        returns_to=returns_to,
        before=Point(version="a", routes="b") if number else None,
        after=Point(version=f"v{number}", routes="c"),
        changes=[{"route": "posts.list", "before": None, "after": {"stage": "canary", "percent": 10}}],
        forced=["it skips parallel"],
        evidence={"posts.list": {"equal": 3}},
        seconds=0.4,
    )


def as_read(each: HistoryEntry) -> HistoryEntry:
    """Sequences come back as lists."""
    return TypeAdapter(HistoryEntry).validate_json(json.dumps(each.as_json()))


def test_entries_come_back_as_they_were(tmp_path: Path) -> None:
    history = HistoryFile(tmp_path / "history.jsonl")
    assert history.entries() == ()
    written = [entry(0), entry(1, outcome=ApplyOutcome.FAILED), entry(2, returns_to=0)]
    for each in written:
        history.append(each)
    assert list(history.entries()) == [as_read(each) for each in written]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_half_a_line_is_no_entry_and_spoils_none(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "history.jsonl"
    history = HistoryFile(file)
    history.append(entry(0))
    history.append(entry(1))
    file.write_bytes(file.read_bytes()[:-cut])
    history.append(entry(2))
    assert [each.number for each in history.entries()] in ([0, 2], [0, 1, 2])
    assert [each.number for each in history.entries()] == ([0, 1, 2] if cut == 1 else [0, 2])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", "one"),
        ("number", 0),
        ("returns_to", 7),
        ("after", None),
        ("changes", [{"route": "posts.list"}]),
        ("outcome", "maybe"),
    ],
)
def test_what_no_apply_has_written_is_refused_by_its_line(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "history.jsonl"
    HistoryFile(file).append(entry(0))
    with file.open("a") as lines:
        lines.write(json.dumps(entry(1).as_json() | {key: value}) + "\n")
    with pytest.raises(FailedError) as caught:
        HistoryFile(file).entries()
    assert str(caught.value) == f"{file}, line 2 is nothing that an apply has written: remove the line."


def test_a_kept_routes_file_is_what_was_applied(tmp_path: Path) -> None:
    folder = RolloutFolder(tmp_path / "rollout")
    folder.path.mkdir()
    digest = folder.keep(b"as it was")
    assert folder.state(digest) == b"as it was"
    (folder.path / "states" / f"{digest}.toml").write_bytes(b"as it wasn't")
    (tmp_path / "other.toml").write_bytes(b"elsewhere")
    for wrong in (digest, "../../other"):
        with pytest.raises(FailedError, match=r"isn't what was applied: restore it, or apply another file\.$"):
            folder.state(wrong)


def test_a_journal_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text('{"entry": {}}')
    with pytest.raises(FailedError, match="is no journal of an apply: see with strangler plan"):
        RolloutFolder(tmp_path).journal_read()


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([], None),
        ([None], None),
        ([None, None], 0),
        ([None, None, None], 1),
        # A rollback after a rollback goes further back, not forth.
        ([None, None, None, 1], 0),
        ([None, None, None, 1, 0], None),
        # What was applied after a rollback leads back to where the rollback had led.
        ([None, None, None, 1, None], 1),
        ([None, None, None, 1, None, 1], 0),
        # A rollback may lead forth, by number.
        ([None, None, None, 0, 2], 1),
    ],
)
def test_a_rollback_goes_one_step_back(returns: list[int | None], expected: int | None) -> None:
    entries = [entry(number, returns_to=returns_to) for number, returns_to in enumerate(returns)]
    found = step_back(entries)
    assert (found.number if found else None) == expected


def test_what_failed_is_no_step() -> None:
    entries = [entry(0), entry(1), entry(2, outcome=ApplyOutcome.FAILED), entry(3, outcome=ApplyOutcome.INTERRUPTED)]
    found = step_back(entries)
    assert found is not None
    assert found.number == 0
    assert [each.number for each in applied(entries)] == [0, 1]
    assert stands_at(entries, entries[1]).number == 1
