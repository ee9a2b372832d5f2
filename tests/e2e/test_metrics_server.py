"""The counters of containers: nginx' log for them is renamed under load, and each request is counted once."""

import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from strangler.deployment import metrics_server
from strangler.deployment.metrics_server import MetricsServer
from strangler.local.ports import port_free_pick
from tests.e2e.conftest import MakeGateway
from tests.stack_doubles import answering_upstream

pytestmark = pytest.mark.long

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
DEADLINE = 120


def counted(address: str) -> int:
    text = httpx.get(address, trust_env=False).raise_for_status().text
    return sum(int(found) for found in re.findall(r"^strangler_requests_total\{.*\} (\d+)$", text, re.MULTILINE))


def test_a_log_that_is_renamed_under_load_is_counted_exactly_and_stays_small(
    make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "_MOST_BYTES", 20_000)
    with answering_upstream([], ANSWER) as django, answering_upstream([], ANSWER) as fastapi:
        made = make_gateway(django=django, fastapi=fastapi, log_name="counted/access")
        folder = made.folder / "counted"
        folder.mkdir()
        folder.chmod(0o777)  # nginx's workers have an account of their own
        server = MetricsServer(
            host="127.0.0.1", port=port_free_pick(), log=folder / "access.log", state_dir=made.folder, url=made.url
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            sent, sizes, renamed = 0, [0], set[int]()
            begun = time.monotonic()
            with httpx.Client(base_url=made.url, trust_env=False) as client:
                # Long enough for three of them.
                while len(renamed) < 3:
                    assert time.monotonic() < begun + DEADLINE
                    for path in ("/api/feed/", "/api/v2/tags/"):
                        assert client.get(path).status_code == 200
                        sent += 1
                    found = logs(folder)
                    sizes.append(sum(state.st_size for state in found.values()))
                    renamed |= {state.st_ino for name, state in found.items() if name.endswith(".1")}
            deadline = time.monotonic() + DEADLINE
            while counted(server.address) != sent:
                assert time.monotonic() < deadline, (counted(server.address), sent)
                time.sleep(0.2)
            assert sizes[-1] < sent * 200
            # A ramp that can't be read costs its own figure alone.
            state = made.folder / "rollout" / "ramp" / "state.json"
            state.parent.mkdir(parents=True)
            state.write_text("[]")
            while "# The ramp is left out: " not in (text := httpx.get(server.address, trust_env=False).text):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert "strangler_requests_total" in text
        finally:
            server.end()
            thread.join()


def logs(folder: Path) -> dict[str, os.stat_result]:
    """What is known of each, by its name, without one that the server removes meanwhile."""
    found = {}
    for file in folder.glob("access.log*"):
        with suppress(FileNotFoundError):
            found[file.name] = file.stat()
    return found
