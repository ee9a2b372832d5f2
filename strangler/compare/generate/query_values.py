"""Values of query parameters: those that match, each spelled in several ways, and those that mean nothing."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from strangler.compare.generate.schemas import SchemaField

Labelled = tuple[str, str]
"""What a value is, in words, and the value as text."""

_TIMES: Final = frozenset({"date-time", "date"})
# What no column can hold, what LIKE reads, what HTML and SQL read, and a letter that has two spellings in Unicode.
ODD_TEXTS: Final[tuple[Labelled, ...]] = (
    ("a character that no text may hold", "\x00"),
    ("a percent sign", "%"),
    ("an underscore", "_"),
    ("a backslash", "\\"),
    ("a quote", "'"),
    ("markup", "<b>&amp;"),
    ("beyond ASCII", "é"),
    ("beyond ASCII, decomposed", "e\u0301"),
)


def query_values(field: SchemaField, stored: Iterable[object]) -> Iterator[Labelled]:
    """Values for a parameter that narrows by a column with these `stored` values."""
    values = list(stored)
    yield "empty", ""
    match field.type:
        case "boolean":
            yield from _booleans()
        case "integer" | "number":
            yield from _numbers(field, values)
        case "choice":
            yield from ((f"{each}", str(each)) for each in field.choices)
            yield from _texts([str(field.choices[0])])
        case kind if kind in _TIMES or any(isinstance(each, dt.datetime) for each in values):
            yield from _times(values)
        case _:
            yield from _texts([str(each) for each in values if not isinstance(each, bool)])
            yield from ODD_TEXTS[:1]


def _booleans() -> Iterator[Labelled]:
    for text in ("true", "True", "1", "on", "false", "FALSE", "0", "null", "maybe"):
        yield text, text
    yield "with a blank", " true"


def _numbers(field: SchemaField, values: list[object]) -> Iterator[Labelled]:
    for limit, name in ((field.minimum, "least"), (field.maximum, "most")):
        if limit is not None:
            yield from ((f"the {name} {step:+d}", f"{limit + step:g}") for step in (-1, 0, 1) if abs(limit) < 1e6)
            yield from ((f"the {name} {step:+d}", f"{int(limit) + step}") for step in (0, 1) if abs(limit) >= 1e6)
    yield from ((f"stored, {number}", str(each)) for number, each in enumerate(values[:3], 1))
    for text in ("0", "3", "5", "-1", "007", "1.0", "1.5", "few", "٣", "99999999999999999999"):
        yield text, text
    yield "with blanks", " 3 "


def _texts(values: list[str]) -> Iterator[Labelled]:
    for number, value in enumerate(dict.fromkeys(values), 1):
        yield f"stored, {number}", value
    for value in values[:1]:
        yield f"{value} in other case", value.swapcase()
        yield f"{value} with blanks around", f" {value} "
        yield f"a part of {value}", value[: max(1, len(value) - 1)]
    yield "none that is stored", "no-such-value"


def _times(values: list[object]) -> Iterator[Labelled]:
    moments = [each for each in values if isinstance(each, dt.datetime)]
    for moment in moments[:2]:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        utc = aware.astimezone(dt.UTC)
        exact = utc.strftime("%Y-%m-%dT%H:%M:%S.%f")
        yield f"{exact} in UTC", f"{exact}Z"
        yield f"{exact} without a zone", exact
        yield f"{exact} elsewhere", utc.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30))).isoformat()
        yield f"{exact} and a microsecond", (utc + dt.timedelta(microseconds=1)).isoformat()
        yield f"{exact} less a microsecond", (utc - dt.timedelta(microseconds=1)).isoformat()
    for moment in moments[:1]:
        yield "with a blank between", moment.strftime("%Y-%m-%d %H:%M")
        yield "a day", moment.strftime("%Y-%m-%d")
    for text in ("2025-13-01T00:00:00Z", "2025-06-01T25:00", "yesterday", "0001-01-01"):
        yield text, text


def page_values(last: int) -> Iterator[Labelled]:
    """Values of a page number where the last page has the number `last`."""
    for text in ("1", "2", "3", "last", "LAST", "0", "-1", "x", "1.0", "٢", "99999999999999999999"):
        yield f"page {text}", text
    yield "page empty", ""
    yield "page with blanks", " 2 "
    for number in (last - 1, last, last + 1):
        if number > 3:
            yield f"page {number}", str(number)


def size_values(size: int, most: int | None) -> Iterator[Labelled]:
    """Values of a page's size: a page has `size` items where it isn't named, and `most` at the most."""
    numbers = {1, size - 1, size + 1, 1000}
    if most:
        numbers |= {most, most + 1}
    for number in sorted(each for each in numbers if each > 0):
        yield f"pages of {number}", str(number)
    for text in ("0", "-1", "x", ""):
        yield f"pages of {text or 'nothing'}", text


def search_values(word: str, other: str) -> Iterator[Labelled]:
    """Terms of a search, from two words that are stored."""
    if word:
        yield "a stored word", word
        yield "in small letters", word.lower()
        yield "in other case", word.swapcase()
        yield "the middle of a word", word[1:-1] or word
        yield "with blanks around", f"  {word} "
        yield "a word that isn't there", f"{word}zzq"
        yield "a word, and one that isn't there", f"{word} {word}zzq"
    if word and other:
        yield "two words", f"{word} {other}"
        yield "two words with a comma", f"{word},{other.upper()}"
        yield "two words as one", f'"{word} {other}"'
    yield "nothing", ""
    yield "blanks", "  "
    yield "a comma", ","
    yield "an open quote", '"a'
    yield from ODD_TEXTS


def order_values(names: list[str]) -> Iterator[Labelled]:
    """Terms of an order by fields of these names, both ways, and terms that are none."""
    for name in names:
        yield f"by {name}", name
        yield f"by {name}, down", f"-{name}"
    if len(names) > 1:
        yield "by two", f"{names[-1]},-{names[0]}"
        yield "by two, down and up", f"-{names[0]},{names[-1]}"
    if names:
        yield "by one twice", f"{names[0]},-{names[0]}"
        yield "by one and none", f"no_such_field,{names[0]}"
        yield "with blanks", f" -{names[0]} , "
        yield "in capitals", names[0].upper()
        yield "down twice", f"--{names[0]}"
    yield "by none", "no_such_field"
    yield "empty", ""


def labelled_once(values: Iterable[Labelled]) -> list[Labelled]:
    """Each value once, under its first label."""
    found: dict[str, str] = {}
    for label, text in values:
        found.setdefault(text, label)
    return [(label, text) for text, label in found.items()]


def odd_ids(known: Any) -> Iterator[Labelled]:  # noqa: ANN401 - a key of any type
    """What a path's variable may be besides the key of a row, which `known` is one of."""
    if isinstance(known, int) and not isinstance(known, bool):
        for text in ("0", "-1", "999999999", "99999999999999999999", f"0{known}", f"+{known}", "x", "٣"):
            yield f"id {text}", text
    else:
        yield "in other case", quote(str(known).swapcase(), safe="")
        yield "part of an id", quote(str(known)[:-1], safe="") or "-"
        yield "no such id", "no-such-id"
        yield "no uuid", "00000000-0000-0000-0000-000000000000"
    yield "a blank", "%20"
    yield "beyond ASCII", "%C3%A9"
