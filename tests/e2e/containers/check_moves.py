"""An operator's moves in running containers: `make containers`."""

import base64
import json
import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.routes.editing import routes_edit
from tests.e2e.containers.engine import Containers, wait_for
from tests.example import parse_routes

FEED = "/api/feed/"
MOVE = ("switch", "feed.list", "--to", "migrated", "--yes", "--force", "--reason", "all at once")


@pytest.fixture(autouse=True)
def as_started(containers: Containers) -> Iterator[None]:
    """Each check begins and ends with the routes that `up` has started."""
    found = containers.routes_file.read_bytes()
    yield
    containers.strangler("rollback", "--to", "0", "--yes", "--force", "--reason", "as it was")
    assert containers.routes_file.read_bytes() == found


def history(containers: Containers) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(containers.strangler("history", "--json"))
    return entries


def versions(containers: Containers) -> str:
    """The versions in nginx's volume, and the one that is current."""
    return containers.inside("nginx", "sh", "-c", "cd /etc/nginx/generated && readlink current && ls versions").stdout


def bearer(user: int) -> dict[str, str]:
    """A token of a user, signed by nobody: nginx only reads whose it is."""
    parts = ({"alg": "HS256"}, {"user_id": user}, {})
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return {"Authorization": f"Bearer {token}"}


def test_what_up_has_started_is_the_beginning_of_the_history(containers: Containers) -> None:
    first = history(containers)[0]
    assert (first["number"], first["command"], first["outcome"]) == (0, "start", "applied")
    assert f"versions/{first['after']['version']}\n" in versions(containers)
    assert containers.strangler("plan") == "nothing to do\n"
    assert containers.strangler("routes", "feed.list").split()[:6] == [
        *("feed.list", "GET", "/feed/", "parallel", "-", "django")
    ]


def test_a_share_of_the_callers_moves_then_all_and_all_come_back(containers: Containers, front: httpx.Client) -> None:
    canary = ("switch", "feed.list", "--to", "canary", "--percent", "50", "--yes")
    assert "is refused as unsafe (feed.list has 0 cases equal" in containers.strangler(*canary, code=3)
    said = containers.strangler(*canary, "--force", "--reason", "to see half of the callers move")
    assert "/api/feed/: django → fastapi for 50% of callers, else django" in said
    sides = [front.get(FEED, headers=bearer(user)).headers["X-Served-By"] for user in range(200)]
    assert set(sides) == {"django", "fastapi"}
    assert 70 < sides.count("fastapi") < 130
    containers.strangler(*MOVE)
    assert containers.served_by(FEED) == "fastapi"
    containers.strangler("rollback", "--yes")
    assert front.get(FEED, headers=bearer(0)).headers["X-Served-By"] == sides[0]
    containers.strangler("rollback", "--yes")
    assert containers.served_by(FEED) == "django"
    assert [entry["outcome"] for entry in history(containers)[-4:]] == ["applied"] * 4


def test_a_route_that_was_compared_moves_without_force(containers: Containers) -> None:
    compared = containers.strangler("compare", "--route", "feed.list")
    assert "equal: " in compared
    canary = ("switch", "feed.list", "--to", "canary", "--percent", "10", "--yes", "--reason", "first tenth")
    assert "applied as" in containers.strangler(*canary)
    assert containers.strangler("history").splitlines()[-1].endswith("first tenth")


def test_a_container_that_is_made_anew_keeps_what_was_moved(containers: Containers) -> None:
    containers.strangler(*MOVE)
    before = versions(containers)
    containers.run("up", "--detach", "--force-recreate", "nginx")
    wait_for("nginx", lambda: containers.served_by(FEED) == "fastapi")
    assert versions(containers) == before
    assert containers.strangler("plan") == "nothing to do\n"


def test_a_file_edited_by_hand_is_planned_and_applied(containers: Containers) -> None:
    before = containers.routes_file.read_text()
    containers.routes_file.write_text(routes_edit(before, {"feed.list": {"stage": "migrated"}}))
    # As `up` does beside an nginx that runs: it is rendered, and nginx is not reloaded.
    containers.run("run", "--rm", "setup")
    assert containers.served_by(FEED) == "django"
    assert "feed.list  parallel → migrated" in containers.strangler("plan", code=1)
    containers.strangler("apply", "--yes", "--force", "--reason", "by hand")
    assert containers.served_by(FEED) == "fastapi"


