"""The state folder: one supervisor at a time, and no process mistaken for another."""

from pathlib import Path

import pytest

from strangler.errors import UsageError
from strangler.local.services import Probe
from strangler.local.state import ProcessRecord, StackState, StateFolder, stale_end


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "with space" / ".run")


def test_a_second_supervisor_gets_the_pid_of_the_first(folder: StateFolder) -> None:
    me = ProcessRecord.of_this_process()
    with folder.locked():
        folder.write(StackState(supervisor=me))
        with pytest.raises(UsageError, match=rf"already runs \(pid {me.pid}\)"), folder.locked():
            pass
    with folder.locked():
        pass


def test_what_is_written_is_read(folder: StateFolder) -> None:
    probe = Probe(host="127.0.0.1", port=1, path="/", host_header="localhost")
    state = StackState(supervisor=ProcessRecord.of_this_process(), phase="ready")
    state.services["nginx"] = ProcessRecord(pid=7, create_time=1.5, address="127.0.0.1:1", probe=probe)
    with folder.locked():
        folder.write(state)
    assert folder.read() == state
    folder.forget()
    assert folder.read() is None


@pytest.mark.parametrize("text", ["", "{", '{"phase": "rea'])
def test_half_a_state_file_is_none(folder: StateFolder, text: str) -> None:
    with folder.locked():
        (folder.path / "stack.json").write_text(text)
    assert folder.read() is None


def test_a_file_in_place_of_the_folder_is_one_sentence(folder: StateFolder) -> None:
    folder.path.parent.mkdir()
    folder.path.touch()
    with (
        pytest.raises(UsageError, match=r"\.run isn't writable .*: give .* to the user who starts, or free some"),
        folder.locked(),
    ):
        pass


def test_a_process_that_got_the_id_of_an_ended_one_is_not_taken_for_it() -> None:
    me = ProcessRecord.of_this_process()
    assert me.find() is not None
    assert ProcessRecord(pid=me.pid, create_time=me.create_time - 60).find() is None


def test_nothing_is_ended_that_the_stack_did_not_start(folder: StateFolder) -> None:
    """The record names this very process under another creation time: were it ended, so would be this test."""
    me = ProcessRecord.of_this_process()
    state = StackState(supervisor=me)
    state.services["django"] = ProcessRecord(pid=me.pid, create_time=me.create_time - 60)
    with folder.locked():
        folder.write(state)
        assert stale_end(folder) == []
    assert folder.read() is None
