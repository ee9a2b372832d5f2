"""The operator's commands on a running stack: an endpoint is moved, looked at and taken back."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.checkouts import Checkout, assert_one_sentence
from tests.example import ROOT

pytestmark = pytest.mark.long

ROUTES = Path("nginx", "routes.toml")
# Each takes 0.05 to 0.3 s to import.
HEAVY = {"alembic", "httpx", "psycopg", "sqlalchemy", "strangler.compare"}


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="strangler switch ") as folder:
        made = Checkout(Path(folder))
        # What moves ask of comparisons has a test of its own.
        with (made.path / ".env").open("a") as settings:
            settings.write("EVIDENCE_EQUAL=0\n")
        started = made.strangler("up", "--detach")
        assert started.returncode == 0, started.stderr
        yield made
        assert made.strangler("down").returncode == 0


@pytest.fixture(autouse=True)
def as_found(checkout: Checkout) -> Iterator[None]:
    """Each test begins and ends with the routes of the checkout."""
    yield
    file = checkout.path / ROUTES
    file.write_bytes(Path(__file__).parents[2].joinpath(ROUTES).read_bytes())
    result = checkout.strangler("apply", "--yes", "--force", "--reason", "as it was")
    assert result.returncode == 0, result.stderr


def done(checkout: Checkout, *arguments: str) -> str:
    result = checkout.strangler(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def served_by(checkout: Checkout, path: str, **headers: str) -> str:
    answer: str = httpx.get(door(checkout) + path, headers=headers).headers["X-Served-By"]
    return answer


def door(checkout: Checkout) -> str:
    return f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"


def history(checkout: Checkout) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(done(checkout, "history", "--json"))
    return entries


def test_a_route_moves_and_comes_back_byte_for_byte(checkout: Checkout) -> None:
    before = (checkout.path / ROUTES).read_bytes()
    assert served_by(checkout, "/api/feed/") == "django"
    said = done(checkout, "switch", "feed.list", "--to", "canary", "--percent", "99", "--yes", "--reason", "try it")
    assert "feed.list  parallel → canary 99%" in said
    assert "strangler rollback takes it back" in said
    said = done(checkout, "switch", "feed.list", "--to", "migrated", "--yes")
    assert served_by(checkout, "/api/feed/") == "fastapi"
    (route,) = json.loads(done(checkout, "routes", "feed.list", "--json"))
    assert (route["stage"], route["v1"], route["v2"]) == ("migrated", "fastapi", "fastapi")
    assert route["since"] == history(checkout)[-1]["time"]

    done(checkout, "rollback", "--yes")
    (route,) = json.loads(done(checkout, "routes", "feed.list", "--json"))
    assert (route["stage"], route["percent"], route["v1"]) == ("canary", 99, "split")
    result = checkout.strangler("rollback", "--yes", PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert (result.returncode, "strangler.rollout.apply" in imported, imported & HEAVY) == (0, True, set())
    assert (checkout.path / ROUTES).read_bytes() == before
    assert served_by(checkout, "/api/feed/") == "django"
    commands = [(entry["command"].split()[0], entry["reason"]) for entry in history(checkout)[-4:]]
    assert commands[0] == ("switch", "try it")
    assert [command for command, _reason in commands] == ["switch", "switch", "rollback", "rollback"]


def test_a_write_that_moves_finds_the_right_to_write(checkout: Checkout) -> None:
    """Until then FastAPI's role may only read."""
    token = httpx.post(
        f"{door(checkout)}/api/auth/token/", json={"username": "admin", "password": "strangler-demo"}
    ).json()["access"]
    headers = {"Authorization": f"Bearer {token}"}
    done(checkout, "switch", "tags.*", "--writes", "--to", "parallel", "--yes")
    made = httpx.post(f"{door(checkout)}/api/v2/tags/", json={"name": "moved"}, headers=headers)
    assert (made.status_code, made.headers["X-Served-By"]) == (201, "fastapi"), made.text
    gone = httpx.delete(f"{door(checkout)}/api/v2/tags/{made.json()['id']}/", headers=headers)
    assert (gone.status_code, gone.headers["X-Served-By"]) == (204, "fastapi")


