"""Scripts that a container has nginx's run: with the very loop of docker-compose.yml, in a folder."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from strangler.errors import FailedError
from strangler.gateway import moves_folder
from strangler.gateway.moves_folder import MovesFolder
from tests.example import ROOT


def loop() -> str:
    """The loop of nginx's container, as compose passes it on."""
    (command,) = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["nginx"]["command"][2:]
    begin, end = command.index("(\n"), command.index(") &\n")
    return str(command[begin + 1 : end]).replace("$$", "$")


def is_read(pipe: Path) -> bool:
    """Whether the loop listens there: on a busy machine it makes the pipe long before it opens it."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[MovesFolder]:
    process = subprocess.Popen(["sh", "-c", loop().replace("/moves", str(tmp_path)).replace("timeout 30", "timeout 1")])  # noqa: S603, S607 - the loop itself
    try:
        while not is_read(tmp_path / "requests"):
            assert process.poll() is None
        yield MovesFolder(tmp_path, command="docker compose")
    finally:
        process.kill()
        process.wait()


def test_a_script_is_run_with_its_arguments_and_input_and_its_end_comes_back(
    folder: MovesFolder, tmp_path: Path
) -> None:
    ended = folder.inside("nginx", 'echo "$# $2"; cat; echo no >&2; exit 3', "one", "two", stdin=b"three\x00")
    assert (ended.code, ended.stdout, ended.stderr) == (3, "2 two\nthree\x00", "no\n")
    assert folder.inside("nginx", 'false\necho "not reached"').code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["requests"]


def test_where_nobody_listens_it_is_said_at_once(folder: MovesFolder, tmp_path: Path) -> None:
    assert folder.inside("nginx", "echo well").stdout == "well\n"
    nobody = MovesFolder(tmp_path / "elsewhere", command="docker compose")
    with pytest.raises(
        FailedError, match=r"^the container nginx can't be reached \(No such file or directory\): start"
    ):
        nobody.inside("nginx", "true")


def test_a_script_that_does_not_end_is_given_up(folder: MovesFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves_folder, "EXEC_SECONDS", 0.3)
    with pytest.raises(FailedError, match=r"can't be reached \(no answer within 0.3 s\)"):
        folder.inside("nginx", "sleep 5")
    # It holds up nobody who comes next.
    monkeypatch.undo()
    assert folder.inside("nginx", "echo well").stdout == "well\n"


def test_what_a_killed_process_has_asked_for_is_removed_by_the_next(folder: MovesFolder, tmp_path: Path) -> None:
    killed = tmp_path / "0af7651916cd43dd"
    killed.mkdir()
    (killed / "script").write_text("sleep 5")
    folder.clear()
    assert [file.name for file in tmp_path.iterdir()] == ["requests"]
    assert folder.inside("nginx", "echo well").stdout == "well\n"


def test_nobody_else_may_write_where_a_request_is_being_written(
    folder: MovesFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_text(file: Path, *_arguments: object, **_options: object) -> int:
        assert file.parent.stat().st_mode & 0o022 == 0
        return written(file, *_arguments, **_options)  # type: ignore[arg-type]

    written = Path.write_text
    monkeypatch.setattr(Path, "write_text", write_text)
    assert folder.inside("nginx", "stat -c %a .").stdout == "2770\n"
