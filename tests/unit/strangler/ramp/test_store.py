"""The locks of a ramp's folder: one process at a time, whoever looks meanwhile."""

import fcntl
from pathlib import Path

import pytest

from strangler.errors import UnsafeError
from strangler.ramp import store
from strangler.ramp.store import RampFolder


def test_whoever_only_looks_keeps_nobody_from_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = (tmp_path / "lock").open("a")
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(store.time, "sleep", lambda _seconds: looking.close())
    ramps = RampFolder(tmp_path)
    with ramps.locked():
        assert ramps.runs


def test_two_processes_never_have_it_at_once(tmp_path: Path) -> None:
    ramps = RampFolder(tmp_path)
    again = ramps.kept(hint="end it with docker compose stop ramp")
    with (
        ramps.kept(hint=""),
        pytest.raises(UnsafeError, match=r"another process goes on with ramps: end it with"),
        again,
    ):
        pass
    assert not ramps.is_kept
