"""`strangler render`: what it writes for which nginx, and what a failure leaves."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from strangler.cli import app
from strangler.errors import UsageError
from strangler.gateway import rendering
from strangler.gateway.settings import container_gateway
from strangler.local.settings import ROOT, LocalSettings
from strangler.routes.table import load_routes

INCLUDED = {"http.conf", "routes.conf", "proxy.conf", "errors.conf"}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def render(*arguments: str) -> None:
    CliRunner().invoke(app, ["render", *arguments], catch_exceptions=False)


def test_the_containers_get_what_their_own_main_file_includes(tmp_path: Path) -> None:
    render("--target", "container", "--out", str(tmp_path / "generated"))
    assert {path.name for path in (tmp_path / "generated").iterdir()} == INCLUDED
    http = (tmp_path / "generated" / "http.conf").read_text()
    assert "server django:8001 resolve;" in http
    assert "include generated/routes.conf;" in http
    assert "access_log /dev/stdout strangler;" in http
    assert "generated/http.conf;" in (ROOT / "nginx" / "container.conf").read_text()


def test_the_local_nginx_gets_a_main_file_and_fixed_addresses(tmp_path: Path) -> None:
    render("--out", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {*INCLUDED, "nginx.conf", "temp"}
    http = (tmp_path / "http.conf").read_text()
    assert "server 127.0.0.1:8001;" in http
    assert "resolve" not in http


def test_both_targets_serve_the_same_routes(tmp_path: Path) -> None:
    render("--target", "container", "--out", str(tmp_path / "container"))
    render("--out", str(tmp_path / "local"))
    answers = [(tmp_path / target / "routes.conf").read_text().split("map ")[1] for target in ("container", "local")]
    assert answers[0] == answers[1]


def test_a_failure_half_way_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "http.conf").write_text("what nginx runs on")
    # A lone surrogate can't be written: the disk is as good as full when the last file is reached.
    monkeypatch.setattr(rendering, "render_gateway", lambda *_: {"proxy.conf": "new", "http.conf": "\ud800"})
    with pytest.raises(UnicodeEncodeError):
        rendering.write_gateway(tmp_path, load_routes(ROOT / "nginx" / "routes.toml"), container_gateway())
    assert [path.name for path in tmp_path.iterdir()] == ["http.conf"]
    assert (tmp_path / "http.conf").read_text() == "what nginx runs on"


def test_http_conf_is_put_in_place_last_since_the_containers_wait_for_it() -> None:
    table = load_routes(ROOT / "nginx" / "routes.toml")
    assert list(rendering.render_gateway(table, container_gateway()))[-1] == "http.conf"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"/file/out can't be written \(Not a directory\): name another folder"):
        render("--out", str(tmp_path / "file" / "out"))
