"""Backups: a consistent dump beside what every table held then, so that a restore can be proved row by row.

A backup is a folder: `database.dump` (pg_dump's custom format), `manifest.json` (rows and digest of each table, where
sequences stand), and `state/` (the tool's files: history, evidence, journals). Secrets are in none of them.
"""

import datetime as dt
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from pydantic import TypeAdapter, ValidationError

from strangler.databases.connections import connected, dsn_to, refusals
from strangler.databases.dumping import database_dump, database_load
from strangler.databases.throwaway import database_create
from strangler.errors import FailedError, UsageError
from strangler.local.databases import database_drop

_DUMP: Final = "database.dump"
_MANIFEST: Final = "manifest.json"
_STATE: Final = "state"
_HINT: Final = "let DATABASE_URL name a role that reads every table and may make databases"
# Values are written alike, whoever connects.
_SPELLED: Final = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'"
_TABLES: Final = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence = 'p' AND nspname NOT IN ('pg_catalog', 'information_schema')
    AND nspname NOT LIKE 'pg\\_%' ORDER BY nspname, relname
"""
# How far each has come: a descending one counts as its negative.
_SEQUENCES: Final = """
    SELECT schemaname || '.' || sequencename, last_value * sign(increment_by)::bigint FROM pg_sequences ORDER BY 1
"""
# The sum of the rows' hashes, whatever their order.
_DIGEST: Final = "SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM {} AS r"


@dataclass(frozen=True, kw_only=True)
class TableDigest:
    """What a table held: the count of its rows, and the sum of their hashes."""

    rows: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a database held at one moment, by the names of its tables and sequences."""

    tables: dict[str, TableDigest]
    sequences: dict[str, int | None]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(table.rows for table in self.tables.values())

    def differences(self, other: "Contents") -> Iterator[str]:
        """What `other` holds otherwise, a sentence each.

        A sequence may have come further: no snapshot holds it still, so a dump under writers has a later value of it.
        """
        for name in sorted(self.tables.keys() | other.tables.keys()):
            mine, theirs = self.tables.get(name), other.tables.get(name)
            if mine is None or theirs is None:
                yield f"{name} is {'missing' if theirs is None else 'too many'}"
            elif mine.rows != theirs.rows:
                yield f"{name} has {theirs.rows} rows, not {mine.rows}"
            elif mine.digest != theirs.digest:
                yield f"{name} has other values"
        for name in sorted(self.sequences.keys() | other.sequences.keys()):
            stood, stands = self.sequences.get(name), other.sequences.get(name)
            if name not in self.sequences or name not in other.sequences:
                yield f"sequence {name} is {'missing' if name in self.sequences else 'too many'}"
            elif stood is not None and (stands is None or stands < stood):
                yield f"sequence {name} stands at {stands}, not at {stood}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup is of: `time` in UTC, the database's name, the server's major version."""

    time: str
    database: str
    major: int
    contents: Contents


_ADAPTER: Final = TypeAdapter(Manifest)
# Held by who replaces a database, as long as its connection lasts.
_REPLACING: Final = "hashtextextended('strangler_restore', 0)"
_CLOSED: Final = "SELECT 1 FROM pg_database WHERE datname = %s AND NOT datallowconn"


def backup_write(dsn: str, folder: Path, *, state: Path, files: Sequence[str]) -> Manifest:
    """Back a database up into a new folder, readable by this user alone.

    :param dsn: a role that reads every table.
    :param files: of the folder `state` that belong to it, as patterns.
    :raises UsageError: the folder holds something, or can't be made.
    :raises FailedError: the database or the disk refuses; what was written is removed again.
    """
    _folder_make(folder)
    try:
        with refusals(hint=_HINT), connected(dsn) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
            manifest = Manifest(
                time=f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
                database=connection.info.dbname,
                major=connection.info.server_version // 10_000,
                contents=contents_of(connection),
            )
            database_dump(dsn, folder / _DUMP, major=manifest.major, snapshot=snapshot)
        for pattern in files:
            for file in filter(Path.is_file, state.glob(pattern)):
                copy = folder / _STATE / file.relative_to(state)
                copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copyfile(file, copy)
        # Last, so that a folder without it is no backup.
        _write(folder / _MANIFEST, _ADAPTER.dump_json(manifest, indent=2))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise FailedError(f"the backup can't be written ({error.strerror})", "free some of its disk") from error
        raise
    return manifest


def backup_read(folder: Path) -> Manifest:
    """What a backup is of.

    :raises UsageError: the folder holds no whole backup.
    """
    try:
        manifest = _ADAPTER.validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        message = f"{folder} holds no whole backup"
        raise UsageError(message, "name a folder that strangler backup has written to its end") from error
    if not (folder / _DUMP).is_file():
        raise UsageError(f"{folder} holds no whole backup", f"its {_DUMP} is gone: take another backup")
    return manifest


