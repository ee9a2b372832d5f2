"""Fingerprints of what a comparison was made with: each service's code, and the files that it read."""

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from strangler.local.state import StateFolder
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

STALE: Final = "stale"
# What a route has to be covered by, which the project file says.
COVERAGE_BAR: Final = "the bar of coverage"
_LENGTH: Final = 16
_SECONDS: Final = 5.0
# What a service of Python is made of; data that it writes beside its code is no code.
_CODE: Final = frozenset({".py", ".html", ".sql", ".lock"})
_NAMED: Final = ("pyproject.toml", "requirements*.txt")
_NO_CODE: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


class Fingerprints:
    """Digests of the stacks and of files, by name; empty for what can't be known.

    A stack's is that of the files in `sources`, or the `version` that it answers; `STALE` where its process started
    before they were changed last, and so runs other code.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The digest of a stack, or of a file or folder by its path from the project file; `COVERAGE_BAR` itself."""
        if name == COVERAGE_BAR:
            return f"{self._settings.project.compare.coverage:g}"
        if name not in self._known:
            root = self._settings.project.root
            self._known[name] = self._stack(Stack(name)) if name in list(Stack) else _digest(_files(root / name), root)
        return self._known[name]

    def name_of(self, path: Path) -> str:
        """The name of a file or folder, as `of` takes it."""
        return os.path.relpath(path.absolute(), self._settings.project.root)

    def files(self, stack: Stack) -> list[Path]:
        """What a stack's code is made of; empty where it isn't known, or one of its `sources` is missing."""
        section, root = self._settings.project.stack(stack), self._settings.project.root
        if section.sources:
            named = [root / section.folder / each for each in section.sources]
            return [file for each in named for file in _files(each)] if all(each.exists() for each in named) else []
        return list(_code(root / section.folder)) if section.command else []

    def _stack(self, stack: Stack) -> str:
        if self._settings.project.stack(stack).version:
            return self._version(stack)
        root, files = self._settings.project.root, self.files(stack)
        if not files:
            return ""
        record = getattr(StateFolder(self._settings.project.state).read(), "services", {}).get(stack)
        newest = max((file.stat().st_mtime for file in files), default=0.0)
        return STALE if record and record.create_time < newest else _digest(files, root)

    def _version(self, stack: Stack) -> str:
        """What the service reports: the key `version` of its health answer, keys with dots, else the header."""
        section = self._settings.project.stack(stack)
        address = urlsplit(self._settings.stack_url(stack)).netloc
        connection = http.client.HTTPConnection(address, timeout=_SECONDS)
        try:
            connection.request("GET", section.health, headers={"Host": self._settings.probe_host})
            answer = connection.getresponse()
            found: object = answer.headers.get(section.version) or json.loads(answer.read())
            for key in () if isinstance(found, str) else section.version.split("."):
                found = found.get(key) if isinstance(found, dict) else None
        except (OSError, http.client.HTTPException, ValueError):
            return ""
        finally:
            connection.close()
        return str(found or "")


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or every file of a folder but hidden ones and what Python writes."""
    if path.is_file():
        yield path
    for folder, names, files in os.walk(path):
        names[:] = [each for each in names if not each.startswith(".") and each not in _NO_CODE]
        if "pyvenv.cfg" in files:
            names[:] = []
            continue
        yield from (Path(folder, each) for each in files if not each.startswith("."))


def _code(folder: Path) -> Iterator[Path]:
    return (file for file in _files(folder) if file.suffix in _CODE or any(map(file.match, _NAMED)))


def _digest(files: Iterator[Path] | list[Path], root: Path) -> str:
    digest = hashlib.sha256()
    found = sorted((os.path.relpath(file, root), file) for file in files)
    for name, file in found:
        digest.update(f"{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:_LENGTH] if found else ""
