"""Makes `.venv` and installs the locked requirements into it; called by the Makefile with any Python from 3.11 on.

Runs before anything is installed, so it imports the standard library only. A stamp keyed to the content of what was
installed makes the next call return at once; a mark left by an interrupted install makes it start over.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv"
INTERRUPTED = VENV / "install-interrupted"
LOCKED = {
    "run": ("django", "fastapi", "strangler", "guard", "native", "observability"),
    "dev": ("dev",),
}


class BootstrapError(Exception):
    """One sentence: what is wrong, and how to fix it."""


def main(arguments: Sequence[str]) -> int:
    """Install the set named by the first argument; `--this-python` remakes a `.venv` of another version."""
    name, *options = arguments
    try:
        with _locked():
            _install_if_needed(name, this_python="--this-python" in options)
    except BootstrapError as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("interrupted: the next call starts the install over.")
        return 130
    return 0


def digest_of(name: str) -> str:
    """The digest of all that an install of that set depends on: the files' content and the checkout's path."""
    content = hashlib.sha256(str(ROOT).encode())
    for path in [ROOT / "pyproject.toml", *_requirements(name)]:
        content.update(path.read_bytes())
    return content.hexdigest()


def is_installed(name: str) -> bool:
    """Whether that set, or dev, which includes all others, is installed from the current files."""
    wanted = {name, "dev"}
    return any(_stamp(part).is_file() and _stamp(part).read_text() == digest_of(part) for part in wanted)


def _install_if_needed(name: str, *, this_python: bool) -> None:
    if not _venv_is_usable(this_python=this_python):
        _venv_make()
    elif is_installed(name):
        return
    INTERRUPTED.touch()
    _stamp(name).unlink(missing_ok=True)
    files = _requirements(name)
    _say(f"installing the locked requirements of {', '.join(path.stem for path in files)} into .venv")
    _pip("--require-hashes", *(part for path in files for part in ("-r", str(path))))
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    _stamp(name).write_text(digest_of(name))
    INTERRUPTED.unlink()


def _requirements(name: str) -> list[Path]:
    return [ROOT / "requirements" / f"{part}.txt" for part in LOCKED[name]]


def _stamp(name: str) -> Path:
    return VENV / f"installed-{name}"


def _venv_is_usable(*, this_python: bool) -> bool:
    python = VENV / "bin" / "python"
    if not python.exists() or INTERRUPTED.exists():
        return False
    code = "import sys, pip; print(*sys.version_info[:2])"
    result = subprocess.run([str(python), "-I", "-c", code], check=False, capture_output=True, text=True)  # noqa: S603
    if result.returncode != 0:
        return False
    version = tuple(int(part) for part in result.stdout.split())
    return version == sys.version_info[:2] if this_python else version >= (3, 11)


def _venv_make() -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if importlib.util.find_spec("ensurepip") is None:
        raise BootstrapError(
            f"Python {version} can't make a virtual environment with pip: install its venv package "
            f"(Debian and Ubuntu: apt install python{version}-venv), or name another Python with PYTHON=."
        )
    _say(f"making .venv with Python {version}")
    try:
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BootstrapError(f".venv can't be made ({error}): fix that, then run make again.") from error


def _pip(*arguments: str) -> None:
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    command = [str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    with subprocess.Popen(  # noqa: S603 - the pip of .venv, never a shell
        [*command, *quiet, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as pip:
        for count, package in enumerate(_packages(pip), start=1):
            sys.stderr.write(f"\r\x1b[K  {count} {package}")
            sys.stderr.flush()
    if not quiet:
        sys.stderr.write("\r\x1b[K")
    if pip.returncode != 0:
        raise BootstrapError("the requirements can't be installed: fix the error of pip above, then run make again.")


def _packages(pip: "subprocess.Popen[str]") -> Iterator[str]:
    """The packages that pip installs, as it reports them."""
    for line in pip.stdout or ():
        match = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line)
        if match:
            yield match[1]


@contextmanager
def _locked() -> Iterator[None]:
    """Hold a lock, so that two calls of make install one after the other."""
    folder = ROOT / ".run"
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / "bootstrap.lock").open("a")
    except OSError as error:
        raise BootstrapError(
            f"{folder} isn't writable ({error.strerror}): give it to the user who starts, or remove it."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(sentence: str) -> None:
    sys.stderr.write(f"make: {sentence}\n")


if __name__ == "__main__":
    # Whatever the caller's umask: the account that runs PostgreSQL for root must be able to read the programs.
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
