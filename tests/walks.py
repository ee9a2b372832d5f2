"""The console blocks of a document, run as they stand: each line that a page shows has to be printed, in that order.

Numbers and checksums may be others; `…` stands for lines that are left out. A checksum, or the stamp of a folder, in a
command is the one that was printed where the page shows the one that it has.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.checkouts import ENVIRONMENT, Checkout
from tests.example import ROOT

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Times of evidence, stamps of folders, checksums, who did it, and any other number.
_VARYING = re.compile(
    r"\b\w+@[\w-]+\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d{8}T\d{6}Z\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|-?\d[\d,]*(?:\.\d+)?"
)
_CHECKSUM = re.compile(r"\b\d{8}T\d{6}Z\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b")
_LEFT_OUT = "…"
SECONDS = 500


@dataclass(frozen=True)
class Command:
    """A command of a page, and the lines that the page shows of it."""

    text: str
    shown: tuple[str, ...]


def commands_of(page: Path, heading: str) -> list[Command]:
    """The commands between a heading and the next one."""
    _before, found, rest = page.read_text(encoding="utf-8").partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading}"
    section = re.split(r"^#+ \w", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return [command for block in _BLOCK.findall(section) for command in _commands(block)]


def _commands(block: str) -> list[Command]:
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [Command(text, tuple(shown)) for text, shown in found]


def plain(line: str) -> str:
    """A line without what differs from run to run, and without spaces that align a table."""
    return re.sub(r" +", " ", _VARYING.sub("0", line)).strip()


@dataclass
class Walk:
    """Somebody who types what a page says, in a checkout."""

    checkout: Checkout
    checksums: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.checkout.path
        folder = self.folder / "bin"
        folder.mkdir()
        program = folder / "strangler"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m strangler.cli "$@"\n')
        program.chmod(0o755)
        self._environment = {
            **ENVIRONMENT,
            "PATH": f"{folder}{os.pathsep}{ENVIRONMENT['PATH']}",
            "COLUMNS": "400",
            "PYTHONUNBUFFERED": "1",
        }

    def section(self, page: str, heading: str) -> None:
        """Run every command below a heading of a page in docs/."""
        commands = commands_of(ROOT / "docs" / page, heading)
        assert commands, heading
        for command in commands:
            self.run(command)

    def run(self, command: Command) -> None:
        """Run one command; what the page shows of it has to be what it prints.

        :raises AssertionError: a line of the page is not printed, or not in its place.
        """
        text = _CHECKSUM.sub(lambda found: self.checksums.get(found[0], found[0]), command.text)
        printed = self.typed(text).replace(f"{self.folder}/", "").splitlines()
        place = 0
        for shown in command.shown:
            if shown == _LEFT_OUT:
                continue
            wanted = plain(shown)
            found = next((at for at in range(place, len(printed)) if plain(printed[at]) == wanted), None)
            assert found is not None, f"$ {text}\n{shown}\nis not among what was printed:\n" + "\n".join(printed)
            self.checksums |= dict(zip(_CHECKSUM.findall(shown), _CHECKSUM.findall(printed[found]), strict=False))
            place = found + 1

    def typed(self, text: str) -> str:
        """What a command line prints, whatever its exit code."""
        done = subprocess.run(  # noqa: S603 - a line of the project's own documents
            ["bash", "-c", text],  # noqa: S607 - the system's
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return done.stdout
