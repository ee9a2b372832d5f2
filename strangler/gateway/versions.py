"""The rendered configurations in nginx's folder: a folder for each version, and `current`, which names the one in use.

A version is whole before `current` names it, and `current` changes in one step, so nginx never reads half of one; and
what ran before stays as it was, byte for byte, to be named again.
"""

import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import mkdtemp

from strangler.gateway.rendering import FILES, Rendered

CURRENT = "current"
VERSIONS = "versions"


class VersionFolder:
    """nginx's folder on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folder(self, version: str) -> Path:
        """Where the files of `version` are."""
        return self.path / VERSIONS / version

    def current(self) -> str | None:
        """The version that nginx reads when it starts or reloads; None where none was activated yet."""
        try:
            return (self.path / CURRENT).readlink().name
        except FileNotFoundError:
            return None

    def install(self, rendered: Rendered) -> None:
        """Write a version beside the others; what nginx reads doesn't change."""
        versions = self.path / VERSIONS
        versions.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(dir=versions, prefix=".new-"))
        try:
            # Readable by nginx's own account, whatever the umask.
            draft.chmod(0o755)
            for name, text in rendered.files.items():
                (draft / name).write_text(text, encoding="utf-8")
                (draft / name).chmod(0o644)
            if self.folder(rendered.version).exists():
                self._replace_files(draft, self.folder(rendered.version))
            else:
                draft.rename(self.folder(rendered.version))
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def holds(self, rendered: Rendered) -> bool:
        """Whether a version is here just as it was rendered."""
        folder = self.folder(rendered.version)
        try:
            found = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
        except (OSError, UnicodeDecodeError):
            return False
        return found == rendered.files

    def activate(self, version: str) -> None:
        """Let `current` name `version`, in one step."""
        draft = self.path / f".{CURRENT}.new"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path(VERSIONS, version))
        draft.rename(self.path / CURRENT)

    def remove(self, version: str) -> None:
        """Forget a version that isn't current; nothing if it isn't there."""
        shutil.rmtree(self.folder(version), ignore_errors=True)

    def prune(self, keep: Collection[str]) -> None:
        """Forget every version but those in `keep` and the current one."""
        kept = {*keep, self.current()}
        for folder in (self.path / VERSIONS).iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def _replace_files(self, draft: Path, folder: Path) -> None:
        """Restore a version that somebody changed, which nginx may be reading."""
        for file in draft.iterdir():
            file.replace(folder / file.name)
        for file in folder.iterdir():
            if file.name not in FILES:
                file.unlink()
