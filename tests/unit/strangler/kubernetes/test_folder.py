"""The folder: the base is made anew, the overlay belongs to the team, and nobody's own file is touched."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from strangler.cli import command_line
from strangler.errors import UsageError
from strangler.kubernetes.folder import folder_write
from strangler.kubernetes.rendering import Mode
from tests.clusters import SHOP, rendered


def test_the_command_writes_a_base_and_an_overlay_and_says_what_to_know(tmp_path: Path) -> None:
    arguments = ["render", "--target", "kubernetes", "--out", str(tmp_path)]
    done = CliRunner().invoke(command_line(["render"]), arguments, catch_exceptions=False)
    assert {file.name for file in (tmp_path / "base").iterdir()} == set(rendered_base())
    assert "rendered 28 routes into" in done.stdout
    assert "each nginx counts a throttle by itself" in done.stderr
    assert "of PostgreSQL's 97 connections" in done.stderr


def rendered_base() -> dict[str, str]:
    return rendered(SHOP).base


def test_a_mode_belongs_to_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--mode means nothing to local: add --target kubernetes"):
        CliRunner().invoke(
            command_line(["render"]),
            ["render", "--mode", "gateway-api", "--out", str(tmp_path)],
            catch_exceptions=False,
        )


def test_another_mode_leaves_no_file_of_the_first(tmp_path: Path) -> None:
    folder_write(rendered(SHOP), tmp_path)
    folder_write(rendered(SHOP, Mode.GATEWAY_API), tmp_path)
    assert {file.name for file in (tmp_path / "base").iterdir()} == set(rendered(SHOP, Mode.GATEWAY_API).base)


def test_an_overlay_is_never_written_again(tmp_path: Path) -> None:
    folder_write(rendered(SHOP), tmp_path)
    own = tmp_path / "overlays" / "example" / "kustomization.yaml"
    own.write_text("mine")
    folder_write(rendered(SHOP), tmp_path)
    assert own.read_text() == "mine"


def test_a_file_that_was_not_rendered_stops_all(tmp_path: Path) -> None:
    own = tmp_path / "base" / "nginx.yaml"
    own.parent.mkdir()
    own.write_text("kind: Deployment\n")
    with pytest.raises(UsageError, match=r"nginx.yaml isn't rendered by strangler: keep your own files in an overlay"):
        folder_write(rendered(SHOP), tmp_path)
    assert own.read_text() == "kind: Deployment\n"
    assert [file.name for file in own.parent.iterdir()] == ["nginx.yaml"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"/file/out can't be written \(Not a directory\): name another folder"):
        folder_write(rendered(SHOP), tmp_path / "file" / "out")
