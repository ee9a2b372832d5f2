"""Sections of a page that a command writes, between two comments that name them."""

from collections.abc import Iterable
from pathlib import Path


def section_write(page: Path, name: str, lines: Iterable[str]) -> None:
    """Replace what stands between the comments that name a section.

    :raises ValueError: the page has no such section.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin of {name} -->", f"<!-- end of {name} -->"
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text("\n".join((f"{before}{begin}", *lines, f"{end}{after}")), encoding="utf-8")
