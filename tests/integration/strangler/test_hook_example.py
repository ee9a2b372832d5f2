"""The hook that the documents give: what it sends to Slack, to Teams and as mail, by servers that take it."""

import email
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from strangler.ramp.hooks import Hooks
from tests.example import ROOT

DOCUMENT = {
    "routes": ["wares.list"],
    "percent": 25.0,
    "phase": "returned",
    "why": "wares.list 5xx 1.76%\nBcc: everybody@example.com",
    "who": "ann@host",
    "results": [],
}
SENTENCE = "rollback: wares.list at 25 %, returned. wares.list 5xx 1.76%"


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    text = (ROOT / "docs" / "rollout.md").read_text()
    [program] = re.findall(r"^```python\n(#!.*?)^```", text, re.MULTILINE | re.DOTALL)
    file = tmp_path / "notify.py"
    file.write_text(program)
    file.chmod(0o755)
    return file


def called(hook: Path, **environ: str) -> str:
    hooks = Hooks({"rollback": ["./notify.py"]}, folder=hook.parent, environ={"PATH": os.environ["PATH"], **environ})
    try:
        return hooks.call("rollback", DOCUMENT).result(timeout=60)
    finally:
        hooks.close()


@contextmanager
def web_hook(status: int) -> Iterator[tuple[str, list[Any]]]:
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", received
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Takes one mail."""
    received: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rw", newline="\r\n", encoding="utf-8") as lines:

                def say(answer: str) -> None:
                    lines.write(f"{answer}\n")
                    lines.flush()

                say("220 ready")
                for line in lines:
                    word = line.split()[0].upper()
                    say({"DATA": "354 go on", "QUIT": "221 bye"}.get(word, "250 yes"))
                    if word == "DATA":
                        received.append("".join(iter(lines.readline, ".\r\n")))
                        say("250 yes")
                    if word == "QUIT":
                        return

        thread = threading.Thread(target=take)
        thread.start()
        yield listening.getsockname()[1], received
        thread.join()


def test_slack_gets_a_sentence_and_teams_a_card(hook: Path) -> None:
    with web_hook(200) as (url, received):
        assert called(hook, SLACK_URL=url, TEAMS_URL=url) == ""
    slack, teams = received
    assert slack["text"].startswith(SENTENCE)
    [attachment] = teams["attachments"]
    assert attachment["content"]["body"][0]["text"] == slack["text"]


def test_a_mailbox_gets_all_of_it_under_a_subject_of_one_line(hook: Path) -> None:
    with mail_server() as (port, received):
        mailed = {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(port),
            "MAIL_FROM": "api@example.com",
            "MAIL_TO": "ops@example.com",
        }
        assert called(hook, **mailed) == ""
    [text] = received
    mail = email.message_from_string(text)
    assert (mail["To"], mail["Bcc"], str(mail["Subject"])[: len(SENTENCE)]) == ("ops@example.com", None, SENTENCE)
    assert json.loads(mail.get_payload()) == {"event": "rollback", **DOCUMENT}


def test_one_that_is_refused_is_a_sentence(hook: Path) -> None:
    with web_hook(403) as (url, _received):
        said = called(hook, SLACK_URL=url)
    assert said == "the hook ./notify.py ended with code 1 (urllib.error.HTTPError: HTTP Error 403: Forbidden)"


def test_nobody_is_told_where_the_environment_names_nobody(hook: Path) -> None:
    assert called(hook) == ""
