"""Copies a database, or a part of it, into another: pg_dump's consistent snapshot, piped into pg_restore."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strangler.errors import FailedError
from strangler.local.postgres_cluster import postgres_bin_dir
from strangler.settings import base_environment

# Not held up for longer by a migration that has locked a table; in milliseconds.
_LOCK_WAIT: Final = 10_000
_POLL_SECONDS: Final = 0.05
# What would act on the world outside, or needs a superuser.
_DUMP: Final = ("--format=custom", "--no-publications", "--no-subscriptions", f"--lock-wait-timeout={_LOCK_WAIT}")
_SCHEMA: Final = ("--schema-only", "--no-owner", "--no-privileges", *_DUMP[1:])
_RESTORE: Final = ("--exit-on-error",)


def database_dump_into(
    *,
    source: str,
    target: str,
    major: int,
    owned: bool,
    granted: bool = True,
    part: Sequence[str] = (),
    check: Callable[[], None] = lambda: None,
) -> None:
    """Fill the database `target` with all of `source`, of which nothing is locked but against DDL.

    `major` is the server's version. With `owned` each thing keeps its owner, else it becomes that of `target`'s role;
    with `granted` all roles keep their rights. `part` are options of pg_dump that leave the rest out. `check` is
    called meanwhile; what it raises ends the copying.

    :raises FailedError: there is no pg_dump of that version, or it or pg_restore failed.
    """
    folder = dump_folder(major)
    restore = [*_RESTORE, *([] if owned else ["--no-owner"]), *([] if granted else ["--no-privileges"])]
    with tempfile.TemporaryFile() as stderr:
        dump = _start(folder / "pg_dump", [*_DUMP, *part], source, stderr, stdout=subprocess.PIPE)
        with dump, _start(folder / "pg_restore", restore, target, stderr, stdin=dump.stdout) as loading:
            if dump.stdout is not None:
                dump.stdout.close()  # else pg_dump would not notice that pg_restore has gone
            try:
                _wait(dump, loading, check)
            finally:
                for program in (dump, loading):
                    program.kill()
        if dump.returncode or loading.returncode:
            stderr.seek(0)
            raise FailedError(f"the database can't be copied ({_reason(stderr.read())})", "fix that, then run it again")


def database_dump(dsn: str, file: Path, *, major: int, snapshot: str) -> None:
    """Write all of a database into a new `file`, as an exported snapshot sees it.

    :raises FailedError: there is no pg_dump of that version, or it failed.
    """
    options = [*_DUMP, f"--snapshot={snapshot}", f"--file={file}"]
    _run(dump_folder(major) / "pg_dump", options, dsn, "the database can't be dumped")


def database_load(file: Path, dsn: str, *, major: int) -> None:
    """Fill an empty database with what `database_dump` wrote; each thing keeps its owner, and all roles their rights.

    :raises FailedError: there is no pg_restore of that version, or it failed, as where a role isn't there.
    """
    _run(dump_folder(major) / "pg_restore", [*_RESTORE, str(file)], dsn, "the database can't be restored")


def _run(program: Path, options: list[str], dsn: str, failing: str) -> None:
    with tempfile.TemporaryFile() as stderr:
        with _start(program, options, dsn, stderr) as running:
            running.wait()
        if running.returncode:
            stderr.seek(0)
            raise FailedError(f"{failing} ({_reason(stderr.read())})", "fix that, then run it again")


def schema_dump(dsn: str, *, major: int, part: Sequence[str] = ()) -> str:
    """The schema as pg_dump's SQL, without owners and rights; `part` are options that leave the rest out.

    :raises FailedError: there is no pg_dump of that version, or it failed.
    """
    options = [*_SCHEMA, *part]
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as written:
        with _start(dump_folder(major) / "pg_dump", options, dsn, stderr, stdout=written.fileno()) as dump:
            dump.wait()
        if dump.returncode:
            stderr.seek(0)
            raise FailedError(f"the schema can't be read ({_reason(stderr.read())})", "fix that, then run it again")
        written.seek(0)
        # Of psql's, with a key that differs each time.
        lines = written.read().decode().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(("\\restrict ", "\\unrestrict ")))


def dump_folder(major: int) -> Path:
    """Where pg_dump and pg_restore of a version are: the wheel's, the system's, or those on the PATH.

    Another version won't do: an older one refuses to dump, and what a newer one writes an older server refuses.

    :raises FailedError: nowhere.
    """
    for folder in _folders(major):
        if (folder / "pg_restore").exists() and _major_of(folder / "pg_dump") == major:
            return folder
    raise FailedError(
        f"the database server is PostgreSQL {major}, and there is no pg_dump and pg_restore of that version here to "
        "copy it with",
        f"install them, such as by apt install postgresql-client-{major}",
    )


def _folders(major: int) -> list[Path]:
    found = shutil.which("pg_dump")
    on_path = [Path(found).resolve().parent, Path(found).parent] if found else []
    try:
        wheel = [postgres_bin_dir()]
    except FailedError:
        wheel = []
    return [*wheel, Path(f"/usr/lib/postgresql/{major}/bin"), Path(f"/usr/pgsql-{major}/bin"), *on_path]


def _major_of(program: Path) -> int | None:
    try:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - pg_dump itself
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\) (\d+)", version)
    return int(found[1]) if found else None


def _start(
    program: Path,
    options: list[str],
    dsn: str,
    stderr: IO[bytes],
    *,
    stdin: IO[bytes] | None = None,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    parts = conninfo_to_dict(dsn)
    # Everybody on this machine can read a program's arguments, but not its environment.
    password = str(parts.pop("password", None) or "")
    secret = {"PGPASSWORD": password} if password else {}
    passed = {name: value for name, value in os.environ.items() if name in ("PGPASSFILE", "PGSSLROOTCERT")}
    return subprocess.Popen(  # noqa: S603 - PostgreSQL's own programs, never a shell
        [program, *options, f"--dbname={make_conninfo('', **parts)}"],
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=base_environment() | {"LC_ALL": "C"} | passed | secret,
    )


def _wait(dump: subprocess.Popen[bytes], loading: subprocess.Popen[bytes], check: Callable[[], None]) -> None:
    for program in (dump, loading):
        while True:
            check()
            try:
                program.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break


def _reason(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line and "broken pipe" not in line.lower()]
    return (errors or lines or ["pg_dump says nothing"])[0].rstrip(".")
