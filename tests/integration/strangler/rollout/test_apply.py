"""Routes are applied to a real nginx: what fails or is killed half-way leaves, or brings back, what ran before."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.gateway import interface as gateway_module
from strangler.gateway.rendering import Rendered
from strangler.rollout import apply, rollout
from strangler.rollout import state_dir as folder
from strangler.rollout.apply import Intent, rollout_apply, rollout_begin, rollout_recover
from strangler.rollout.history import ApplyOutcome
from tests.parameters import rest_long
from tests.rollouts import NOT_KILLED, STEPS, Moves, moves

CANARY = {"stage": "canary", "percent": 10}
SECONDS = 30


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Moves]:
    with moves(tmp_path) as made:
        yield made


def test_the_start_is_the_first_entry(moving: Moves) -> None:
    (entry,) = moving.rollout.entries()
    assert (entry.number, entry.command, entry.before) == (0, "start", None)
    assert entry.after.version == moving.answers()
    rollout_recover(moving.rollout)
    rollout_begin(moving.rollout, command="start")
    assert len(moving.rollout.entries()) == 1


def test_an_apply_is_in_the_file_in_nginx_and_in_the_history(moving: Moves) -> None:
    before = moving.answers()
    content = moving.edited(posts__list=CANARY)
    entry = moving.apply(content, reason="try it")
    assert moving.file.read_bytes() == content
    assert moving.answers() == entry.after.version != before
    assert "posts.list" in (moving.nginx.current / "routes.conf").read_text()
    assert moving.rollout.entries()[-1].as_json() == json.loads(json.dumps(entry.as_json()))
    assert (entry.outcome, entry.reason, entry.before and entry.before.version) == (
        ApplyOutcome.APPLIED,
        "try it",
        before,
    )
    assert entry.changes == [
        {
            "route": "posts.list",
            "before": {"stage": "parallel", "percent": None},
            "after": {"stage": "canary", "percent": 10},
            "fields": (),
        }
    ]
    assert entry.seconds > 0
    assert moving.grown == [(28, 28)]


def test_what_was_planned_is_refused_once_anything_moved(moving: Moves) -> None:
    content = moving.edited(posts__list=CANARY)
    seen = moving.rollout.propose(content).plan.checksum
    moving.apply(moving.edited(tags__list=CANARY))
    before = moving.seen()
    with pytest.raises(UnsafeError, match="is stale"):
        rollout_apply(moving.rollout, content, checksum=seen, intent=Intent(command="late"))
    assert moving.seen() == before


def test_a_file_that_somebody_edits_meanwhile_is_not_overwritten(moving: Moves) -> None:
    content = moving.edited(posts__list=CANARY)
    seen = moving.rollout.propose(content).plan.checksum
    moving.file.write_text(moving.file.read_text() + "# a colleague was here\n")
    with pytest.raises(UnsafeError, match="is stale"):
        rollout_apply(moving.rollout, content, checksum=seen, intent=Intent(command="late"))
    assert moving.file.read_text().endswith("# a colleague was here\n")


def test_what_might_do_harm_needs_force_and_a_reason(moving: Moves) -> None:
    content = moving.edited(auth__token=CANARY)
    before = moving.seen()
    for intent in ({}, {"force": True}, {"reason": "because"}):
        with pytest.raises(UnsafeError, match="touches sign-in"):
            moving.apply(content, **intent)
    assert moving.seen() == before
    assert moving.apply(content, force=True, reason="because").forced == ("it touches sign-in (auth.token)",)


def test_a_bad_file_touches_nothing(moving: Moves) -> None:
    before = moving.seen()
    with pytest.raises(UsageError, match="choose one of"):
        moving.rollout.propose(moving.file.read_bytes().replace(b'"legacy"', b'"legcay"'))
    assert moving.seen() == before


def test_nginx_refuses_and_nothing_was_touched(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    render = rollout.render_gateway

    def broken(*arguments: object) -> Rendered:
        rendered = render(*arguments)  # type: ignore[arg-type] # passed on
        return Rendered(version="b0b0b0", files=rendered.files | {"http.conf": "no_such_directive;\n"})

    content = moving.edited(posts__list=CANARY)
    before = moving.seen()
    monkeypatch.setattr(rollout, "render_gateway", broken)
    with pytest.raises(FailedError, match='nginx refuses: unknown directive "no_such_directive"'):
        moving.apply(content)
    assert moving.seen() == before
    assert len(moving.rollout.entries()) == 1
    assert not (moving.nginx.folder / "versions" / "b0b0b0").exists()


def test_a_gateway_that_does_not_take_over_is_put_back(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new version is asked for in vain; the one of before, which the restore asks for, answers."""
    before = moving.seen()
    wanted = moving.edited(posts__list=CANARY)

    def wait(version: str) -> None:
        url = moving.nginx.url
        gateway_module.wait_until_running(url, version if version == before[1] else "never", seconds=0.5)

    monkeypatch.setattr(moving.rollout.gateway, "wait_until_running", wait)
    with pytest.raises(FailedError, match=r"did not take over version never.*what ran before runs again"):
        moving.apply(wanted)
    assert moving.seen() == before
    failed = moving.rollout.entries()[-1]
    assert (failed.outcome, failed.number) == (ApplyOutcome.FAILED, 1)
    assert "did not take over" in failed.error
    monkeypatch.undo()
    assert moving.apply(wanted).number == 2


