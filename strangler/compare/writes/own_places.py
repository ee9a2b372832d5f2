"""What each side has for itself besides its copy of the database: folders of files, and values that nobody else has."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Final, TypeAlias

from strangler.compare.writes.sinks import SentMessage
from strangler.errors import UsageError
from strangler.sections import CopiesSection

FILES: Final = "files"
_LARGEST_BYTES: Final = 1_000_000_000
_BLOCK: Final = 1 << 20
# A file that was written anew has another of these.
_Stamp: TypeAlias = tuple[int, int, int]


@dataclass
class SidePlaces:
    """The folders of one side; `environment` is what its server is started with besides its own."""

    environment: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    _seen: dict[str, dict[str, _Stamp]] = field(default_factory=dict)

    def begin(self) -> None:
        """What is there now was there before."""
        self._seen = {name: _stamps(folder) for name, folder in self.folders.items()}

    def take(self) -> Sequence[SentMessage]:
        """The files that were written or removed since the last call, by their names."""
        return tuple(message for name, folder in self.folders.items() for message in self._taken(name, folder))

    def _taken(self, name: str, folder: Path) -> Iterator[SentMessage]:
        before, now = self._seen[name], _stamps(folder)
        self._seen[name] = now
        for path in sorted(before.keys() | now.keys()):
            if before.get(path) != now.get(path):
                yield SentMessage(FILES, {"folder": name, "name": path, **_content(folder / path)})


@contextmanager
def places_made(section: CopiesSection, sides: int, *, root: Path, state: Path) -> Iterator[tuple[SidePlaces, ...]]:
    """The places of each side, for as long as the `with` block lasts.

    Args:
        section: names the variables.
        sides: how many there are.
        root: where relative folders of the section begin.
        state: the folder in which they are made.

    Raises:
        UsageError: a folder isn't there, or is too large to be copied.
    """
    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="side-", dir=state) as made:
        yield tuple(_made(section, Path(made) / str(side), root) for side in range(sides))


def _made(section: CopiesSection, folder: Path, root: Path) -> SidePlaces:
    places = SidePlaces()
    for name, source in section.files.items():
        _copy(root / source, folder / FILES / name, name)
        places.folders[name] = folder / FILES / name
        places.environment[name] = str(folder / FILES / name)
    own = folder / "own"
    own.mkdir(parents=True)
    places.environment |= places_fill(section.own, folder=own, unique=uuid.uuid4().hex)
    places.begin()
    return places


def places_fill(own: Mapping[str, str], *, folder: Path, unique: str) -> dict[str, str]:
    """The variables of one side with its folder, and with the text that nobody else has."""
    return {name: text.format(folder=folder, unique=unique) for name, text in own.items()}


def _copy(source: Path, target: Path, name: str) -> None:
    if not source.is_dir():
        hint = f"make it, or correct {name} under [compare.copies.files]"
        raise UsageError(f"{source} is no folder, so neither side can start from its files", hint)
    size = sum(stamp[0] for stamp in _stamps(source).values())
    if size > _LARGEST_BYTES:
        hint = f"name a folder with some of them as {name} under [compare.copies.files]"
        raise UsageError(f"{source} holds {size / 1e9:.1f} GB, which aren't copied for each side", hint)
    try:
        shutil.copytree(source, target, ignore_dangling_symlinks=True)
    except OSError as error:
        # That of a tree is about several files; each is its path, its copy, and why.
        first = error.args[0][0] if isinstance(error, shutil.Error) else (source, target, error.strerror)
        hint = f"let this account read it, or name another folder as {name} under [compare.copies.files]"
        raise UsageError(f"{first[0]} can't be copied for each side ({first[2]})", hint) from error


def _stamps(folder: Path) -> dict[str, _Stamp]:
    found: dict[str, _Stamp] = {}
    for path in folder.rglob("*"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            # Gone while it was looked at.
            continue
        if S_ISREG(stat.st_mode):
            found[str(path.relative_to(folder))] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def _content(file: Path) -> dict[str, object]:
    """What of a file counts; nothing of one that is gone."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
            return {"bytes": content.tell(), "sha256": digest.hexdigest()[:16]}
    except FileNotFoundError:
        return {"bytes": None, "sha256": "removed"}