def test_a_file_that_was_edited_is_planned_and_applied(checkout: Checkout) -> None:
    assert checkout.strangler("plan").returncode == 0
    file = checkout.path / ROUTES
    file.write_text(file.read_text().replace("burst = 40", "burst = 50"))
    planned = checkout.strangler("plan")
    assert planned.returncode == 1
    assert "throttle token: rate 10r/s, burst 40 → rate 10r/s, burst 50" in planned.stdout
    checksum = json.loads(checkout.strangler("plan", "--json").stdout)["checksum"]
    assert "nginx/routes.toml" not in done(checkout, "routes")
    assert_one_sentence(
        checkout.strangler("switch", "feed.list", "--percent", "5", "--yes"), code=2, words=["strangler plan"]
    )

    file.write_text(file.read_text().replace("burst = 50", "burst = 60"))
    stale = checkout.strangler("apply", "--plan", checksum)
    assert stale.returncode == 3
    assert "is stale" in stale.stderr
    checksum = json.loads(checkout.strangler("plan", "--json").stdout)["checksum"]
    assert "applied as" in done(checkout, "apply", "--plan", checksum)
    assert (
        "burst=60"
        in (checkout.path / ".run/nginx/current/http.conf").read_text()
        + (checkout.path / ".run/nginx/current/routes.conf").read_text()
    )


def test_what_is_refused_leaves_everything_as_it_was(checkout: Checkout) -> None:
    file = checkout.path / ROUTES
    before, entries = file.read_bytes(), len(history(checkout))
    refusals: list[tuple[list[str], int, list[str]]] = [
        (["switch", "feed.list", "--to", "migrated", "--yes"], 3, ["skips canary", "--force --reason"]),
        (["switch", "auth.token", "--to", "legacy", "--yes"], 3, ["touches sign-in"]),
        (["switch", "*", "--reads", "--to", "legacy", "--yes"], 3, ["more than a third"]),
        (["switch", "feed.list", "--to", "migrated", "--yes", "--force"], 2, ["--force needs --reason"]),
        (["switch", "feed.nothing", "--to", "legacy"], 2, ["strangler routes"]),
        (["switch", "feed.list", "--percent", "5"], 2, ["pass --yes"]),
        (["switch", "feed.list", "--percent", "101", "--yes"], 2, ["percent"]),
        (["switch", "events.stream", "--shadow", "5", "--yes"], 2, ["shadow"]),
        (["retire", "feed.list", "--yes"], 3, ["announce the end with --sunset", "--force --reason"]),
        (["rollback", "events.stream", "--yes"], 2, ["events.stream is in v2 alone"]),
        (["rollback", "feed.list", "--to", "0", "--yes"], 2, ["exclude each other"]),
        (["retire", "feed.list", "--sunset", "soon", "--yes"], 2, ["write it as"]),
        (["rollback", "--to", "4000", "--yes"], 2, ["strangler history"]),
        (["apply", "--plan", "0123456789"], 3, ["is stale"]),
    ]
    for arguments, code, words in refusals:
        result = checkout.strangler(*arguments)
        assert result.returncode == code, (arguments, result.stderr)
        assert_one_sentence_at_the_end(result.stderr, words)
        for hint in re.findall(r"strangler (routes|history|plan|switch [a-z.]+ --to [a-z]+)\\b", result.stderr):
            assert checkout.strangler(*hint.split()).stderr.count("--help") == 0, hint
    assert file.read_bytes() == before
    assert len(history(checkout)) == entries
    assert served_by(checkout, "/api/feed/") == "django"


def assert_one_sentence_at_the_end(text: str, words: list[str]) -> None:
    (line,) = text.strip().splitlines()
    assert line.startswith("strangler: ")
    assert [word for word in words if word not in line] == []


