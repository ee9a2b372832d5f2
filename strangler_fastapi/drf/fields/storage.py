"""Where files are kept, under the names that Django's storage gives (`django.core.files.storage`)."""

import logging
import os
import re
import secrets
import string
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Final, Protocol
from urllib.parse import quote, urljoin

from pydantic_settings import BaseSettings

from shared_schema.contract.contract import StorageFacts
from strangler_fastapi.drf.http.uploads import UploadedFile
from strangler_fastapi.errors import SuspiciousRequest, Unavailable

logger = logging.getLogger(__name__)

_FILE_SYSTEM: Final = "django.core.files.storage.filesystem.FileSystemStorage"
_LETTERS: Final = string.ascii_letters + string.digits
_RANDOM_LETTERS: Final = 7
# What Django leaves as it is in the address of a file (`filepath_to_uri`).
_SAFE: Final = "/~!*()'"


class Storage(Protocol):
    """What a FileField wants of a storage: the methods of Django's of the same names, which wait for the disk."""

    def generate_filename(self, filename: str) -> str:
        """A name that the storage takes."""

    def save(self, name: str, content: UploadedFile, max_length: int | None = None) -> str:
        """Keeps the content; returns the name that it has now."""

    def delete(self, name: str) -> None:
        """Removes a file."""

    def url(self, name: str) -> str:
        """The address of a file."""


class StorageSettings(BaseSettings):
    """The environment of a storage: `media_root`, where the folder isn't the one in which the contract was exported."""

    media_root: str = ""


class FileSystemStorage:
    """A folder, `location`, whose files have addresses below `base_url` (MEDIA_ROOT and MEDIA_URL).

    What Django refuses as suspicious raises SuspiciousRequest. Permissions are those of new files and folders.
    """

    def __init__(
        self,
        location: Path | str,
        base_url: str | None,
        *,
        file_permissions: int | None = 0o644,
        directory_permissions: int | None = None,
        allow_overwrite: bool = False,
    ) -> None:
        # Not `resolve`: where the folder is a link, it stays one.
        self._location = Path(os.path.abspath(location))  # noqa: PTH100 - as above
        self._base_url = base_url
        self._file_permissions = file_permissions
        self._directory_permissions = directory_permissions
        self._allow_overwrite = allow_overwrite

    def generate_filename(self, filename: str) -> str:
        """The name with its folders, of letters that no file system minds.

        Raises:
            SuspiciousRequest: it leads elsewhere, or nothing is left of it.
        """
        folder, name = os.path.split(filename.replace("\\", "/"))
        if ".." in PurePath(folder).parts:
            raise SuspiciousRequest
        valid = re.sub(r"(?u)[^-\w.]", "", name.strip().replace(" ", "_"))
        if valid in {"", ".", ".."}:
            raise SuspiciousRequest
        return os.path.normpath(os.path.join(folder, valid))  # noqa: PTH118 - a name, and no path of this machine

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name, or one like it where it is taken or longer than `max_length`.

        Raises:
            SuspiciousRequest: it leads elsewhere, or no name is short enough.
        """
        folder, file_name = os.path.split(name.replace("\\", "/"))
        if ".." in PurePath(folder).parts or file_name in {"", ".", ".."}:
            raise SuspiciousRequest
        ending = "".join(PurePath(file_name).suffixes)
        root = file_name.removesuffix(ending)
        while not self._is_available(name, max_length):
            name = self._alternative(folder, root, ending)
            excess = 0 if max_length is None else len(name) - max_length
            if excess > 0:
                root = root[:-excess]
                if not root:
                    raise SuspiciousRequest
                name = self._alternative(folder, root, ending)
        return name

    def save(self, name: str, content: UploadedFile, max_length: int | None = None) -> str:
        """Writes the content under a name that is free; nobody's file is overwritten.

        Raises:
            SuspiciousRequest: there is no such name.
            Unavailable: the disk doesn't take it; nothing is left of it there.
        """
        _check_relative(name)
        name = self.get_available_name(name, max_length)
        _check_relative(name)
        try:
            return self._write(name, content)
        except OSError as error:
            logger.exception("files can't be stored in %s: let the service write there", self._location)
            raise Unavailable("Files can't be stored now: try again later.") from error

    def delete(self, name: str) -> None:
        """Removes a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def url(self, name: str) -> str:
        """The address of a file.

        Raises:
            LookupError: files of this storage have none.
        """
        if self._base_url is None:
            raise LookupError("Files of this storage have no address: give it a base_url, or the field use_url=False.")
        return urljoin(self._base_url, quote(name.replace("\\", "/"), safe=_SAFE).lstrip("/"))

    def _write(self, name: str, content: UploadedFile) -> str:
        self._make_folders(self._path(name).parent)
        while True:
            path = self._path(name)
            flags = os.O_TRUNC if self._allow_overwrite else os.O_EXCL
            try:
                opened = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o666)
            except FileExistsError:
                # Another request was first.
                name = self.get_available_name(name)
                continue
            break
        try:
            with os.fdopen(opened, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        if self._file_permissions is not None:
            path.chmod(self._file_permissions)
        with suppress(PermissionError):
            os.chown(path, -1, self._location.stat().st_gid)
        return path.relative_to(self._location).as_posix()

    def _make_folders(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            if self._directory_permissions is not None:
                each.chmod(self._directory_permissions)

    def _path(self, name: str) -> Path:
        path = Path(os.path.abspath(self._location / name))  # noqa: PTH100 - a link stays one
        if not path.is_relative_to(self._location):
            raise SuspiciousRequest
        return path

    def _is_available(self, name: str, max_length: int | None) -> bool:
        if max_length is not None and len(name) > max_length:
            return False
        return self._allow_overwrite or not os.path.lexists(self._path(name))

    def _alternative(self, folder: str, root: str, ending: str) -> str:
        made = "" if self._allow_overwrite else "_" + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM_LETTERS))
        return os.path.join(folder, f"{root}{made}{ending}")  # noqa: PTH118 - a name, and no path of this machine


_registered: dict[str, Storage] = {}


def storage_register(name: str, storage: Storage) -> None:
    """Has `storage` keep the files of columns whose storage is of Django's class `name`."""
    _registered[name] = storage


def storage_of(facts: StorageFacts, column: str) -> Storage:
    """The storage of a column's files, from the contract; MEDIA_ROOT of the environment is Django's on this machine.

    Raises:
        LookupError: it is of a class that has no counterpart.
    """
    if facts.name in _registered:
        return _registered[facts.name]
    if facts.name != _FILE_SYSTEM:
        raise LookupError(
            f"Files of column {column} are kept by {facts.name}, which has no counterpart here: register one,"
            f' `storage_register("{facts.name}", …)` of strangler_fastapi.drf.fields.storage.'
        )
    given: Mapping[str, int | None] = {
        "file_permissions": facts.file_permissions,
        "directory_permissions": facts.directory_permissions,
    }
    location = (StorageSettings().media_root if facts.is_media_root else "") or facts.location or ""
    return FileSystemStorage(location, facts.base_url, **given, allow_overwrite=facts.allow_overwrite)


def _check_relative(name: str) -> None:
    """Django's `validate_file_name` of a name with folders."""
    path = PurePosixPath(name.replace("\\", "/"))
    if os.path.basename(name) in {"", ".", ".."} or path.is_absolute() or ".." in path.parts:  # noqa: PTH119 - a name
        raise SuspiciousRequest
