"""`strangler clients` reads what a real nginx writes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.example import ROOT
from tests.shared_stack import StackAddresses

AGENT = 'old app "2" \\ ünïcode'
WRITTEN_SECONDS = 10


def test_callers_of_a_real_gateway(stack: StackAddresses, front: httpx.Client, access_tokens: dict[str, str]) -> None:
    alice = {"Authorization": f"Bearer {access_tokens['alice']}", "User-Agent": AGENT.encode()}
    user = front.get("/api/users/me/", headers=alice).raise_for_status().json()["id"]
    front.get("/api/users/me/", headers={"User-Agent": AGENT.encode()})
    front.get("/api/v2/users/me/", headers=alice)
    found = clients_seen(stack.access_log, requests=2)
    assert {(one["caller"], str(one["statuses"])) for one in found} == {
        (f"user:{user}", "{'200': 1}"),
        ("address:127.0.0.1", "{'401': 1}"),
    }


def clients_seen(log: Path, *, requests: int) -> list[dict[str, Any]]:
    """Those of users.me with this test's program, once nginx has written so many requests."""
    argv = [sys.executable, "-m", "strangler.cli", "clients", "users.me", "--json", "--log", str(log)]
    deadline = time.monotonic() + WRITTEN_SECONDS
    while True:
        answer = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - the tool itself
        [route] = json.loads(answer.stdout)["routes"]
        found = [one for one in route["clients"] if one["user_agent"] == AGENT]
        if sum(one["requests"] for one in found) >= requests:
            return found
        assert time.monotonic() < deadline, answer.stdout
