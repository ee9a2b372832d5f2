"""What `strangler init` doesn't find it asks for on a terminal, and names the option elsewhere."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from strangler.adoption.detection import Detection, detection_of
from strangler.adoption.endpoints import DjangoApi
from strangler.cli import init
from strangler.project import Project


def detection(*endpoints: dict[str, str]) -> Detection:
    listed = [{"path": "/api/posts/", "method": "GET", "kind": "view", "view": "shop.Posts"}, *endpoints]
    settings = {"database_engine": "django.db.backends.sqlite3", "username_field": "email"}
    return detection_of(
        ("python", "manage.py"), DjangoApi.model_validate({"format": 1, "endpoints": listed, "settings": settings})
    )


def completed(found: Detection, **typed: str) -> Detection:
    return init._completed(found, **{"health": None, "openapi": None, "sign_in": None, **typed})


def test_what_is_typed_on_a_terminal_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[str] = iter(["login/", "/login/", "/up", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_words, **_options: next(answers))
    found = completed(detection())
    assert found.sign_in
    assert (found.sign_in.path, found.sign_in.user, found.health, found.openapi) == ("/login/", "email", "/up", "")


def test_what_is_found_or_passed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_words, **_options: pytest.fail("asked"))
    health = {"path": "/healthz", "method": "GET", "kind": "django", "view": "shop.health"}
    found = completed(detection(health), openapi="/schema/", sign_in="/in/")
    assert (found.health, found.openapi, found.sign_in and found.sign_in.path) == ("/healthz", "/schema/", "/in/")
    whole = completed(replace(detection(health), v1="/api"), openapi="/schema/", sign_in="/api/in/")
    assert whole.sign_in
    assert whole.sign_in.path == "/in/"


def test_off_a_terminal_the_options_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    api = {"v1": "/api", "v2": "/api/v2"}
    init._report(completed(detection()), Project.model_construct(api=type("Api", (), api)))
    said = capsys.readouterr()
    printed = (said.out + said.err).splitlines()
    assert [line.partition(": ")[2] for line in printed if "none was found" in line] == [
        "pass --health PATH",
        "pass --openapi PATH, or check --django-schema FILE",
        "pass --sign-in PATH",
    ]
    assert any("Django's database is no PostgreSQL (django.db.backends.sqlite3)" in line for line in printed)
