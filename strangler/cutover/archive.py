"""What of Django's tables is kept as a record: a file of rows for each, and a manifest that proves them later."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shared_schema.catalog import CatalogTable
from strangler.cutover.tables import tables_of_database
from strangler.databases.connections import connected
from strangler.errors import FailedError, UsageError
from strangler.handover.steps import Work, listed, quoted
from strangler.modernise.archive import Archive, archive_write
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.history import operator, utc_now
from strangler.routes.mistakes import nearest

# Django's own names: who did what in the admin, what its numbers stand for, who might do what, and what was migrated.
OF_RECORD: Final = (
    *("django_admin_log", "django_content_type", "django_migrations"),
    *("auth_permission", "auth_group", "auth_group_permissions"),
)
_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class ArchivedTable:
    """A table's file: its rows as COPY's text, a line for each; `types` are those of its columns, in their order."""

    key: str
    types: Mapping[str, str]
    file: str
    rows: int
    sha256: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class ArchiveManifest:
    """What an archive holds, of when and by whom. `time` is its start in UTC; each table is of a moment of its own."""

    time: str
    who: str
    database: str
    tables: Sequence[ArchivedTable]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


_ADAPTER: Final = TypeAdapter(ArchiveManifest)


def cutover_archive(dsn: str, folder: Path, *, more: Collection[str] = ()) -> ArchiveManifest:
    """Write what is of record, and the tables `more`, to the new `folder`, and read each back into the database.

    :raises UsageError: a table isn't there, or the folder is.
    :raises FailedError: a file can't be written, or doesn't give back its rows; there is no manifest then.
    """
    found = tables_of_database(dsn)
    for key in more:
        if key not in found:
            meant = nearest(key, found)
            hint = f"write --table {meant}" if meant else "name tables as PostgreSQL does, schema.name beside public"
            raise UsageError(f"there is no table {key}", hint)
    chosen = {key: found[key] for key in dict.fromkeys((*OF_RECORD, *more)) if key in found}
    if not chosen:
        raise UsageError("none of Django's own tables is there", "name tables with --table")
    time = utc_now().isoformat().replace("+00:00", "Z")
    _folder_make(folder)
    with connected(dsn) as connection:
        tables = [
            _archived(key, table, archive_write(connection, _work(key, table), folder)) for key, table in chosen.items()
        ]
        manifest = ArchiveManifest(time=time, who=operator(), database=connection.info.dbname, tables=tables)
    # Last, so that a folder without it is no archive.
    write_durably(folder / _MANIFEST, _ADAPTER.dump_json(manifest, indent=2))
    return manifest


def archive_differences(folder: Path) -> tuple[ArchiveManifest, tuple[str, ...]]:
    """The manifest of an archive, and sentences on files that aren't as it says; no database is asked.

    :raises UsageError: the folder holds no whole archive.
    """
    try:
        manifest = _ADAPTER.validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        hint = "name a folder that strangler cutover archive has written to its end"
        raise UsageError(f"{folder} holds no whole archive", hint) from error
    return manifest, tuple(_differences(folder, manifest))


def _differences(folder: Path, manifest: ArchiveManifest) -> Iterator[str]:
    for table in manifest.tables:
        # The name alone: a manifest that somebody edited leads nowhere else.
        file = folder / Path(table.file).name
        digest, rows = hashlib.sha256(), 0
        try:
            with file.open("rb") as read:
                for line in read:
                    digest.update(line)
                    # COPY writes a line feed within a value as \n.
                    rows += 1
        except OSError as error:
            yield f"{table.key}: {file} can't be read ({error.strerror})"
            continue
        if rows != table.rows:
            yield f"{table.key}: {file} has {rows:,} rows of {table.rows:,}"
        elif digest.hexdigest() != table.sha256:
            yield f"{table.key}: {file} isn't what was written"


def _work(key: str, table: CatalogTable) -> Work:
    columns = listed(table.columns)
    return Work(kind="archive", table=quoted(table.schema, table.name), name=key, columns=columns)


def _archived(key: str, table: CatalogTable, archive: Archive) -> ArchivedTable:
    types = {name: column.type for name, column in table.columns.items()}
    return ArchivedTable(
        key=key, types=types, file=archive.file, rows=archive.rows, sha256=archive.sha256, digest=archive.digest
    )


def _folder_make(folder: Path) -> None:
    try:
        # Who did what, by name, is nobody else's.
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError as error:
        raise UsageError(f"{folder} is there already", "name a folder that is new with --to") from error
    except OSError as error:
        raise FailedError(f"{folder} can't be made ({error.strerror})", "name another folder with --to") from error
