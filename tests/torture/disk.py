"""A file system in memory, small enough to be full at once; only root may mount one."""

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PIECE: Final = b"\0" * 4096
_STEPS: Final = 20


class Disk:
    """A file system in memory at a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mount(self, *options: str) -> None:
        """Mount it, or mount it again with `remount`."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.path)], check=True)  # noqa: S603, S607 - the system's

    def unmount(self) -> None:
        """Take it away, also from under files that are open."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)  # noqa: S603, S607 - the system's

    @contextmanager
    def full(self, *, seconds: float = 0.0) -> Iterator[None]:
        """Not a byte is left meanwhile; it fills evenly within `seconds`."""
        filler = self.path / "filler"
        space = os.statvfs(self.path)
        step = space.f_bavail * space.f_frsize // len(_PIECE) // _STEPS + 1
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    for _ in range(step):
                        file.write(_PIECE)
                    time.sleep(seconds / _STEPS)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            try:
                yield
            finally:
                filler.unlink()
