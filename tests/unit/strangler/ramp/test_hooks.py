"""Hooks: commands and URLs that a ramp calls at each of its events."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from strangler.errors import UsageError
from strangler.ramp.hooks import Hook, Hooks

DOCUMENT = {"routes": ["posts.list"], "percent": 5}


def called(hook: Hook, folder: Path, event: str = "before", **environ: str) -> str:
    hooks = Hooks({event: hook}, folder=folder, environ=environ)
    try:
        return hooks.call("before", DOCUMENT).result(timeout=20)
    finally:
        hooks.close()


def test_a_command_gets_the_document_and_the_environment(tmp_path: Path) -> None:
    code = "import os, sys; open('told', 'w').write(sys.stdin.read() + os.environ['TOKEN'])"
    assert called([sys.executable, "-c", code], tmp_path, TOKEN="xyz") == ""
    told = (tmp_path / "told").read_text()
    assert json.loads(told.removesuffix("xyz")) == {"event": "before", **DOCUMENT}


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    refused = called([sys.executable, "-c", "import sys; sys.exit('a release is under way')"], tmp_path)
    assert refused == f"the hook {sys.executable} ended with code 1 (a release is under way)"
    assert called(["/no/such/program"], tmp_path) == "the hook /no/such/program failed (FileNotFoundError)"


def test_another_events_hook_is_not_called(tmp_path: Path) -> None:
    assert called([sys.executable, "-c", "raise SystemExit(1)"], tmp_path, event="finish") == ""


def test_a_url_holds_a_secret_that_no_message_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def post(url: str, **options: object) -> httpx.Response:
        sent.append((url, options["json"]))
        return httpx.Response(500)

    monkeypatch.setattr(httpx, "post", post)
    assert called("https://chat.example/${TOKEN}/in", tmp_path, TOKEN="xyz") == "the hook's URL answered 500"
    assert sent == [("https://chat.example/xyz/in", {"event": "before", **DOCUMENT})]


def test_a_url_without_its_secret_is_refused_before_anything_moves(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^a hook's URL needs \$TOKEN, which isn't set: set it in the environment"):
        called("https://chat.example/$TOKEN", tmp_path)
