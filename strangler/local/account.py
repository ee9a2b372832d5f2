"""The account that PostgreSQL runs as when the supervisor is root, since PostgreSQL refuses root."""

import logging
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from strangler.errors import FailedError

ACCOUNT_NAME = "embedded_postgres"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class UnixAccount:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def account_for_postgres() -> UnixAccount | None:
    """The account for PostgreSQL if this process is root, made at first use; None for any other user.

    :raises FailedError: the account can't be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        _account_create()
        entry = pwd.getpwnam(ACCOUNT_NAME)
    return UnixAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _account_create() -> None:
    hint = f"make an account named {ACCOUNT_NAME}, or run strangler up as an ordinary user"
    useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
    if useradd is None:
        raise FailedError("PostgreSQL refuses to run as root and there is no useradd to make it an account", hint)
    command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", ACCOUNT_NAME]
    result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - a fixed command
    # Two runs at once may both try; only a missing account is an error.
    if result.returncode != 0 and ACCOUNT_NAME not in {entry.pw_name for entry in pwd.getpwall()}:
        raise FailedError(f"the account {ACCOUNT_NAME} can't be made ({result.stderr.strip()})", hint)


def search_bits_add(*, account: UnixAccount, paths: Iterable[Path]) -> None:
    """Let `account` pass through the folders above `paths`, and log each folder whose mode is changed.

    Adds only the search bit for others: names in those folders can't be listed, files can't be read.
    """
    for folder in sorted({parent for path in paths for parent in path.resolve().parents}):
        status = folder.stat()
        if not _searchable(status, account):
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            _LOG.info("chmod o+x %s: the account %s has to pass through it", folder, account.name)


def _searchable(status: os.stat_result, account: UnixAccount) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
