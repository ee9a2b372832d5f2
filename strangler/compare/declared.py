"""Differences that are meant: `shared_schema/declared_differences.toml`."""

import datetime as dt
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strangler.local.settings import ROOT

DECLARED_FILE: Final = ROOT / "shared_schema" / "declared_differences.toml"


@dataclass(frozen=True)
class DeclaredDifference:
    """A difference of status that is meant: `v1` and `v2` are what the stacks answer on `route`."""

    route: str
    v1: int
    v2: int
    reason: str
    owner: str
    expires: dt.date


class DeclaredDifferences:
    """Tells whether a difference is meant."""

    def __init__(self, entries: Iterable[DeclaredDifference]) -> None:
        self._expiry = {(entry.route, entry.v1, entry.v2): entry.expires for entry in entries}

    def hold(self, route: str, v1: int, v2: int, *, today: dt.date | None = None) -> bool:
        """Whether these statuses are declared for the route, and haven't expired before `today` (UTC)."""
        expires = self._expiry.get((route, v1, v2))
        return expires is not None and (today or dt.datetime.now(dt.UTC).date()) <= expires


def declared_differences(file: Path = DECLARED_FILE) -> list[DeclaredDifference]:
    """What the file lists."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return [DeclaredDifference(**entry) for entry in document["difference"]]
