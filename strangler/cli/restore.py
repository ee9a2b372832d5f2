"""`strangler restore`: a backup becomes a database again, proved row by row; in place of the live one only if asked."""

import datetime as dt
import json
import time
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.backup import require_native
from strangler.cli.moves import confirm
from strangler.cli.output import say
from strangler.databases.backups import (
    backup_read,
    backup_restore,
    database_reopen,
    database_replace,
    restores_left,
    state_restore,
)
from strangler.databases.connections import Source, login_of
from strangler.databases.throwaway import copy_stem
from strangler.deployment.source import administration, source_open
from strangler.errors import many
from strangler.local.databases import database_drop, database_ensure
from strangler.rollout.atomic_write import append_durably
from strangler.rollout.history import operator
from strangler.settings import LocalSettings, settings_load


def restore(
    folder: Annotated[Path, typer.Argument(help="What strangler backup has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the live database, which is kept beside it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Restore a backup into a database of its own, and compare every table with what was backed up.

    Without --replace that is a drill, recorded in .run/backups/drills.jsonl, and the new database is dropped again.
    With it, sessions of the live database are ended, it is renamed, and the restored one takes its name.

    Example: strangler restore .run/backups/20270101T000000Z
    """
    settings = settings_load()
    require_native(settings)
    if replace and not yes:
        manifest = backup_read(folder.absolute())
        confirm(f"end all sessions, and put the backup of {manifest.time} in the place of {manifest.database}?")
    _reopen(settings)
    started, now = time.monotonic(), dt.datetime.now(dt.UTC)
    with source_open(settings) as (source, _starting):
        stem = copy_stem(source.name)
        for name in restores_left(admin_dsn=source.admin_dsn, stem=stem):
            say(f"{name} is of a restore that still runs, or was killed: then drop that database")
        new = f"{stem}_restored_{now:%Y%m%d%H%M%S}"
        manifest = backup_restore(folder.absolute(), admin_dsn=source.admin_dsn, like=source.name, name=new)
        contents, seconds = manifest.contents, time.monotonic() - started
        say(
            f"equal row by row: {many(len(contents.tables), 'table')}, {many(contents.rows, 'row')}, of {manifest.time}"
        )
        if replace:
            _put_in_place(source, new=new, kept=f"{stem}_before_{now:%Y%m%d%H%M%S}")
            for name in state_restore(folder.absolute(), settings.state_dir):
                say(f"{name} is there already, and stays")
        else:
            database_drop(admin_dsn=source.admin_dsn, name=new)
            say(f"the drill took {seconds:.1f} s; the restored database is dropped, and the live one untouched")
    record = {
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "who": operator(),
        "backup": str(folder),
        "of": manifest.time,
        "rows": contents.rows,
        "seconds": round(seconds, 1),
        "replaced": replace,
    }
    drills = settings.state_dir / "backups" / "drills.jsonl"
    drills.parent.mkdir(parents=True, exist_ok=True)
    append_durably(drills, json.dumps(record).encode())


def _reopen(settings: LocalSettings) -> None:
    """Open the live database where a restore was killed while nobody was let in."""
    if settings.gateway == "local":
        admin_dsn, name = administration(settings)
        if database_reopen(admin_dsn=admin_dsn, name=name):
            say(f"{name} let nobody in, since a restore was killed at its end: it is open again")


def _put_in_place(source: Source, *, new: str, kept: str) -> None:
    if not source.settings.database_url:
        owner, password = login_of(source.owner_dsn)
        database_ensure(admin_dsn=source.admin_dsn, name=new, owner=owner, password=password)
    database_replace(admin_dsn=source.admin_dsn, name=source.name, new=new, kept=kept)
    say(f"{source.name} is what was backed up; what it was is {kept}: drop that when you need it no more")
