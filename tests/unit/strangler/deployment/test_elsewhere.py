"""Where a deploy has requests sent: what is believed of a file that an interrupted deploy has left."""

import logging
from pathlib import Path

import pytest

from strangler.deployment import elsewhere
from strangler.deployment.elsewhere import ElsewhereFile, StackServices, elsewhere_reader
from strangler.errors import FailedError
from strangler.gateway.compose_cli import Ended
from strangler.routes.route import Stack
from tests.example import example_settings

HERE = {"fastapi": "10.0.0.7:8002"}
OK = "HTTP/1.1 200 OK"


class Shell:
    """nginx's container, from which the services answer these."""

    command = "compose"

    def __init__(self, **answers: tuple[str, str]) -> None:
        self.answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def inside(self, service: str, script: str, *arguments: str, stdin: bytes = b"") -> Ended:
        assert (service, stdin) == ("nginx", b"")
        assert "getent" in script
        self.asked.append(arguments[0])
        if not self.answers:
            raise FailedError("the container nginx can't be reached")
        return Ended(code=0, stdout="{}\n{}\r\n".format(*self.answers[arguments[0]]), stderr="")


@pytest.mark.parametrize(
    ("spare", "own", "stands"),
    [
        (("10.0.0.7", OK), ("10.0.0.2", OK), True),
        (("10.0.0.8", OK), ("10.0.0.2", OK), False),
        (("", "its name is not known"), ("10.0.0.2", "no connection"), False),
        # Neither is ready: whoever served goes on.
        (("10.0.0.7", "HTTP/1.1 503 Service Unavailable"), ("10.0.0.2", ""), True),
        (("10.0.0.7", "no connection"), ("10.0.0.2", OK), False),
    ],
)
def test_an_address_counts_while_its_service_answers_there(
    spare: tuple[str, str], own: tuple[str, str], stands: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, shell, file = example_settings(), Shell(fastapi=own, fastapi_next=spare), ElsewhereFile(tmp_path)
    caplog.set_level(logging.INFO)
    assert bool(StackServices(settings, Stack.FASTAPI, shell).standing("10.0.0.7:8002")) is stands
    read = elsewhere_reader(settings, file, shell)
    assert read() == {}
    file.write(HERE)
    shell.asked.clear()
    assert read() == read() == (HERE if stands else {})
    assert shell.asked.count("fastapi-next") == 1
    gone = "fastapi-next of an interrupted deploy serves no more at 10.0.0.7:8002, and requests go to fastapi: deploy"
    assert [gone in record.getMessage() for record in caplog.records] == [True] * (not stands)
    with file.alone():
        assert read() == HERE


def test_one_at_another_address_stands_in_while_its_service_is_not_ready(tmp_path: Path) -> None:
    """As after a reboot, where the service itself doesn't come back."""
    shell, file = Shell(fastapi=("10.0.0.2", "no connection"), fastapi_next=("10.0.0.9", OK)), ElsewhereFile(tmp_path)
    file.write(HERE)
    assert elsewhere_reader(example_settings(), file, shell)() == {"fastapi": "10.0.0.9:8002"}


def test_what_was_seen_does_not_hold_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell, file = Shell(fastapi=("10.0.0.2", OK), fastapi_next=("10.0.0.7", OK)), ElsewhereFile(tmp_path)
    file.write(HERE)
    read = elsewhere_reader(example_settings(), file, shell)
    monkeypatch.setattr(elsewhere, "_SEEN_SECONDS", -1.0)
    assert read() == HERE
    shell.answers["fastapi-next"] = ("10.0.0.9", OK)
    assert read() == {}


def test_nothing_is_forgotten_while_nobody_can_be_asked(tmp_path: Path) -> None:
    file = ElsewhereFile(tmp_path)
    file.write(HERE)
    assert elsewhere_reader(example_settings(), file, Shell())() == HERE


def test_a_folder_or_a_file_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    file = ElsewhereFile(tmp_path / "file" / "folder")
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedError, match=r"isn't writable .*: run as the user who started the stack"), file.alone():
        pass
    with pytest.raises(FailedError, match=r"elsewhere.json can't be written .*: run as the user"):
        file.write(HERE)
    (tmp_path / "elsewhere.json").write_text("[")
    with pytest.raises(FailedError, match=r"elsewhere.json can't be read: remove it"):
        ElsewhereFile(tmp_path).read()
