"""Rows in a file before they are dropped: written as COPY gives them, and read back into a table to be counted."""

import hashlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from strangler.databases.backups import TableDigest, rows_digest
from strangler.databases.connections import refusals
from strangler.errors import FailedError, many
from strangler.handover.steps import Work
from strangler.rollout.atomic_write import sync_folder, write_durably

_LOG: Final = logging.getLogger(__name__)
_ODD: Final = re.compile(r"[^\w.-]")
_BACK: Final = "strangler_archive"
_HINT: Final = "nothing was dropped; free the disk or restore the file, and run it again"
_PART: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A file of rows: their number, the digest of the file (SHA-256), and that of the rows whatever their order."""

    table: str
    columns: str
    file: str
    rows: int
    sha256: str
    digest: str


def archive_write(connection: psycopg.Connection, work: Work, folder: Path) -> Archive:
    """Write the rows of a table to a file, and read them back from it; a description is beside it, as JSON.

    `COPY table (columns) FROM 'file'` brings them back.

    :raises FailedError: the file can't be written, or what it gives back isn't what was in the table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (_ODD.sub("_", work.name) + ".copy")
    # The digest is of the rows that the file gets, whoever writes meanwhile.
    with refusals(), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL statement_timeout = 0")
        kept = f"(SELECT {work.columns} FROM {work.table})"  # noqa: S608 - quoted names
        wanted = rows_digest(connection, sql.SQL(kept))
        sha256 = _write(connection, work, file)
    found = _read_back(connection, work, file, sha256)
    if found != wanted:
        raise FailedError(f"{file} gives back {found.rows} rows that aren't the {wanted.rows} of {work.table}", _HINT)
    archive = Archive(
        table=work.table, columns=work.columns, file=file.name, rows=wanted.rows, sha256=sha256, digest=wanted.digest
    )
    write_durably(file.with_suffix(".json"), json.dumps(asdict(archive), indent=2).encode())
    _LOG.info("%s: %s archived in %s, and read back", work.name, many(archive.rows, "row"), file)
    return archive


def _write(connection: psycopg.Connection, work: Work, file: Path) -> str:
    digest = hashlib.sha256()
    copy = f"COPY (SELECT {work.columns} FROM {work.table}) TO STDOUT"  # noqa: S608 - quoted names
    try:
        with file.open("wb") as out, connection.cursor().copy(copy.encode()) as rows:
            for part in rows:
                digest.update(part)
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
        sync_folder(file.parent)
    except OSError as error:
        raise FailedError(f"{file} can't be written ({error.strerror})", _HINT) from error
    return digest.hexdigest()


def _read_back(connection: psycopg.Connection, work: Work, file: Path, sha256: str) -> TableDigest:
    """Number and digest of the rows that the file gives."""
    digest = hashlib.sha256()
    with refusals(), connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")
        made = f"CREATE TEMPORARY TABLE {_BACK} ON COMMIT DROP AS SELECT {work.columns} FROM {work.table} WITH NO DATA"  # noqa: S608 - quoted names
        connection.execute(made.encode())
        try:
            with (
                file.open("rb") as read,
                connection.cursor().copy(f"COPY pg_temp.{_BACK} FROM STDIN".encode()) as copy,
            ):
                while part := read.read(_PART):
                    digest.update(part)
                    copy.write(part)
        except OSError as error:
            raise FailedError(f"{file} can't be read back ({error.strerror})", _HINT) from error
        if digest.hexdigest() != sha256:
            raise FailedError(f"{file} isn't what was written", _HINT)
        return rows_digest(connection, sql.Identifier("pg_temp", _BACK))
