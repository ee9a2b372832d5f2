"""`strangler render`: what it writes for which nginx, and what a failure leaves."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from strangler.cli import command_line
from strangler.errors import UsageError
from strangler.gateway.rendering import FILES, Rendered
from strangler.gateway.versions import VersionFolder


def render(*arguments: str) -> None:
    CliRunner().invoke(command_line(["render"]), ["render", *arguments], catch_exceptions=False)


def test_the_containers_get_names_that_are_looked_up(tmp_path: Path) -> None:
    render("--target", "container", "--out", str(tmp_path / "generated"))
    current = tmp_path / "generated" / "current"
    assert {path.name for path in current.iterdir()} == set(FILES)
    http = (current / "http.conf").read_text()
    assert "server django:8001 resolve;" in http
    assert "access_log /dev/stdout strangler;" in http


def test_the_local_nginx_gets_fixed_addresses(tmp_path: Path) -> None:
    render("--out", str(tmp_path))
    http = (tmp_path / "current" / "http.conf").read_text()
    assert "server 127.0.0.1:8001;" in http
    assert "resolve" not in http


def test_both_targets_serve_the_same_routes(tmp_path: Path) -> None:
    render("--target", "container", "--out", str(tmp_path / "container"))
    render("--out", str(tmp_path / "local"))
    routes = [(tmp_path / target / "current" / "routes.conf").read_text() for target in ("container", "local")]
    assert routes[0].split("server {")[0] == routes[1].split("server {")[0]


def test_a_second_call_leaves_what_the_first_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render("--out", str(tmp_path))
    first = (tmp_path / "current").resolve()
    before = {file: file.read_bytes() for file in first.iterdir()}
    monkeypatch.setenv("PROXY_PORT", "8081")
    render("--out", str(tmp_path))
    assert "127.0.0.1:8081" in (tmp_path / "current" / "routes.conf").read_text()
    assert {file: file.read_bytes() for file in first.iterdir()} == before


def test_a_failure_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    render("--out", str(tmp_path))
    current = (tmp_path / "current").readlink()
    # A lone surrogate can't be written: the disk is as good as full when the last file is reached.
    with pytest.raises(UnicodeEncodeError):
        VersionFolder(tmp_path).install(Rendered(version="new", files={"proxy.conf": "new", "http.conf": "\ud800"}))
    assert [path.name for path in (tmp_path / "versions").iterdir()] == [current.name]
    assert (tmp_path / "current").readlink() == current


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"/file/out can't be written \(Not a directory\): name another folder"):
        render("--out", str(tmp_path / "file" / "out"))