def backup_restore(folder: Path, *, admin_dsn: str, like: str, name: str) -> Manifest:
    """Restore a backup as the new database `name`, with the locale and owner of `like`, and compare it row by row.

    :raises UsageError: the folder holds no whole backup.
    :raises FailedError: the server refuses, or what was restored isn't what was backed up; the new database is dropped.
    """
    manifest = backup_read(folder)
    target = dsn_to(admin_dsn, name)
    with connected(admin_dsn) as admin:
        major = admin.info.server_version // 10_000
        with refusals(hint=_HINT):
            database_create(admin, name=name, template="template0", like=like)
    try:
        database_load(folder / _DUMP, target, major=major)
        with refusals(), connected(target) as connection:
            found = contents_of(connection)
        if differences := list(manifest.contents.differences(found)):
            what = "; ".join(differences[:5]) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
            raise FailedError(f"what was restored isn't what was backed up ({what})", "take an older backup")
    except BaseException:
        database_drop(admin_dsn=admin_dsn, name=name)
        raise
    return manifest


def database_replace(*, admin_dsn: str, name: str, new: str, kept: str) -> None:
    """Let the database `new` be `name`, and what was called that be `kept`; ends the sessions in it.

    :raises FailedError: the server refuses; the names are as before.
    """
    rename, connections = sql.SQL("ALTER DATABASE {} RENAME TO {}"), sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    old, away, fresh = (sql.Identifier(each) for each in (name, kept, new))
    # A database can't be renamed from within.
    with refusals(hint=_HINT), connected(dsn_to(admin_dsn, "postgres")) as admin:
        admin.execute(f"SELECT pg_advisory_lock({_REPLACING})")
        admin.execute(connections.format(old, sql.SQL("false")))
        try:
            admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))
            # At once: a database of that name is there whenever this is killed, so that no start makes an empty one.
            with admin.transaction():
                admin.execute(rename.format(old, away))
                admin.execute(rename.format(fresh, old))
                admin.execute(connections.format(away, sql.SQL("true")))
        except BaseException:
            admin.execute(connections.format(old, sql.SQL("true")))
            raise


def is_closed(*, admin_dsn: str, name: str) -> bool:
    """Whether a database lets nobody in: a replacement is under way, or was killed.

    :raises FailedError: the server refuses.
    """
    with connected(dsn_to(admin_dsn, "postgres")) as admin:
        return admin.execute(_CLOSED, (name,)).fetchone() is not None


def database_reopen(*, admin_dsn: str, name: str) -> bool:
    """Let sessions into a database that a killed replacement has closed; False where it is open, or one is under way.

    :raises FailedError: the server refuses.
    """
    with refusals(hint=_HINT), connected(dsn_to(admin_dsn, "postgres")) as admin:
        ((is_alone,),) = admin.execute(f"SELECT pg_try_advisory_lock({_REPLACING})").fetchall()
        if not is_alone or admin.execute(_CLOSED, (name,)).fetchone() is None:
            return False
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
        return True


def restores_left(*, admin_dsn: str, stem: str) -> list[str]:
    """Databases that restores have made and not dropped: they were killed, or still run.

    :param stem: what their names begin with, before `_restored_` and the time.
    :raises FailedError: the server refuses.
    """
    with connected(admin_dsn) as admin:
        names = admin.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
    pattern = re.compile(rf"{re.escape(stem)}_restored_[0-9]{{14}}")
    return [name for (name,) in names if pattern.fullmatch(name)]


def state_restore(folder: Path, state: Path) -> list[str]:
    """Copy the tool's files of a backup into its state folder; returns those that were there and stay as they are."""
    kept = []
    for file in sorted(path for path in (folder / _STATE).rglob("*") if path.is_file()):
        name = file.relative_to(folder / _STATE)
        target = state / name
        if target.exists():
            kept.append(str(name))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return kept


def contents_of(connection: psycopg.Connection) -> Contents:
    """What a database holds, in the transaction of `connection`.

    :raises psycopg.Error: the server refuses.
    """
    connection.execute(_SPELLED)
    tables = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        tables[f"{schema}.{table}"] = rows_digest(connection, sql.SQL("ONLY {}").format(sql.Identifier(schema, table)))
    return Contents(tables=tables, sequences=dict(connection.execute(_SEQUENCES).fetchall()))


def rows_digest(connection: psycopg.Connection, rows: sql.Composable) -> TableDigest:
    """The digest of `rows`, which is what may stand in a FROM.

    :raises psycopg.Error: the server refuses.
    """
    ((number, digest),) = connection.execute(sql.SQL(_DIGEST).format(rows)).fetchall()
    return TableDigest(rows=number, digest=digest)


def _folder_make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError as error:
        raise UsageError(f"{folder} is there already", "name a folder that is new") from error
    except OSError as error:
        raise UsageError(f"{folder} can't be made ({error.strerror})", "name another folder with --to") from error


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
