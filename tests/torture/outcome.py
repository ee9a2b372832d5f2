"""What came of each fault, as a row of the table in `docs/reliability.md`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.example import ROOT

PAGE: Final = ROOT / "docs" / "reliability.md"
HEAD: Final = (
    "| fault | sent | failed safe reads | failed writes | acknowledged | missing | doubled | recovered | person |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
_BEGIN: Final = "<!-- written by make torture -->"
_END: Final = "<!-- end of make torture -->"
_ROW: Final = re.compile(
    r"\| (?P<fault>[^|]+) \| (?P<sent>[\d,]+) \| (?P<reads>[^|]+) \| (?P<writes>[^|]+) \| (?P<acknowledged>[\d,]+)"
    r" \| (?P<missing>\d+) \| (?P<doubled>\d+) \| (?P<seconds>[\d.]+) s \| (?P<person>no|yes) \|"
)
_KINDS: Final = re.compile(r"(\d[\d,]*) × (\w+)")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault.

    Attributes:
        fault: in words.
        sent: requests, of readers and writers.
        reads: failed safe reads by kind: a status, `lost` (no answer) or `refused` (no connection).
        writes: failed writes by kind.
        acknowledged: writes that were answered with 201.
        missing: of these, those that the database doesn't have.
        doubled: writes that the database has twice.
        seconds: from the end of the fault to the end of the last failed request; 0 where none failed after it.
        person: whether somebody had to do something.
    """

    fault: str
    sent: int
    reads: dict[str, int]
    writes: dict[str, int]
    acknowledged: int
    missing: int
    doubled: int
    seconds: float
    person: bool

    @classmethod
    def parse(cls, line: str) -> Self:
        """A row as `str` writes it.

        :raises ValueError: it is none.
        """
        found = _ROW.fullmatch(line)
        if found is None:
            raise ValueError(f"no row of the table: {line}")
        return cls(
            fault=found["fault"],
            sent=_number(found["sent"]),
            reads=_kinds_of(found["reads"]),
            writes=_kinds_of(found["writes"]),
            acknowledged=_number(found["acknowledged"]),
            missing=int(found["missing"]),
            doubled=int(found["doubled"]),
            seconds=float(found["seconds"]),
            person=found["person"] == "yes",
        )

    def __str__(self) -> str:
        cells = (
            *(self.fault, f"{self.sent:,}", _kinds(self.reads), _kinds(self.writes), f"{self.acknowledged:,}"),
            *(str(self.missing), str(self.doubled), f"{self.seconds:.1f} s", "yes" if self.person else "no"),
        )
        return f"| {' | '.join(cells)} |"

    @property
    def problems(self) -> list[str]:
        """What no fault may bring about."""
        found = {
            "an acknowledged write is missing": self.missing,
            "a write is there twice": self.doubled,
            "a client was answered 500": self.reads.get("500", 0) + self.writes.get("500", 0),
            "a person was needed": self.person,
        }
        return [problem for problem, is_so in found.items() if is_so]


def rows_read(page: str) -> list[Row]:
    """The rows of the page's table.

    :raises ValueError: there is no such table, or a line is none of its rows.
    """
    _before, begun, rest = page.partition(_BEGIN + "\n")
    table, ended, _after = rest.partition(_END)
    lines = table.strip().splitlines()
    if not (begun and ended) or tuple(lines[:2]) != HEAD:
        raise ValueError(f"the page has no table of {_BEGIN}")
    return [Row.parse(line) for line in lines[2:]]


def rows_write(rows: Iterable[Row], *, page: Path = PAGE) -> None:
    """Put rows in the place of those of the same faults, new ones at the end."""
    text = page.read_text(encoding="utf-8")
    kept = {row.fault: row for row in rows_read(text)} | {row.fault: row for row in rows}
    table = "\n".join((*HEAD, *map(str, kept.values())))
    before, rest = text.split(_BEGIN, 1)
    after = rest.split(_END, 1)[1]
    page.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}", encoding="utf-8")


def _kinds(ends: dict[str, int]) -> str:
    return ", ".join(f"{number:,} × {end}" for end, number in sorted(ends.items())) or "0"


def _kinds_of(text: str) -> dict[str, int]:
    found = {end: _number(number) for number, end in _KINDS.findall(text)}
    if text != _kinds(found):
        raise ValueError(f"no numbers by kind: {text}")
    return found


def _number(text: str) -> int:
    return int(text.replace(",", ""))
