"""`strangler compare` as a process, and all that it has written."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from strangler.settings import base_environment
from tests.example import ROOT

SECONDS = 60
CASES = """
[[case]]
get = "/posts/?page=2"

[[case]]
get = "/tags/"
"""


@dataclass(frozen=True)
class Run:
    """A run that has ended, and all that it has written."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    @property
    def suites(self) -> dict[str | None, ET.Element]:
        return {suite.get("name"): suite for suite in ET.parse(self.folder / "junit.xml").getroot()}  # noqa: S314 - the same

    def route(self, name: str) -> dict[str, Any]:
        return next(route for route in self.report["routes"] if route["route"] == name)


class Compare:
    """Runs the command in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases = folder / "cases"
        self.cases.mkdir()
        self.write(CASES)

    def write(self, text: str) -> None:
        (self.cases / "all.toml").write_text(text)

    def start(self, left: str, right: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        names = {"--json": "report.json", "--junit": "junit.xml", "--html": "report.html"}
        files = tuple(part for option, name in names.items() for part in (option, str(self.folder / name)))
        sources = () if "--from-log" in options else ("--cases", str(self.cases))
        return subprocess.Popen(  # noqa: S603 - the command under test
            [sys.executable, "-m", "strangler.cli", "compare", left, right, *sources, *files, *options],
            env=base_environment() | {"PYTHONPATH": str(ROOT), "STRANGLER_PASSWORD": "demo"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, left: str, right: str, *options: str, piped: str = "", **environment: str) -> Run:
        process = self.start(left, right, *options, **environment)
        out, err = process.communicate(piped, timeout=SECONDS)
        return Run(process.returncode, out, err, self.folder)
