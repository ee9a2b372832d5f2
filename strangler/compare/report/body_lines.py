"""The lines of a body, each with the place in it that it stands for."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from strangler.compare.json_values import NotJsonError, Path, json_lines, json_parse, path_text
from strangler.compare.redaction import MAX_LENGTH, Reported

# How a body begins that `json_lines` has written.
_ITEMS: Final = ("{\n", "[\n")
_KEY: Final = json.JSONDecoder()
_MAX_LINES: Final = 1500


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line by its number from 1.

    Attributes:
        key: is no other line's of the same body: its JSON path, whether it ends what began there, and a count.
        place: the difference that it belongs to.
    """

    number: int
    text: str
    key: tuple[str, bool, int]
    place: Reported | None


def body_lines(body: str, places: Mapping[str, Reported]) -> Iterator[Line]:
    """The lines of a body, JSON with an item on each; `places` are where it differs, by `Reported.place`.

    Lines without a path belong to the place that is named by an empty text.
    """
    lines, is_json = _split(body)
    paths: Iterable[tuple[Path | None, bool]] = _paths(lines) if is_json else ((None, False) for _ in lines)
    covering: list[tuple[Path, Reported]] = []
    # Bodies whose keys are told apart are aligned quickly, whatever is in them.
    seen: Counter[tuple[str, bool]] = Counter()
    for number, (line, (path, closes)) in enumerate(zip(lines[:_MAX_LINES], paths, strict=False), start=1):
        shown = "" if path is None else path_text(path)
        place = places.get(_shortened(shown))
        while covering and path is not None and path[: len(covering[-1][0])] != covering[-1][0]:
            covering.pop()
        if place and path is not None:
            covering.append((path, place))
        elif covering:
            place = covering[-1][1]
        seen[shown, closes] += 1
        yield Line(number=number, text=line, key=(shown, closes, seen[shown, closes]), place=place)
    if len(lines) > _MAX_LINES:
        text = f"… ({len(lines) - _MAX_LINES:,} more lines)"
        yield Line(number=_MAX_LINES + 1, text=text, key=("", True, 0), place=None)


def _split(body: str) -> tuple[list[str], bool]:
    """The lines, and whether they are JSON's; a body that has an item on each line may have been cut."""
    if body.startswith(_ITEMS):
        return body.split("\n"), True
    try:
        return json_lines(json_parse(body)).split("\n"), True
    except (NotJsonError, RecursionError):
        return body.split("\n"), False


def _paths(lines: Sequence[str]) -> Iterator[tuple[Path | None, bool]]:
    """Where each line of JSON leads, one item on each, and whether it is the end of what began there."""
    opened: list[tuple[Path, bool]] = []
    counts: list[int] = []
    for line in lines:
        text = line.strip().removesuffix(",")
        if text in {"}", "]"} and opened:
            counts.pop()
            yield opened.pop()[0], True
            continue
        path: Path | None = ()
        if opened:
            parent, is_list = opened[-1]
            segment, text = (counts[-1], text) if is_list else key_split(text)
            counts[-1] += 1
            path = None if segment is None else (*parent, segment)
        yield path, False
        if text in {"{", "["} and path is not None:
            opened.append((path, text == "["))
            counts.append(0)


def key_split(text: str) -> tuple[str | None, str]:
    """The key that a line of an object begins with, None where there is none, and the rest."""
    try:
        key, end = _KEY.raw_decode(text)
    except ValueError:
        return None, text
    return str(key), text[end:].removeprefix(": ")


def _shortened(path: str) -> str:
    return path if len(path) <= MAX_LENGTH else f"{path[: MAX_LENGTH - 1]}…"
