"""Python code as a tree, laid out as `ruff format` would lay it out."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

LINE: Final = 120
_INDENT: Final = 4


@dataclass(frozen=True)
class Call:
    """`head(…)`; a `prefix` such as `name=` stands before it."""

    head: str
    arguments: tuple["Code", ...]
    prefix: str = ""


@dataclass(frozen=True)
class Items:
    """A tuple or a dictionary: `brackets` are its first and last character."""

    brackets: str
    items: tuple["Code", ...]
    prefix: str = ""


@dataclass(frozen=True)
class Text:
    """A text, which stands on several lines where it is too long for one."""

    text: str
    prefix: str = ""


Code = str | Call | Items | Text


def call(head: str, *arguments: Code, **named: Code | None) -> Call:
    """A call; a named argument that is None is left out."""
    return Call(head, (*arguments, *(keyword(name, value) for name, value in named.items() if value is not None)))


def keyword(name: str, value: Code) -> Code:
    """`name=value`."""
    return prefixed(f"{name}=", value)


def dictionary(items: Mapping[str, Code]) -> Items:
    """A dictionary whose keys are texts."""
    return Items("{}", tuple(prefixed(f"{quoted(name)}: ", value) for name, value in items.items()))


def texts(values: Iterable[str]) -> Items:
    """A tuple of texts."""
    return Items("()", tuple(map(quoted, values)))


def quoted(value: Any) -> str:  # noqa: ANN401 - a constant
    """A constant as Python's formatters write it."""
    if not isinstance(value, str):
        return repr(value)
    text = json.dumps(value, ensure_ascii=False)
    if '"' in value and "'" not in value:
        return "'" + text[1:-1].replace('\\"', '"') + "'"
    return text


def statement(name: str, value: Code, *, indent: int = 0) -> str:
    """`name = value`, without a line feed at its end."""
    return " " * indent + laid_out(prefixed(f"{name} = ", value), indent=indent)


def prefixed(prefix: str, code: Code) -> Code:
    """The code with a text before it."""
    if isinstance(code, str):
        return prefix + code
    return replace(code, prefix=prefix + code.prefix)


def laid_out(code: Code, *, indent: int = 0, after: int = 0) -> str:
    """The code's text, whose first line begins in column `indent`; so many characters come `after` its last line."""
    if isinstance(code, str):
        return code
    flat = _flat(code)
    if indent + len(flat) + after <= LINE:
        return flat
    if isinstance(code, Text):
        pad = " " * (indent + _INDENT)
        pieces = "".join(f"{pad}{quoted(piece)}\n" for piece in _pieces(code.text, LINE - indent - 3 * _INDENT))
        return f"{code.prefix}(\n{pieces}{' ' * indent})"
    opening, closing = _ends(code)
    inner, pad = indent + _INDENT, "\n" + " " * (indent + _INDENT)
    together = ", ".join(map(_flat, _parts(code)))
    if isinstance(code, Call) and inner + len(together) <= LINE:
        return f"{opening}{pad}{together}\n{' ' * indent}{closing}"
    items = "".join(f"{pad}{laid_out(each, indent=inner, after=1)}," for each in _parts(code))
    return f"{opening}{items}\n{' ' * indent}{closing}"


def _pieces(text: str, width: int) -> list[str]:
    """The lines of a text, and the words of those that are longer than `width`, as they fit."""
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        piece = ""
        for word in re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", line):
            if piece and len(piece) + len(word) > width:
                pieces.append(piece)
                piece = ""
            piece += word
        pieces.append(piece)
    return pieces


def _flat(code: Code) -> str:
    if isinstance(code, str):
        return code
    if isinstance(code, Text):
        return code.prefix + quoted(code.text)
    opening, closing = _ends(code)
    parts = _parts(code)
    comma = "," if isinstance(code, Items) and code.brackets == "()" and len(parts) == 1 else ""
    return f"{opening}{', '.join(map(_flat, parts))}{comma}{closing}"


def _ends(code: Call | Items) -> tuple[str, str]:
    if isinstance(code, Call):
        return f"{code.prefix}{code.head}(", ")"
    return code.prefix + code.brackets[0], code.brackets[1]


def _parts(code: Call | Items) -> tuple[Code, ...]:
    return code.arguments if isinstance(code, Call) else code.items
