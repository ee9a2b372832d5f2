"""Ports that copies of the services listen on: none that the system may give to a client meanwhile."""

from pathlib import Path

import pytest

from strangler.local import ports
from strangler.local.ports import port_free_pick


@pytest.mark.parametrize(
    ("ephemeral", "below"),
    [("32768\t60999\n", 32_768), ("1024\t65535\n", 49_152), ("", 49_152), (None, 49_152)],
    ids=["linux", "nearly all", "unreadable", "no linux"],
)
def test_a_port_is_picked_below_those_of_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ephemeral: str | None, below: int
) -> None:
    file = tmp_path / "range"
    if ephemeral is not None:
        file.write_text(ephemeral)
    monkeypatch.setattr(ports, "_EPHEMERAL_FILE", file)
    monkeypatch.setattr(ports, "port_is_free", lambda **_where: True)
    picked = {port_free_pick() for _ in range(200)}
    assert len(picked) > 100
    assert min(picked) >= 10_000
    assert below - 8_000 < max(picked) < below


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def is_free(*, host: str, port: int) -> bool:
        assert host == "127.0.0.1"
        asked.append(port)
        return len(asked) == 3

    monkeypatch.setattr(ports, "port_is_free", is_free)
    assert port_free_pick() == asked[2]
    assert len(set(asked)) == 3


def test_no_port_is_picked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a checkout that picks four before it starts a server at any of them."""
    monkeypatch.setattr(ports, "port_is_free", lambda **_where: True)
    monkeypatch.setattr(ports, "_first_ephemeral", lambda: ports._FIRST_PORT + 250)
    for _ in range(20):
        assert len({port_free_pick() for _ in range(100)}) == 100