def test_ctrl_c_puts_back_what_ran_before(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    before = moving.seen()

    def interrupted(version: str) -> None:
        if version != before[1]:
            raise KeyboardInterrupt
        gateway_module.wait_until_running(moving.nginx.url, version)

    monkeypatch.setattr(moving.rollout.gateway, "wait_until_running", interrupted)
    with pytest.raises(KeyboardInterrupt):
        moving.apply(moving.edited(posts__list=CANARY))
    assert "KeyboardInterrupt; what ran before runs again, and routes.toml is as it was." in moving.reported
    assert moving.seen() == before
    assert moving.rollout.entries()[-1].outcome is ApplyOutcome.FAILED


def test_without_a_gateway_nothing_is_applied(moving: Moves) -> None:
    content = moving.edited(posts__list=CANARY)
    file = moving.file.read_bytes()
    moving.nginx.stop()
    with pytest.raises(UsageError, match="start it"):
        moving.apply(content)
    assert moving.file.read_bytes() == file


@pytest.mark.parametrize("step", rest_long(STEPS))
def test_a_kill_at_any_step_is_repaired_by_the_next_call(moving: Moves, step: str) -> None:
    before = moving.seen()
    moving.kill_after(step)
    rollout_recover(moving.rollout)
    assert not (moving.rollout.folder.path / "journal.json").exists()
    last = moving.rollout.entries()[-1]
    if step == "append":
        # It was done, but for the end of its journal.
        assert (last.outcome, moving.answers()) == (ApplyOutcome.APPLIED, last.after.version)
        assert b"legacy" in moving.file.read_bytes()
        assert moving.reported == []
    else:
        assert moving.seen() == before
        assert last.outcome is ApplyOutcome.INTERRUPTED
        assert "'move to legacy'" in moving.reported[0]
    assert moving.apply(moving.edited(tags__list=CANARY)).number == 2


def test_a_kill_is_repaired_by_a_start_too(moving: Moves) -> None:
    before = moving.seen()
    moving.kill_after("reload")
    moving.nginx.stop()
    rollout_begin(moving.rollout, command="start")
    moving.nginx.start()
    assert moving.seen() == before


def test_edits_made_after_a_kill_are_kept_aside(moving: Moves) -> None:
    before = moving.seen()
    moving.kill_after("activate")
    mine = moving.file.read_bytes() + b"# mine\n"
    moving.file.write_bytes(mine)
    rollout_recover(moving.rollout)
    assert moving.seen() == before
    (kept,) = (moving.rollout.folder.path / "set-aside").iterdir()
    assert kept.read_bytes() == mine
    assert str(kept) in moving.reported[0]


def test_a_version_that_nginx_was_not_reported_to_read_is_no_start(moving: Moves) -> None:
    """As `docker compose up` leaves it: the file was edited, rendered and made current beside an nginx that runs."""
    before = moving.answers()
    content = moving.edited(posts__list=CANARY)
    moving.file.write_bytes(content)
    moving.nginx.render(moving.rollout.parse(content))
    rollout_recover(moving.rollout)
    assert len(moving.rollout.entries()) == 1
    assert moving.answers() == before
    assert [change.name for change in moving.rollout.propose(content).plan.changes] == ["posts.list"]
    entry = moving.apply(content)
    assert moving.answers() == entry.after.version != before


def test_two_at_once_are_one_after_the_other_or_one_is_refused(moving: Moves) -> None:
    """Both have planned from the same state: the second finds that it moved."""
    started = [moving.start_elsewhere(NOT_KILLED, stage) for stage in ("legacy", "migrated")]
    outputs = [process.communicate(timeout=SECONDS) for process in started]
    applied = [entry for entry in moving.rollout.entries()[1:] if entry.outcome is ApplyOutcome.APPLIED]
    refused = [output[1] for process, output in zip(started, outputs, strict=True) if process.returncode]
    assert len(applied) + len(refused) == 2
    assert all("is stale" in text for text in refused)
    last = applied[-1]
    assert moving.answers() == moving.rollout.gateway.current() == last.after.version
    assert moving.rollout.folder.state(last.after.routes) == moving.file.read_bytes()


def test_who_waits_too_long_is_reported_for_whom(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOCK_SECONDS", 0.2)
    started = time.monotonic()
    with moving.rollout.folder.locked(), pytest.raises(UnsafeError, match=r"@.*is applying: wait"):
        rollout_recover(moving.rollout)
    assert time.monotonic() - started < SECONDS


def test_a_rollback_by_number_brings_back_the_bytes(moving: Moves) -> None:
    first = moving.seen()
    moving.apply(moving.edited(posts__list=CANARY))
    moving.apply(moving.edited(tags__list=CANARY))
    entry = moving.rollout.entry(0)
    content = moving.rollout.folder.state(entry.after.routes)
    moving.apply(content, returns_to=0)
    assert moving.seen() == first
    assert moving.rollout.entry(3).number == 0
    with pytest.raises(UsageError, match="choose one"):
        moving.rollout.entry(4)


def test_nginx_that_somebody_edited_by_hand_is_mended_by_an_apply(moving: Moves) -> None:
    before = moving.seen()
    (moving.nginx.current / "routes.conf").write_text("# gone\n")
    (moving.nginx.current / "more.conf").write_text("# added\n")
    plan = moving.rollout.propose(moving.file.read_bytes()).plan
    assert "they are rendered again" in next(plan.lines())
    moving.apply(moving.file.read_bytes())
    assert moving.seen() == before


def test_old_versions_go_and_what_runs_stays(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "_KEPT_VERSIONS", 2)
    for percent in (1, 2, 3, 4):
        moving.apply(moving.edited(posts__list={"stage": "canary", "percent": percent}))
    versions = {path.name for path in (moving.nginx.folder / "versions").iterdir()}
    assert versions == {entry.after.version for entry in moving.rollout.entries()[-2:]}