def test_what_nginx_refuses_changes_nothing(containers: Containers) -> None:
    template = containers.folder / "strangler" / "gateway" / "templates" / "http.conf.j2"
    found = template.read_text()
    before = (versions(containers), history(containers), containers.routes_file.read_bytes())
    template.write_text(f"{found}\nno_directive on;\n")
    try:
        said = containers.strangler(*MOVE, code=4)
    finally:
        template.write_text(found)
    assert 'strangler: nginx refuses: unknown directive "no_directive" in ' in said
    assert (versions(containers), history(containers), containers.routes_file.read_bytes()) == before
    assert containers.served_by(FEED) == "django"


def test_fastapis_role_may_write_when_the_first_route_that_writes_moves(containers: Containers) -> None:
    text = containers.routes_file.read_text()
    writing = [route.name for route in parse_routes(text, source="routes.toml").routes if route.writes]
    containers.routes_file.write_text(routes_edit(text, {name: {"stage": "legacy"} for name in writing}))
    containers.strangler("apply", "--yes", "--force", "--reason", "before the first write moves")
    containers.run("run", "--rm", "setup")
    assert not may_write(containers)
    containers.strangler("switch", "posts.create", "--to", "parallel", "--yes")
    assert may_write(containers)


def may_write(containers: Containers) -> bool:
    query = "SELECT has_any_column_privilege('strangler_fastapi', 'posts', 'INSERT')"
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--tuples-only", "--no-align", "--command", query)
    return containers.inside("postgres", *psql).stdout.strip() == "t"


def test_who_still_calls_v1_is_reported_from_the_containers_log(containers: Containers, front: httpx.Client) -> None:
    front.get(FEED, headers={"User-Agent": "old-app/1.0", **bearer(77)})
    log = containers.run("logs", "--no-color", "--no-log-prefix", "nginx").stdout
    said = containers.strangler("clients", "feed.list", "--log", "-", stdin=log)
    assert [line for line in said.splitlines() if "user:77" in line and "old-app/1.0" in line]


def test_a_sampled_route_is_asked_again_and_its_moves_bear_the_evidence(
    containers: Containers, front: httpx.Client
) -> None:
    containers.strangler("switch", "feed.list", "--shadow", "100", "--yes")

    def results() -> dict[str, Any]:
        (found,) = json.loads(containers.strangler("shadow", "feed.list", "--json"))
        return dict(found)

    def compared() -> bool:
        # A sample that the worker is too late for is lost.
        front.get(FEED)
        return int(results()["asked"]) >= 3

    wait_for("3 comparisons", compared)
    found = results()
    assert found["equal"] == found["asked"]
    containers.strangler(*MOVE)
    assert history(containers)[-1]["evidence"]["feed.list"]["shadow"]["equal"] >= found["equal"]
    containers.strangler("shadow", "--reset", "feed.list")
    assert results()["asked"] == 0


def test_an_nginx_that_does_not_run_is_one_sentence_with_its_mend(containers: Containers) -> None:
    containers.run("stop", "nginx")
    try:
        said = containers.strangler(*MOVE, code=4).splitlines()
    finally:
        containers.run("start", "nginx")
        containers.wait_until_ready()
    assert len(said) == 1
    assert said[0].startswith("strangler: the container nginx can't be reached (")
    assert said[0].endswith("up --detach.")


def test_the_board_of_the_host_is_behind_the_front_door(containers: Containers, tmp_path: Path) -> None:
    """The host is where containers' way out begins."""
    words = containers.inside("nginx", "cat", "/proc/net/route").stdout.split()
    gateway = str(IPv4Address(bytes.fromhex(words[words.index("00000000") + 1])[::-1]))
    port = port_free_pick()
    said = (tmp_path / "board").open("w+")
    (tmp_path / "nginx.log").touch()
    before = dict(containers.env)
    containers.env |= {
        "BOARD_ADDRESS": f"{gateway}:{port}",
        "OPERATOR_NETWORKS": f"{gateway}/32",
        "PYTHONUNBUFFERED": "1",
    }
    containers.strangler("apply", "--yes", "--force", "--reason", "a board")
    board = containers.begun(
        *("board", "--host", gateway, "--port", str(port), "--token", "--log", str(tmp_path / "nginx.log")), out=said
    )
    try:
        wait_for("the board's address", lambda: "?token=" in (tmp_path / "board").read_text())
        token = re.search(r"\?token=(\S+)", (tmp_path / "board").read_text())
        assert token is not None
        with httpx.Client(base_url=containers.url, timeout=30, follow_redirects=True) as operator:
            assert operator.get("/_strangler/").status_code == httpx.codes.UNAUTHORIZED
            page = operator.get(f"/_strangler/?token={token[1]}")
            assert (page.status_code, "feed.list" in page.text) == (httpx.codes.OK, True)
            assert "a board" in page.text
    finally:
        board.terminate()
        board.wait(timeout=30)
        said.close()
        containers.env = before
