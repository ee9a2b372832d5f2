"""A fault: one statement of FastAPI's source, and what stands there instead."""

from dataclasses import dataclass
from pathlib import Path

from tests.example import ROOT


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One statement that is wrong.

    Attributes:
        file: the source, which has `code` exactly once.
        instead: what stands there instead of `code`.
        asked: the case file that finds it.
        found: where it shows, as a comparison names it: "route: kind at place".
    """

    file: str
    code: str
    instead: str
    asked: str
    found: frozenset[str]

    @property
    def module(self) -> str:
        """The name that the source is imported by."""
        return self.file.removesuffix(".py").replace("/", ".")

    @property
    def routes(self) -> set[str]:
        """The routes that it shows in."""
        return {each.partition(":")[0] for each in self.found}

    def planted(self, folder: Path = ROOT) -> str:
        """The source with the fault in it; `folder` is where it lies, if not in the repository."""
        file = folder / self.file
        source = (file if file.exists() else ROOT / self.file).read_text()
        if source.count(self.code) != 1:
            raise ValueError(f"{self.file} has {self.code!r} {source.count(self.code)} times: plant the fault anew.")
        return source.replace(self.code, self.instead)


def named(*places: str) -> frozenset[str]:
    """Places as a comparison names them."""
    return frozenset(places)
