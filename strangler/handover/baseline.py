"""Alembic's folder: its environment, and the baseline revision that makes the schema which Django left."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from strangler.databases.connections import connected, reason_of
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.handover.schema_text import VERSION_TABLE, SchemaPart, schema_parts
from strangler.handover.steps import Action, Step, literal, named, quoted
from strangler.rollout.atomic_write import write_durably

BASELINE: Final = "baseline"
# strangler_django refuses to migrate where it finds this comment.
MARK: Final = "Alembic owns these tables (strangler)"
_TEMPLATES: Final = ("env.py", "alembic.ini", "script.py.mako")


def baseline_files(folder: Path, dump: str, *, variable: str) -> dict[Path, bytes]:
    """The files of Alembic's folder by their paths; `variable` of the environment holds the database's address."""
    written = {name: _template(name) for name in _TEMPLATES}
    written["env.py"] = written["env.py"].replace("DATABASE_URL", variable)
    written["alembic.ini"] = written["alembic.ini"].replace("{folder}", folder.name)
    written[f"versions/{BASELINE}.py"] = _template("baseline.py")
    written[f"versions/{BASELINE}.sql"] = baseline_sql(schema_parts(dump))
    return {folder / name: text.encode() for name, text in written.items()}


def baseline_sql(parts: Mapping[SchemaPart, str]) -> str:
    """The SQL of a dump's parts, in their order."""
    # Only its owner may comment on an extension, which often is a superuser.
    kept = (text for part, text in parts.items() if not (part.kind == "COMMENT" and part.name.startswith("EXTENSION ")))
    return "\n".join(text for text in kept if text.strip())


def _template(name: str) -> str:
    return files("strangler.handover").joinpath("templates", f"{name}.template").read_text(encoding="utf-8")


def folder_write(folder: Path, wanted: Mapping[Path, bytes]) -> None:
    """Write the files.

    :raises FailedError: the folder isn't writable.
    """
    try:
        for file, content in wanted.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, content)
    except OSError as error:
        raise FailedError(
            f"{error.filename or folder} isn't writable ({error.strerror})", f"give {folder} to the user who applies"
        ) from error


def folder_require_free(folder: Path) -> None:
    """Refuse a folder that holds somebody else's files.

    :raises UsageError: it does.
    """
    if (folder / "versions").exists() or (folder / "env.py").exists():
        raise UsageError(
            f"{folder} holds revisions already", "name another folder: alembic under [handover] of the project file"
        )


def folder_remove(folder: Path) -> None:
    """Remove what `baseline_files` names, and folders that are empty then."""
    names = [*_TEMPLATES, f"versions/{BASELINE}.py", f"versions/{BASELINE}.sql"]
    for name in names:
        (folder / name).unlink(missing_ok=True)
    for cache in folder.rglob("__pycache__"):
        for file in cache.iterdir():
            file.unlink()
        cache.rmdir()
    for empty in (folder / "versions", folder):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()


def stamp_step(schema: str) -> Step:
    """The step that makes Alembic the owner: its table, as Alembic itself makes it, with the baseline in it."""
    table = quoted(schema, VERSION_TABLE)
    key = f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)"
    action = Action(
        table=VERSION_TABLE,
        statements=(
            f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL, {key})",
            f"INSERT INTO {table} (version_num) VALUES ({literal(BASELINE)})",  # noqa: S608 - quoted above
            f"COMMENT ON TABLE {table} IS {literal(MARK)}",
        ),
        undo=(f"DROP TABLE {table}",),
    )
    return Step(kind="alembic", title=f"{VERSION_TABLE} says {BASELINE}: Alembic owns the tables", actions=(action,))


def revisions_of(connection: psycopg.Connection) -> tuple[str, ...] | None:
    """The revisions that a database is at; None where Alembic has no table there.

    :raises psycopg.Error: the database refuses.
    """
    row = connection.execute("SELECT to_regclass(%s)::text", (VERSION_TABLE,)).fetchone()
    if row is None or row[0] is None:
        return None
    rows = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}".encode()).fetchall()  # noqa: S608 - a constant
    return tuple(sorted(str(number) for (number,) in rows))


def is_handed_over(dsn: str) -> bool:
    """Whether Alembic owns the tables of a database, by the mark that a handover has left.

    :raises FailedError: the database doesn't answer.
    """
    with connected(dsn) as connection:
        row = connection.execute("SELECT obj_description(to_regclass(%s))", (VERSION_TABLE,)).fetchone()
    return row == (MARK,)


def upgrade(folder: Path, dsn: str, *, revision: str = "head") -> None:
    """Run Alembic's revisions on a database.

    :raises FailedError: one fails, or the folder is not whole.
    """
    with (
        _alembic_errors(),
        create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
        ).connect() as connection,
    ):
        command.upgrade(_config(folder, connection=connection), revision)


def heads_of(folder: Path) -> tuple[str, ...]:
    """The latest revisions of the folder.

    :raises FailedError: it is not whole.
    """
    with _alembic_errors():
        return tuple(sorted(ScriptDirectory.from_config(_config(folder)).get_heads()))


def require_known(folder: Path, revisions: Iterable[str]) -> None:
    """Refuse a database that is at a revision which the folder hasn't, since Alembic could go nowhere from there.

    :raises UnsafeError: it is.
    :raises FailedError: the folder is not whole.
    """
    with _alembic_errors():
        scripts = ScriptDirectory.from_config(_config(folder))
        known, heads = {script.revision for script in scripts.walk_revisions()}, scripts.get_heads()
    if unknown := sorted({*revisions} - known):
        raise UnsafeError(
            f"the database is at {named(unknown)}, and {folder} has no such revision",
            f"restore its file from git; where the schema is that of {named(heads)}, "
            f"alembic stamp --purge {heads[0]} says so",
        )


def _config(folder: Path, **attributes: Any) -> Config:  # noqa: ANN401 - whatever env.py reads
    config = Config(folder / "alembic.ini", attributes=attributes)
    # The tool's own log stays as it is.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


@contextmanager
def _alembic_errors() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise FailedError(f"Alembic refuses ({str(error).rstrip('.')})", "restore its folder from git") from error
    except DBAPIError as error:
        cause = error.orig
        reason = reason_of(cause) if isinstance(cause, psycopg.Error) else str(error)
        raise FailedError(f"a revision of Alembic fails ({reason})", "correct it, and run it again") from error
    except FileNotFoundError as error:
        raise FailedError(f"{error.filename} is missing", "restore Alembic's folder from git") from error
