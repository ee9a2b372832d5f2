"""`strangler clients`: what an operator reads, and what a machine does."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strangler.cli import command_line
from strangler.errors import FailedError, UsageError
from strangler.settings import LocalSettings
from tests.example import example_file
from tests.unit.strangler.metrics.test_access_log import COMPLAINT, line

LOG = (
    line(caller="address:10.0.0.9", user_agent="old\u001b[2Japp", time="2026-11-22T11:00:00+00:00")
    + line() * 2
    + COMPLAINT
    + line(status=404)
    + line(route="feed.list")
)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "nginx.log"
    file.write_text(LOG)
    return file


def clients(*arguments: str, piped: str | bytes = "") -> Result:
    return CliRunner().invoke(command_line(["clients"]), ["clients", *arguments], input=piped, catch_exceptions=False)


def test_who_calls_a_route(log: Path) -> None:
    result = clients("posts.list", "--log", str(log))
    assert result.stdout.splitlines() == [
        "posts.list: 4 requests of v1 by 2 clients",
        "3  75.0%  user:17  app/2  2026-11-22T12:00:00Z  2026-11-22T12:00:00Z  200:2 404:1",
        "1  25.0%  address:10.0.0.9  old\\x1b[2Japp  2026-11-22T11:00:00Z  2026-11-22T11:00:00Z  200:1",
    ]
    assert result.stderr == "the log begins at 2026-11-22T11:00:00Z: earlier requests are unknown\n"


def test_what_is_piped_in(log: Path) -> None:
    piped = clients("posts.list", "--log", "-", piped=LOG)
    assert piped.stdout == clients("posts.list", "--log", str(log)).stdout


def test_several_logs_are_one(log: Path) -> None:
    assert "8 requests" in clients("posts.list", "--log", str(log), "--log", "-", piped=LOG).stdout


def test_only_the_most_frequent_are_shown(log: Path) -> None:
    result = clients("posts.list", "--top", "1", "--log", str(log))
    assert result.stdout.splitlines()[-1] == "1  25.0%  others"


def test_every_route_with_its_count(log: Path) -> None:
    lines = clients("--all", "--log", str(log)).stdout.splitlines()
    assert lines[:3] == [
        "posts.list  4  2  2026-11-22T12:00:00Z",
        "feed.list  1  1  2026-11-22T12:00:00Z",
        "auth.token  0  0  -",
    ]
    assert len(lines) == 28


def test_for_machines(log: Path) -> None:
    document = json.loads(clients("posts.list", "--since", "2026-11-22T11:30", "--json", "--log", str(log)).stdout)
    assert document == {
        "since": "2026-11-22T11:30:00Z",
        "log_begins": "2026-11-22T11:00:00Z",
        "unreadable_lines": 0,
        "routes": [
            {
                "route": "posts.list",
                "requests": 3,
                "last": "2026-11-22T12:00:00Z",
                "clients": [
                    {
                        "caller": "user:17",
                        "user_agent": "app/2",
                        "requests": 3,
                        "share": 100.0,
                        "first": "2026-11-22T12:00:00Z",
                        "last": "2026-11-22T12:00:00Z",
                        "statuses": {"200": 2, "404": 1},
                    }
                ],
                "others": 0,
            }
        ],
    }
    counts = json.loads(clients("--all", "--json", "--log", str(log)).stdout)["routes"]
    assert counts[0] == {
        "route": "posts.list",
        "requests": 4,
        "last": "2026-11-22T12:00:00Z",
        "clients": 2,
        "others": 0,
    }


def test_a_route_that_nobody_called(log: Path) -> None:
    result = clients("posts.create", "--log", str(log))
    assert result.stdout == "posts.create: no client called v1\n"


def test_a_log_that_is_none_is_no_sign_that_nobody_calls(log: Path) -> None:
    with pytest.raises(FailedError, match=r"^2 of 2 lines of - are not of the gateway's access log: pass"):
        clients("posts.list", "--log", str(log), "--log", "-", piped="GET /api/posts/ 200\n" * 2)


def test_lines_that_cannot_be_read_are_no_sign_that_nobody_calls(log: Path) -> None:
    log.write_text(LOG + "anything\n")
    result = clients("posts.create", "--log", str(log))
    assert result.stdout == "posts.create: no client called v1 in the lines that could be read\n"
    assert "left out 1 line that are not" in result.stderr


def test_a_compressed_log(log: Path) -> None:
    expected = clients("posts.list", "--log", str(log)).stdout
    log.write_bytes(gzip.compress(LOG.encode()))
    assert clients("posts.list", "--log", str(log)).stdout == expected
    assert clients("posts.list", "--log", "-", piped=gzip.compress(LOG.encode())).stdout == expected


@pytest.mark.parametrize("arguments", [[], ["posts.list", "--all"]])
def test_either_names_or_all(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^no route is named: name routes, or pass --all"):
        clients(*arguments)


def test_a_name_that_no_route_has(log: Path) -> None:
    with pytest.raises(UsageError, match=r"^no route is named posts\.lst: "):
        clients("posts.lst", "--log", str(log))


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nginx\.log can't be read \(No such file or directory\): name an access log"):
        clients("posts.list", "--log", str(tmp_path / "nginx.log"))


def test_no_stack_has_run_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRANGLER_PROJECT", str(example_file(tmp_path)))
    with pytest.raises(
        UsageError, match=r"^there is no access log in .*: start the stack with strangler up, or pass --log"
    ):
        clients("posts.list")
    (tmp_path / ".run" / "logs").mkdir(parents=True)
    (tmp_path / ".run" / "logs" / "nginx.log").write_text(line())
    (tmp_path / ".run" / "logs" / "nginx.log.20261101T000000000000Z").write_text(line())
    assert "2 requests of v1 by 1 client\n" in clients("posts.list").stdout
