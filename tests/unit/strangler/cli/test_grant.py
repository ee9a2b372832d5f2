"""`strangler grant`: whom it gives what, and how long it tries."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from strangler.cli import command_line
from strangler.errors import FailedError, UsageError
from strangler.settings import LocalSettings

# The package's attribute of that name is the command.
module = import_module("strangler.cli.grant")

OWNER = "postgresql://owner:o@db:5432/blog"
REFUSED = FailedError("Role blog_reader can't be given its grants (relation is missing): migrate.")


class Grants:
    """Stands in for the database: refuses so many times, and notes what it was asked."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.asked: list[dict[str, Any]] = []

    def apply(self, **asked: object) -> None:
        self.asked.append(asked)
        if len(self.asked) <= self.refusals:
            raise REFUSED


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", OWNER)
    monkeypatch.setenv("FASTAPI_DATABASE_URL", "postgresql://blog_reader:p%40ss@db:5432/blog")
    monkeypatch.setattr(module, "_POLL_SECONDS", 0)


def run(monkeypatch: pytest.MonkeyPatch, grants: Grants, *arguments: str) -> str:
    monkeypatch.setattr(module, "apply_grants", grants.apply)
    monkeypatch.setattr(module, "require_tables", lambda _owner_dsn, _consumer: None)
    return CliRunner().invoke(command_line(["grant"]), ["grant", *arguments], catch_exceptions=False).output


def test_the_role_of_fastapis_address_is_granted_through_the_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = Grants()
    assert run(monkeypatch, grants) == "granted blog_reader what FastAPI reads, and what auth write\n"
    (asked,) = grants.asked
    assert (asked["owner_dsn"], asked["role"], asked["password"]) == (OWNER, "blog_reader", "p@ss")
    assert asked["writers"] == ["auth"]


def test_it_tries_again_while_the_tables_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = Grants(refusals=3)
    run(monkeypatch, grants, "--wait", "60")
    assert len(grants.asked) == 4


def test_without_wait_the_first_refusal_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = Grants(refusals=1)
    with pytest.raises(FailedError, match="relation is missing"):
        run(monkeypatch, grants)
    assert len(grants.asked) == 1


def test_it_gives_up_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 2.0, 3.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _seconds: None))
    grants = Grants(refusals=9)
    with pytest.raises(FailedError, match="relation is missing"):
        run(monkeypatch, grants, "--wait", "2")
    assert len(grants.asked) == 2


@pytest.mark.parametrize("address", ["postgresql://db/blog", "postgresql://reader@db/blog", "no address, pass=word"])
def test_an_address_without_role_or_password_is_refused_and_not_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_DATABASE_URL", address)
    with pytest.raises(UsageError, match=r"^FASTAPI_DATABASE_URL names no role with a password: write") as caught:
        run(monkeypatch, Grants())
    assert address not in str(caught.value)


def test_more_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The right to write before a route needs it; what another version needs that still runs."""
    for arguments, asked in (
        ((), (False, ["auth"])),
        (("--keep",), (True, ["auth"])),
        (("--write", "users.create", "--write", "tags.create"), (False, ["auth", "tags", "users"])),
    ):
        grants = Grants()
        run(monkeypatch, grants, *arguments)
        assert (grants.asked[0]["keep"], grants.asked[0]["writers"]) == asked


def test_a_service_that_only_reads_writes_for_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_READ_ONLY", "1")
    grants = Grants()
    assert run(monkeypatch, grants, "--write", "users.create") == "granted blog_reader what FastAPI reads\n"
    assert grants.asked[0]["writers"] == []
