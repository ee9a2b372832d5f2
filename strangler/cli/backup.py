"""`strangler backup`: the database and the tool's files, in a folder that a restore can be proved by."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import say
from strangler.databases.backups import backup_write
from strangler.deployment.source import source_open
from strangler.errors import UsageError, many
from strangler.settings import LocalSettings, settings_load

# Of the state folder: what was applied and why, what was compared, what is half done. Logs and secrets stay.
STATE_FILES = (
    *("rollout/*.jsonl", "rollout/journal.json", "rollout/states/*"),
    *("compare/*.jsonl", "handover/**/*", "modernise/**/*", "ramp/**/*", "checklist.jsonl", "drills.jsonl"),
)


def backup(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="A new folder; by default .run/backups/TIME.")
    ] = None,
) -> None:
    """Back up the database as it is at one moment, and the history, evidence and journals of the tool.

    Holds up nobody but changes of the schema. Holds no secrets: keep .env and .run/secrets elsewhere.

    Example: strangler backup --to /mnt/backups/monday
    """
    settings = settings_load()
    require_native(settings)
    folder = to or settings.state_dir / "backups" / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    with source_open(settings) as (source, _starting):
        manifest = backup_write(source.admin_dsn, folder.absolute(), state=settings.state_dir, files=STATE_FILES)
    contents = manifest.contents
    say(f"backed up {many(len(contents.tables), 'table')} with {many(contents.rows, 'row')} to {folder}")


def require_native(settings: LocalSettings) -> None:
    """Refuse where the database is in a container or a cluster that this machine can't reach."""
    if settings.gateway == "kubernetes":
        raise UsageError("the database is the cluster's", "back it up there, as its operator or pg_dump does")
    if settings.gateway == "container":
        hint = "run pg_dump there: docker compose exec postgres pg_dump --format=custom …"
        raise UsageError("the database is in a container", hint)
