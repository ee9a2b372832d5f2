"""Files that are whole or not there, also after a crash or a loss of power."""

import os
from pathlib import Path


def write_durably(file: Path, content: bytes) -> None:
    """Replace `file` as a whole, its permissions kept; a symbolic link's target is replaced, not the link."""
    file = file.resolve()
    draft = file.with_name(f".{file.name}.new")
    with draft.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    if file.exists():
        draft.chmod(file.stat().st_mode & 0o7777)
    draft.replace(file)
    sync_folder(file.parent)


def append_durably(file: Path, line: bytes) -> None:
    """Add a line; half of a line that a crash left behind is ended first."""
    with file.open("ab+") as out:
        size = out.seek(0, os.SEEK_END)
        if size:
            out.seek(size - 1)
            if out.read(1) != b"\n":
                out.write(b"\n")
        out.write(line + b"\n")
        out.flush()
        os.fsync(out.fileno())
    sync_folder(file.parent)


def remove_durably(file: Path) -> None:
    """Remove `file` if it is there."""
    file.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