def test_a_route_moves_on_only_once_it_was_compared(checkout: Checkout) -> None:
    shutil.copytree(ROOT / "tests" / "cases", checkout.path / "tests" / "cases")
    move = ("switch", "feed.list", "--percent", "5", "--yes")
    refused = checkout.strangler(*move, EVIDENCE_EQUAL="1")
    assert refused.returncode == 3
    assert_one_sentence_at_the_end(refused.stderr, ["0 cases equal", "strangler compare --route feed.list"])
    said = checkout.strangler(*move, "--force", "--reason", "I looked", EVIDENCE_EQUAL="1")
    assert said.returncode == 0, said.stderr
    assert "unsafe, and forced: feed.list has 0 cases equal" in said.stdout
    assert checkout.strangler("rollback", "--yes", EVIDENCE_EQUAL="1").returncode == 0
    # The refusal's own command is all that is needed, until the code changes.
    done(checkout, "compare", "--route", "feed.list")
    assert checkout.strangler(*move, EVIDENCE_EQUAL="1").returncode == 0
    with (checkout.path / "fastapi_app" / "main.py").open("a") as code:
        code.write("# another build\n")
    refused = checkout.strangler("switch", "feed.list", "--to", "migrated", "--yes", EVIDENCE_EQUAL="1")
    assert_one_sentence_at_the_end(refused.stderr, ["was compared before fastapi changed"])


def test_a_bad_file_is_refused_and_the_old_routes_go_on_serving(checkout: Checkout) -> None:
    file = checkout.path / ROUTES
    file.write_text(file.read_text().replace('stage = "parallel"', 'stage = "paralel"', 1))
    for command in (["plan"], ["apply", "--yes"], ["switch", "feed.list", "--percent", "5", "--yes"]):
        assert_one_sentence(checkout.strangler(*command), code=2, words=["line", "paralel", "parallel"])
    assert served_by(checkout, "/api/feed/") == "django"
    assert "feed.list" in done(checkout, "routes")


def test_a_rollback_keeps_edits_that_were_never_applied(checkout: Checkout) -> None:
    done(checkout, "switch", "feed.list", "--percent", "5", "--yes")
    file = checkout.path / ROUTES
    mine = file.read_bytes() + b"# mine\n"
    file.write_bytes(mine)
    result = checkout.strangler("rollback", "--yes")
    assert result.returncode == 0, result.stderr
    kept = Path(result.stderr.strip().rpartition("kept as ")[2])
    assert kept.read_bytes() == mine


def test_v1_tells_when_it_ends_and_then_is_gone(checkout: Checkout) -> None:
    done(checkout, "retire", "feed.highlights", "--sunset", "2099-01-31", "--yes")
    announced = httpx.get(f"{door(checkout)}/api/feed/highlights/")
    assert (announced.status_code, announced.headers["Sunset"]) == (200, "Sat, 31 Jan 2099 00:00:00 GMT")
    assert announced.headers["Deprecation"].startswith("@")
    assert announced.headers["Link"] == '</api/v2/feed/highlights/>; rel="successor-version"'
    assert "Sunset" not in httpx.get(f"{door(checkout)}/api/v2/feed/highlights/").headers
    insist = ("--yes", "--force", "--reason", "the test can't wait")
    done(checkout, "switch", "feed.highlights", "--to", "retired", *insist)
    gone = httpx.get(f"{door(checkout)}/api/feed/highlights/")
    assert gone.status_code == 410
    assert gone.headers["Link"] == announced.headers["Link"]
    assert httpx.get(f"{door(checkout)}/api/v2/feed/highlights/").status_code == 200


def test_a_stack_that_is_down(checkout: Checkout) -> None:
    assert checkout.strangler("down").returncode == 0
    try:
        noted, refused = checkout.strangler("switch", "feed.list", "--percent", "5", "--yes").stderr.splitlines()
        assert noted.startswith("what of fastapi answers 501 isn't known (")
        assert_one_sentence_at_the_end(refused, ["strangler up"])
        assert "feed.list" in done(checkout, "routes")
    finally:
        assert checkout.strangler("up", "--detach").returncode == 0
