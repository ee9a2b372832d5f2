"""What is deployed: the request, the file that the supervisor reads it from, and the folder of a release."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, UsageError
from strangler.local.services import stack_folder
from strangler.project import Project
from strangler.rollout.atomic_write import write_durably
from strangler.routes.route import Stack


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """One deploy of a service; `lines` say what has happened so far, and at the end why it failed.

    `release` is the folder with the new code, which the service's own folder, a link, is pointed at; empty where that
    folder holds it already.
    """

    id: str
    service: Stack
    release: str = ""
    outcome: Literal["asked", "under way", "done", "failed"] = "asked"
    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, service: Stack, *, release: Path | None = None) -> Self:
        """A new request."""
        return cls(id=secrets.token_hex(8), service=service, release=str(release or ""))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.outcome in {"done", "failed"}


_DEPLOY: Final = TypeAdapter(Deploy)


class DeployFile:
    """The file that holds the deploy that was asked for last (`deploy.json` of the state folder)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "deploy.json"

    def read(self) -> Deploy | None:
        """The last deploy; None if there was none since the stack was started."""
        try:
            return _DEPLOY.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, deploy: Deploy) -> None:
        """Replace the record.

        :raises OSError: the folder isn't writable, or its disk is full.
        """
        write_durably(self._path, _DEPLOY.dump_json(deploy, indent=2))

    def claim(self, deploy: Deploy) -> Deploy | None:
        """Write the record unless another deploy isn't over, which is what this gives then.

        :raises OSError: the folder isn't writable, or its disk is full.
        """
        with self._locked():
            found = self.read()
            if found is not None and not found.is_over:
                return found
            self.write(deploy)
        return None

    def forget(self) -> None:
        """Remove the record: of another run it says nothing."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Be the only one that looks and then writes, for no longer than that takes."""
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def release_folder(project: Project, which: Stack, release: Path) -> Path:
    """The folder of a release, absolute, once it can be deployed as one.

    :raises UsageError: there is no such folder, or the service's own folder is no link that could point there.
    """
    link, own = stack_folder(project, which), project.stack(which).folder
    if not release.is_dir():
        raise UsageError(f"there is no folder {release}", "name the one that holds the new code")
    if link == project.root or not link.is_symlink():
        hint = f"make it one (mv {link.name} release-1; ln -s release-1 {link.name}), or put the new code into it"
        if link == project.root:
            hint = f'give [{which}] of {project.file.name} a folder = "current" that links to the release'
        raise UsageError(f"the folder of {which} ({own}) is no link, so it can't point to a release", hint)
    return release.resolve()


def release_point(link: Path, release: Path) -> str:
    """Point the service's folder to a release, at once or not at all; the sentence that says so.

    :raises FailedError: its folder isn't writable, or the disk is full.
    """
    parent = link.parent.resolve()
    target = release.relative_to(parent) if release.is_relative_to(parent) else release
    made = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    try:
        before = link.readlink()
        made.symlink_to(target)
        made.replace(link)
    except OSError as error:
        made.unlink(missing_ok=True)
        message = f"{link.name} can't be pointed to {target} ({error.strerror})"
        raise FailedError(message, f"strangler up needs the right to write in {parent}") from error
    return f"{link.name} points to {target}; it pointed to {before}"
