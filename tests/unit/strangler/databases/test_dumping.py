"""The pg_dump that fits a server."""

from pathlib import Path

import pytest

from strangler.databases.dumping import dump_folder
from strangler.errors import FailedError
from strangler.local.postgres_cluster import MAJOR, postgres_bin_dir


def test_the_wheel_dumps_servers_of_its_own_version() -> None:
    assert dump_folder(int(MAJOR)) == postgres_bin_dir()


def test_that_of_the_path_is_taken_if_its_version_is_the_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 97.2 (Debian 97.2-1)'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert dump_folder(97) == tmp_path


def test_a_server_of_another_version_is_one_sentence() -> None:
    with pytest.raises(FailedError, match=r"PostgreSQL 96, and there is no pg_dump .* postgresql-client-96"):
        dump_folder(96)
