"""Lists, objects and rows as clients usually send them, taken at once: what `usual_values` makes of their fields.

What Pydantic's core reads in one call takes a fraction of what a function for each item does. It cuts other blanks than
Python, and makes a new text of each that it looks at, so texts are looked at as one, joined by a control character: a
blank beside it is one at an end of a text. Such pairs, as literals, are looked for with the vector unit of the
processor.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from strangler_fastapi.drf.fields.fields import MISSING, CharField
from strangler_fastapi.drf.validators import Invalid, is_storable

# The cleaned value, or MISSING where the field itself has to look.
Usual = Callable[[Any], Any]
# The key of a body, the name of the cleaned value, what takes it, and whether it may be left out.
Key = tuple[str, str, Usual, bool]

# A blank of Python's, so that a text has none at its ends.
_SEAM: Final = "\x1f"
# A few texts of so many characters in all are looked at one by one.
_FEW: Final = 8
_SHORT: Final = 64
_BLANKS: Final = tuple(blank for blank in map(chr, range(sys.maxunicode + 1)) if blank.isspace())


def reader(schema: CoreSchema, kind: type) -> Usual:
    """What Pydantic's core reads in one call, of that Python type."""
    read = SchemaValidator(schema).validate_python

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not kind:
            return MISSING
        try:
            return read(value)
        except ValidationError:
            return MISSING

    return take


def text_schema(field: CharField) -> CoreSchema:
    """A text that is looked at as one with others besides, which sees those that are empty."""
    least = field.min_length if (field.min_length or 0) > 1 else None
    return core_schema.str_schema(strict=True, min_length=least, max_length=field.max_length)


def texts(child: CharField, read: Usual, least: int, most: int) -> Usual:
    """A list of texts that `read` bounds where `child` has bounds of its own."""

    def trimmed(value: list[str]) -> list[str]:
        return [*map(str.strip, value)]

    return _joined(child, read, (list, least, most), joined=None, trimmed=trimmed, few=_FEW)


def texts_by_key(child: CharField, read: Usual, least: int, most: int) -> Usual:
    """An object of texts, see `texts`; its keys are looked at with them."""

    def joined(value: dict[str, str]) -> str:
        return _SEAM.join(("", *value, *value.values(), ""))

    def trimmed(value: dict[str, str]) -> dict[str, str]:
        return dict(zip(value, map(str.strip, value.values()), strict=True))

    return _joined(child, read, (dict, least, most), joined=joined, trimmed=trimmed, few=0)


def _joined(
    child: CharField,
    read: Usual,
    bounds: tuple[type[Any], int, int],
    *,
    joined: Callable[[Any], str] | None,
    trimmed: Callable[[Any], Any],
    few: int,
) -> Usual:
    """Texts of a value of that type, so many of them; `read` takes those that the child's own bounds may refuse.

    `joined` puts the texts between seams; without, they are the value's items, which saves a call.
    """
    kind, least, most = bounds
    longest = sys.maxsize if child.max_length is None else child.max_length
    longest = 0 if (child.min_length or 0) > 1 else longest
    finds, short, copy = _finds_blanks(trim=child.trim), min(longest, _SHORT), kind.copy

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not kind or not least <= len(value) <= most:
            return MISSING
        try:
            if len(value) <= few:
                text = " ".join(value)
                # What is printable has no NUL, no surrogates, and no blanks but spaces; an empty text leaves two.
                if 0 < len(text) <= short and text.isprintable() and "  " not in text and text.strip() == text:
                    return copy(value)
            text = f"{_SEAM}{_SEAM.join(value)}{_SEAM}" if joined is None else joined(value)
        except TypeError:
            return MISSING
        if not value:
            return copy(value)
        # `_are_plain`, without a call.
        if "\0" in text or finds(text) or not (text.isascii() or is_storable(text)):
            if not child.trim:
                return MISSING
            value = trimmed(value)
            text = f"{_SEAM}{_SEAM.join(value)}{_SEAM}" if joined is None else joined(value)
            if not _are_plain(text, finds):
                return MISSING
        return copy(value) if len(text) <= longest else read(value)

    return take


def lists_of_texts(schema: CoreSchema, each: Usual, *, trim: bool) -> Usual:
    """Lists of texts that Pydantic's core reads, if all are plain ones; else what `each` makes of it."""
    read, finds = SchemaValidator(schema).validate_python, _finds_blanks(trim=trim)

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not list:
            return MISSING
        try:
            taken: list[list[str]] = read(value)
        except ValidationError:
            return each(value)
        texts = [""]
        for some in taken:
            texts += some
        texts.append("")
        return taken if _are_plain(_SEAM.join(texts), finds) else each(value)

    return take


def bounded(usual: Usual, kind: type[list[Any] | dict[str, Any]], least: int, most: int) -> Usual:
    """Of that Python type, so many values that are taken as one."""
    return lambda value: usual(value) if type(value) is kind and least <= len(value) <= most else MISSING


def items_read(read: Callable[[Any], Any], least: int, most: int) -> Usual:
    """A list whose items are each read by what raises a ValueError, or a TypeError, where it doesn't take one."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not list or not least <= len(value) <= most:
            return MISSING
        try:
            return [*map(read, value)]
        except (TypeError, ValueError, Invalid):
            return MISSING

    return take


def items(usual: Usual, least: int, most: int) -> Usual:
    """A list whose items are each taken by `usual`."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not list or not least <= len(value) <= most:
            return MISSING
        taken = [*map(usual, value)]
        return MISSING if MISSING in taken else taken

    return take


def values(usual: Usual, least: int, most: int) -> Usual:
    """An object whose values are each taken by `usual`."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not dict or not least <= len(value) <= most:
            return MISSING
        taken = dict(zip(value, map(usual, value.values()), strict=True))
        return MISSING if MISSING in taken.values() else taken

    return take


def with_storable_keys(usual: Usual) -> Usual:
    """An object that `usual` takes, whose keys PostgreSQL can hold."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        taken = usual(value)
        if taken is MISSING:
            return MISSING
        try:
            keys = "".join(taken)
        except TypeError:
            return MISSING
        return taken if (keys.isascii() and "\0" not in keys) or is_storable(keys) else MISSING

    return take


def row(keys: tuple[Key, ...]) -> Usual:
    """An object of named keys, each of which takes its value."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if type(value) is not dict:
            return MISSING
        taken: dict[str, Any] = {}
        for name, source, usual, is_optional in keys:
            item = usual(value.get(name))
            if item is not MISSING:
                taken[source] = item
            elif not is_optional or name in value:
                return MISSING
        return taken

    return take


def _are_plain(text: str, finds: Callable[[str], bool]) -> bool:
    """Whether no text between two seams is empty, none is to be cut, and PostgreSQL can hold all of them."""
    return "\0" not in text and not finds(text) and (text.isascii() or is_storable(text))


def _finds_blanks(*, trim: bool) -> Callable[[str], bool]:
    """What finds an empty text between two seams, or a blank beside one; it finds nothing in what can't be encoded."""
    pairs = {pair: None for edge in (_BLANKS if trim else (_SEAM,)) for pair in (_SEAM + edge, edge + _SEAM)}
    pattern = "|".join("".join(rf"\u{{{ord(letter):x}}}" for letter in pair) for pair in pairs)
    return SchemaValidator(core_schema.str_schema(strict=True, pattern=pattern)).isinstance_python
