"""The ways back: of everything at once, of one route, and of the last change; and switches that meet."""

import importlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import UnsafeError, UsageError
from strangler.rollout.apply import Intent
from strangler.rollout.evidence import Proof
from strangler.routes.route import Stage
from tests.checkouts import command_run
from tests.rollouts import Moves, moves

CANARY = {"stage": "canary", "percent": 10}
MIGRATED = {"stage": "migrated", "percent": None}
SECONDS = 5
WHY = ("--force", "--reason", "I looked")


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moves]:
    with tempfile.TemporaryDirectory(prefix="strangler rollback ") as folder, moves(Path(folder)) as made:
        # Every move towards FastAPI wants evidence, and there is none.
        object.__setattr__(made.rollout, "proof", Proof(equal=5, days=7))
        monkeypatch.setattr("strangler.cli.moves.rollout_open", lambda _settings: made.rollout)
        yield made


def forced(moving: Moves, **by_name: dict[str, Any]) -> None:
    moving.apply(moving.edited(**by_name), force=True, reason="a test")


def stages(moving: Moves, *names: str) -> list[str]:
    _content, table = moving.rollout.running()
    return [str(route.stage) for name in names for route in table.routes if route.name == name]


def test_everything_goes_to_django_in_one_command_that_nothing_refuses(moving: Moves) -> None:
    forced(moving, posts__list=CANARY, tags__list=MIGRATED, auth__token=CANARY, feed__list={"shadow": 5})
    moving.file.write_text(moving.file.read_text() + "nothing that nginx could serve")
    started = time.monotonic()
    said = command_run("rollback", "--all-to-django")
    assert time.monotonic() - started < SECONDS
    assert "they are kept as" in said.stderr
    _content, table = moving.rollout.running()
    assert {route.stage for route in table.routes if not route.v2_only} == {Stage.LEGACY}
    assert not any(route.shadow for route in table.routes)
    assert moving.rollout.entries()[-1].reason == "everything to Django"
    assert command_run("rollback", "--all-to-django").stdout == "nothing to do\n"


def test_one_route_goes_back_and_the_others_stay(moving: Moves) -> None:
    forced(moving, posts__list=CANARY)
    forced(moving, tags__list=CANARY)
    forced(moving, posts__list=MIGRATED)
    command_run("rollback", "posts.list", "--yes")
    assert stages(moving, "posts.list", "tags.list") == ["canary", "canary"]
    command_run("rollback", "posts.list", "--yes")
    assert stages(moving, "posts.list", "tags.list") == ["parallel", "canary"]
    with pytest.raises(UsageError, match=r"strangler switch posts\.list --to legacy"):
        command_run("rollback", "posts.list", "--yes")


def test_a_rollback_towards_fastapi_is_a_move_like_any_other(moving: Moves) -> None:
    forced(moving, posts__list=CANARY)
    command_run("switch", "posts.list", "--to", "parallel", "--yes")
    with pytest.raises(UnsafeError, match=r"posts\.list has 0 cases equal"):
        command_run("rollback", "--yes")
    assert stages(moving, "posts.list") == ["parallel"]
    command_run("rollback", "--yes", *WHY)
    assert stages(moving, "posts.list") == ["canary"]
    entry = moving.rollout.entries()[-1]
    assert (entry.reason, len(entry.forced)) == ("I looked", 1)


def test_history_names_what_changed_and_what_was_forced(moving: Moves) -> None:
    command_run("switch", "posts.list", "--shadow", "5", "--fallback", "--yes")
    command_run("switch", "posts.list", "--percent", "5", "--yes", *WHY)
    command_run("retire", "tags.list", "--sunset", "2099-01-31", "--yes")
    _start, shadow, canary, sunset = command_run("history").stdout.splitlines()
    assert "posts.list shadow: 0 → 5, fallback: no → yes" in shadow
    assert "applied, forced" in canary
    assert "sunset: no → 2099-01-31" in sunset
    command_run("retire", "tags.list", "--yes", *WHY)
    assert stages(moving, "tags.list") == ["retired"]


@pytest.mark.parametrize("other", ["tags.list", "posts.list"])
def test_who_switches_second_is_planned_anew_unless_it_is_the_same_route(
    moving: Moves, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    commands = importlib.import_module("strangler.cli.moves")
    applying = commands.rollout_apply

    def late(rollout: Any, content: bytes, *, checksum: str, intent: Intent) -> Any:
        monkeypatch.setattr(commands, "rollout_apply", applying)
        moving.apply(moving.edited(**{other.replace(".", "__"): {"stage": "legacy"}}))
        return applying(rollout, content, checksum=checksum, intent=intent)

    monkeypatch.setattr(commands, "rollout_apply", late)
    if other == "posts.list":
        with pytest.raises(UnsafeError, match=r"somebody else has just moved posts\.list: look at strangler routes"):
            command_run("switch", "posts.list", "--percent", "5", "--yes", *WHY)
        assert stages(moving, "posts.list") == ["legacy"]
    else:
        said = command_run("switch", "posts.list", "--percent", "5", "--yes", *WHY)
        assert "planning anew" in said.stderr
        assert stages(moving, "posts.list", "tags.list") == ["canary", "legacy"]
