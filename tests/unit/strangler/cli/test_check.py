"""`strangler check`: its lines and its exit codes."""

import importlib
import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from strangler.cli import command_line
from strangler.rollout.check import Documents
from strangler.rollout.coverage import CheckResult, Level
from tests.example import PREFIXES

command = importlib.import_module("strangler.cli.check")


@pytest.fixture(autouse=True)
def stack_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "rollout_open", lambda settings: settings)


def check(monkeypatch: pytest.MonkeyPatch, *arguments: str, levels: list[Level]) -> tuple[Result, list[Documents]]:
    asked: list[Documents] = []

    def find(_rollout: object, documents: Documents) -> Iterator[CheckResult]:
        asked.append(documents)
        for level in levels:
            yield CheckResult(check="apply", level=level, sentence="nothing [is] pending.")

    monkeypatch.setattr(command, "check_all", find)
    return CliRunner().invoke(command_line(["check"]), ["check", *arguments]), asked


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ([Level.OK, Level.NOTE], 0),
        ([Level.OK, Level.FINDING], 1),
        ([Level.UNKNOWN, Level.OK], 4),
        ([Level.UNKNOWN, Level.FINDING], 4),
    ],
)
def test_exit_codes(levels: list[Level], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, levels=levels)[0].exit_code == code


def test_a_line_for_each_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = check(monkeypatch, levels=[Level.OK, Level.UNKNOWN])
    assert result.stdout == "ok      apply: nothing [is] pending.\nunknown apply: nothing [is] pending.\n"


def test_for_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = check(monkeypatch, "--json", levels=[Level.FINDING])
    assert json.loads(result.stdout) == [{"check": "apply", "level": "finding", "sentence": "nothing [is] pending."}]
    assert result.exit_code == 1


def test_where_the_documents_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, levels=[])[1] == [
        Documents(
            django="http://127.0.0.1:8001/api/schema/",
            fastapi="http://127.0.0.1:8002/api/v2/openapi.json",
            host="localhost",
            prefixes=PREFIXES,
        )
    ]
    monkeypatch.setenv("ALLOWED_HOSTS", "shop.example,localhost")
    _, asked = check(monkeypatch, "--django-schema", "v1.json", "--fastapi-schema", "https://x/y", levels=[])
    assert asked == [Documents(django="v1.json", fastapi="https://x/y", host="shop.example", prefixes=PREFIXES)]


def test_what_production_refuses_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "0" * 40,
        "JWT_SIGNING_KEY": "0" * 40,
        "ALLOWED_HOSTS": "*",
        "TRUSTED_PROXIES": "0.0.0.0/0",
    }.items():
        monkeypatch.setenv(name, value)
    result, _ = check(monkeypatch, levels=[])
    found = [line for line in result.stdout.splitlines() if line.startswith("finding settings: ")]
    for name in ("SECRET_KEY and JWT", "ALLOWED_HOSTS is", "TRUSTED_PROXIES is", "SECRET_KEY is", "JWT_SIGNING_KEY is"):
        assert any(line.startswith(f"finding settings: {name}") for line in found), name
    assert result.exit_code == 1
