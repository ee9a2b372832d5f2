"""Two bodies side by side, line by line, with the parts marked that differ."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from strangler.compare.differ import DifferenceKind, first_difference
from strangler.compare.json_values import JsonPath, NotJsonError, json_lines, json_parse, path_text
from strangler.compare.redaction import MaskedDifference, shortened

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
    place: MaskedDifference | None


def body_lines(body: str, places: Mapping[str, MaskedDifference]) -> Iterator[Line]:
    """The lines of a body, JSON with an item on each; `places` are where it differs, by `MaskedDifference.place`.

    Lines without a path belong to the place that is named by an empty text.
    """
    lines, is_json = _split(body)
    paths: Iterable[tuple[JsonPath | None, bool]] = _paths(lines) if is_json else ((None, False) for _ in lines)
    covering: list[tuple[JsonPath, MaskedDifference]] = []
    # Unique keys make the alignment quick, whatever is in the bodies.
    seen: Counter[tuple[str, bool]] = Counter()
    for number, (line, (path, closes)) in enumerate(zip(lines[:_MAX_LINES], paths, strict=False), start=1):
        shown = "" if path is None else path_text(path)
        place = places.get(shortened(shown))
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


def _paths(lines: Sequence[str]) -> Iterator[tuple[JsonPath | None, bool]]:
    """Where each line of JSON leads, one item on each, and whether it is the end of what began there."""
    opened: list[tuple[JsonPath, bool]] = []
    counts: list[int] = []
    for line in lines:
        text = line.strip().removesuffix(",")
        if text in {"}", "]"} and opened:
            counts.pop()
            yield opened.pop()[0], True
            continue
        path: JsonPath | None = ()
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


_BODY: Final = "body"
_CONTEXT: Final = 3
_MAX_MARKED: Final = 600
_MAX_AROUND: Final = 160


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A line of one side: its number from 1, and its text before, in and after what is marked.

    `marked` is empty where only the other side has something there, None where the whole line is alike.
    """

    number: int
    before: str
    marked: str | None = None
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The same line of both sides; None where a side has none.

    `place` is where it differs, empty where it doesn't. `aside` says that it is written otherwise and is equal all the
    same, as a link to each side's own prefix is.
    """

    left: Cell | None
    right: Cell | None
    place: str = ""
    aside: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows that follow each other; `folded` ones are far from any difference."""

    rows: tuple[Row, ...]
    folded: bool


def blocks_of(left: str, right: str, places: Sequence[MaskedDifference]) -> tuple[Block, ...]:
    """Both bodies in blocks; JSON is aligned by its paths, anything else line by line."""
    rows = list(_rows(left, right, {place.place: place for place in reversed(places)}))
    near = {
        index for found, row in enumerate(rows) if row.place for index in range(found - _CONTEXT, found + _CONTEXT + 1)
    }
    grouped = groupby(enumerate(rows), key=lambda each: each[0] in near)
    return tuple(Block(rows=tuple(row for _, row in block), folded=not shown) for shown, block in grouped)


def _rows(left: str, right: str, places: Mapping[str, MaskedDifference]) -> Iterator[Row]:
    whole = places.get(_BODY)
    if whole is not None and left == right:
        # Bodies that may not be shown: what stands for them is the same.
        places = {**places, "": whole}
    one, other = (list(body_lines(body, places)) for body in (left, right))
    matcher = SequenceMatcher(None, [line.key for line in one], [line.key for line in other], autojunk=False)
    for tag, start, end, right_start, right_end in matcher.get_opcodes():
        ours, theirs = one[start:end], other[right_start:right_end]
        if tag == "equal":
            yield from (_row(*pair, whole) for pair in zip(ours, theirs, strict=True))
        else:
            yield from (_row(line, None, whole) for line in ours)
            yield from (_row(None, line, whole) for line in theirs)


def _row(left: Line | None, right: Line | None, whole: MaskedDifference | None) -> Row:
    place = next((line.place for line in (left, right) if line and line.place), None)
    texts = [line.text.removesuffix(",") if line else None for line in (left, right)]
    same = texts[0] == texts[1]
    if place and place.kind == DifferenceKind.KEY_ORDER and left and right:
        place = None
    if place and place.kind == DifferenceKind.ITEM_ORDER and same:
        # The place is that of the whole list.
        place = None
    if place is None and not same and whole is not None:
        place = whole
    if place is None and same:
        return Row(left=_plain(left), right=_plain(right))
    cells = _marked(left, right)
    return Row(left=cells[0], right=cells[1], place=place.place if place else "", aside=place is None)


def _plain(line: Line | None) -> Cell | None:
    return None if line is None else Cell(number=line.number, before=_head(line.text, 2 * _MAX_MARKED))


def _marked(left: Line | None, right: Line | None) -> tuple[Cell | None, Cell | None]:
    """The lines with the part marked that they don't share; the whole value where they share all, as masked ones do."""
    texts = [line.text.removesuffix(",") if line else "" for line in (left, right)]
    if not (left and right):
        text = texts[0] or texts[1]
        start, end = len(text) - len(text.lstrip()), 0
    else:
        start = first_difference(*texts)
        end = first_difference(*(text[start:][::-1] for text in texts))
        if texts[0] == texts[1]:
            start = _value_start(texts[0])
    return _cut(left, start, end), _cut(right, start, end)


def _cut(line: Line | None, start: int, end: int) -> Cell | None:
    if line is None:
        return None
    text = line.text.removesuffix(",")
    comma = line.text[len(text) :]
    stop = len(text) - end
    return Cell(
        number=line.number,
        before=_tail(text[:start]),
        marked=_head(text[start:stop], _MAX_MARKED),
        after=_head(text[stop:], _MAX_AROUND) + comma,
    )


def _value_start(text: str) -> int:
    """Where the value begins: behind the indent, and behind its key if it has one."""
    inner = text.lstrip()
    value = key_split(inner)[1] if inner.startswith('"') else ""
    return len(text) - len(value or inner)


def _head(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} more characters)"


def _tail(text: str) -> str:
    return text if len(text) <= _MAX_AROUND else f"…{text[-_MAX_AROUND:]}"
