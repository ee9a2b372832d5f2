"""Backups are read back: row by row equal, or refused by the name of what differs; nothing live is touched."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.databases.backups import (
    _REPLACING,
    Contents,
    TableDigest,
    backup_read,
    backup_restore,
    backup_write,
    contents_of,
    database_reopen,
    database_replace,
    is_closed,
    restores_left,
    state_restore,
)
from strangler.databases.connections import Source, connected, dsn_to
from strangler.errors import FailedError, UsageError
from strangler.local.databases import database_drop
from tests.shared_stack import StackAddresses
from tests.write_plays import own_source

NAME = f"backups_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
RESTORED = f"{NAME}_restored"
KEPT = f"{NAME}_before"


@pytest.fixture(scope="module")
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, NAME) as source:
        yield source
        for name in (RESTORED, KEPT):
            database_drop(admin_dsn=stack.admin_dsn, name=name)


@pytest.fixture(scope="module")
def backup(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state")
    (state / "rollout").mkdir()
    (state / "rollout" / "history.jsonl").write_text('{"number": 0}\n')
    (state / "secrets").mkdir()
    (state / "secrets" / "key").write_text("secret")
    folder = tmp_path_factory.mktemp("backups") / "one"
    backup_write(source.admin_dsn, folder, state=state, files=("rollout/*.jsonl",))
    return folder


def restored(source: Source, folder: Path) -> Contents:
    return backup_restore(folder, admin_dsn=source.admin_dsn, like=source.name, name=RESTORED).contents


def databases(source: Source) -> set[str]:
    with connected(source.admin_dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}


def test_a_backup_holds_the_rows_the_history_and_no_secret(source: Source, backup: Path) -> None:
    manifest = backup_read(backup)
    assert manifest.database == source.name
    assert manifest.contents.tables["public.posts"].rows > 100
    assert manifest.contents.sequences["public.posts_id_seq"] is not None
    files = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    assert files == {"database.dump", "manifest.json", "state/rollout/history.jsonl"}
    assert backup.stat().st_mode & 0o077 == 0


def test_what_is_restored_takes_the_place_of_what_was_lost(source: Source, backup: Path, tmp_path: Path) -> None:
    before = backup_read(backup).contents
    with connected(source.admin_dsn) as connection:
        connection.execute("DELETE FROM blog_post_tags")
        assert any("blog_post_tags has 0 rows" in each for each in before.differences(contents_of(connection)))
    assert restored(source, backup) == before
    database_replace(admin_dsn=source.admin_dsn, name=source.name, new=RESTORED, kept=KEPT)
    with connected(source.admin_dsn) as connection:
        assert [*before.differences(contents_of(connection))] == []
        rights = "SELECT has_any_column_privilege('strangler_fastapi', 'posts', 'SELECT')"
        assert connection.execute(rights).fetchall() == [(True,)]
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'posts'"
        assert connection.execute(owner).fetchall() == [("strangler_owner",)]
    with psycopg.connect(dsn_to(source.admin_dsn, KEPT)) as kept:
        assert kept.execute("SELECT count(*) FROM blog_post_tags").fetchall() == [(0,)]
    assert state_restore(backup, tmp_path) == []
    assert state_restore(backup, tmp_path) == ["rollout/history.jsonl"]


def test_a_backup_under_writers_can_be_restored(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(source.admin_dsn) as writer:
        writer.execute("CREATE SEQUENCE falling INCREMENT -1; SELECT nextval('falling')")

        def written_meanwhile(connection: psycopg.Connection) -> Contents:
            found = contents_of(connection)
            writer.execute("INSERT INTO tags (name) VALUES ('meanwhile')")
            writer.execute("SELECT nextval('falling')")
            return found

        with monkeypatch.context() as patched:
            patched.setattr("strangler.databases.backups.contents_of", written_meanwhile)
            backup_write(source.admin_dsn, tmp_path / "busy", state=tmp_path, files=())
        writer.execute("DROP SEQUENCE falling; DELETE FROM tags WHERE name = 'meanwhile'")
    assert restored(source, tmp_path / "busy") == backup_read(tmp_path / "busy").contents
    database_drop(admin_dsn=source.admin_dsn, name=RESTORED)


@pytest.mark.parametrize("fault", ["a row's hash", "half a dump"])
def test_a_backup_that_is_not_what_it_was_is_refused(source: Source, backup: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    manifest, dump = json.loads((backup / "manifest.json").read_text()), (backup / "database.dump").read_bytes()
    if fault == "half a dump":
        dump = dump[: len(dump) // 2]
    else:
        manifest["contents"]["tables"]["public.tags"]["digest"] = "1"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "database.dump").write_bytes(dump)
    with pytest.raises(FailedError, match=r"public\.tags has other values|can't be restored"):
        restored(source, folder)
    assert RESTORED not in databases(source)


def test_what_a_killed_restore_has_left_is_named(source: Source) -> None:
    left = f"{source.name}_restored_20270101000000"
    with connected(source.admin_dsn) as admin:
        for name in (left, f"{source.name}_other_restored_20270101000000"):
            admin.execute(f'CREATE DATABASE "{name}"')
        try:
            assert restores_left(admin_dsn=source.admin_dsn, stem=source.name) == [left]
        finally:
            for name in (left, f"{source.name}_other_restored_20270101000000"):
                admin.execute(f'DROP DATABASE "{name}"')


def test_a_database_that_a_killed_restore_has_closed_is_opened_by_the_next(source: Source) -> None:
    admin_dsn, name = source.admin_dsn, source.name
    assert database_reopen(admin_dsn=admin_dsn, name=name) is False
    with connected(dsn_to(admin_dsn, "postgres")) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        # As a restore that still runs.
        admin.execute(f"SELECT pg_advisory_lock({_REPLACING})")
        assert is_closed(admin_dsn=admin_dsn, name=name)
        assert database_reopen(admin_dsn=admin_dsn, name=name) is False
    deadline = time.monotonic() + 30
    while not database_reopen(admin_dsn=admin_dsn, name=name):
        assert time.monotonic() < deadline
    assert not is_closed(admin_dsn=admin_dsn, name=name)
    with connected(source.owner_dsn) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_the_live_database_stays_where_nothing_can_take_its_place(source: Source) -> None:
    with pytest.raises(FailedError, match="nothing_there"):
        database_replace(admin_dsn=source.admin_dsn, name=source.name, new="nothing_there", kept=f"{KEPT}_2")
    assert f"{KEPT}_2" not in databases(source)  # and the live one lets everybody in


def test_no_backup_is_half_there(source: Source, tmp_path: Path, backup: Path) -> None:
    with pytest.raises(UsageError, match="is there already: name a folder that is new"):
        backup_write(source.admin_dsn, backup, state=tmp_path, files=())
    missing = dsn_to(source.admin_dsn, f"{NAME}_nothing")
    with pytest.raises(FailedError):
        backup_write(missing, tmp_path / "none", state=tmp_path, files=())
    assert not (tmp_path / "none").exists()
    with pytest.raises(UsageError, match="holds no whole backup: name a folder that strangler backup"):
        backup_read(tmp_path)


def test_what_differs_is_named() -> None:
    one = Contents(
        tables={"a": TableDigest(rows=1, digest="1"), "b": TableDigest(rows=1, digest="1")},
        sequences={"s": 1, "t": 1, "u": 8, "v": 2},
    )
    other = Contents(
        tables={"b": TableDigest(rows=1, digest="2"), "c": TableDigest(rows=0, digest="0")},
        sequences={"t": None, "u": 9, "v": 1},
    )
    assert [*one.differences(other)] == [
        "a is missing",
        "b has other values",
        "c is too many",
        "sequence s is missing",
        "sequence t stands at None, not at 1",
        "sequence v stands at 1, not at 2",
    ]
