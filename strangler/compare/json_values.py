"""JSON as it was written: numbers by their text, keys in their order."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import zip_longest
from typing import Any, Final, TypeAlias

JsonPath: TypeAlias = tuple[str | int, ...]
Pair: TypeAlias = tuple[JsonPath, object, object]
_TOKEN: Final = re.compile(r'([ \t\n\r]*)("[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s"{}\[\],:]+)')
# What rows are called by, a number of JSON being a text here.
_KEYS: Final = ("id", "pk", "uuid", "slug", "url", "name")
_STRING: Final = json.JSONDecoder(strict=False)


class Number(str):
    """A JSON number as it was written: 1.0 isn't 1.00, and no digit of a long one is lost."""

    __slots__ = ()


class Absent(Enum):
    """What one side doesn't have, which is something else than null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class NotJsonError(ValueError):
    """The text is no JSON, or is nested too deeply to be read."""


def json_parse(text: str) -> object:
    """The value that a text stands for.

    :raises NotJsonError: it is none.
    """
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
    except (ValueError, RecursionError) as error:
        raise NotJsonError from error


def json_text(value: object, *, depth: int = 20) -> str:
    """A parsed value as text again; what lies deeper than `depth` becomes `…`."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict | list) and depth == 0:
        return "…"
    if isinstance(value, dict):
        parts = (f"{json_text(str(key))}:{json_text(item, depth=depth - 1)}" for key, item in value.items())
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(item, depth=depth - 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_lines(value: object, *, indent: str = "") -> str:
    """A parsed value as text with a line for each item, as a person reads it."""
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        items = (f"{json_text(str(key))}: {json_lines(item, indent=inner)}" for key, item in value.items())
        return "{\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        items = (json_lines(item, indent=inner) for item in value)
        return "[\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}]"
    return json_text(value)


def path_text(path: JsonPath, *, any_item: bool = False) -> str:
    """A path as JSONPath (RFC 9535) writes it, such as `$.results[0].title`; with `any_item`, `[*]` for each index."""
    return "$" + "".join(_segment(part, any_item=any_item) for part in path)


def pairs_walk(
    left: object,
    right: object,
    *,
    same: Callable[[object, object], bool],
    item: Callable[[object], str] | None = None,
) -> Iterator[Pair]:
    """The places where two values differ: leaves, items that one side lacks, objects with their keys in another order.

    Such an object is given as two `KeyOrder`. `same` compares two leaves of one type. With `item`, the text of an item
    that is the same for equal ones, lists that hold the same items in another order are given as two `ItemOrder`, and
    so are those of objects with the same keys of rows, each of which is then compared with its namesake.
    """
    # A stack of its own, since the nesting of a body is its sender's choice.
    waiting: list[Pair] = [((), left, right)]
    while waiting:
        path, one, other = waiting.pop()
        if type(one) is not type(other):
            yield path, one, other
        elif isinstance(one, dict) and isinstance(other, dict):
            order = [[key for key in side if key in one and key in other] for side in (one, other)]
            if order[0] != order[1]:
                yield path, KeyOrder(order[0]), KeyOrder(order[1])
            keys = reversed(dict.fromkeys([*one, *other]))
            waiting.extend(((*path, key), one.get(key, ABSENT), other.get(key, ABSENT)) for key in keys)
        elif isinstance(one, list) and isinstance(other, list):
            if item and (orders := _orders(one, other, item, same)):
                yield path, *orders
                continue
            namesakes = _namesakes(one, other) if item else None
            if namesakes:
                ours, theirs = (ItemOrder(_item_name(value, 0) for value in side) for side in (one, other))
                yield path, ours, theirs
            items = list(enumerate(namesakes or zip_longest(one, other, fillvalue=ABSENT)))
            waiting.extend(((*path, index), *pair) for index, pair in reversed(items))
        elif not same(one, other):
            yield path, one, other


def is_written_alike(left: str, right: str) -> bool:
    """Whether two JSON texts are written alike wherever both have a value: blanks, escapes, keys that are repeated."""
    one, other = _writing(left), _writing(right)
    return all(_is_alike(part[1], one[part], other[part]) for part in one.keys() & other.keys())


def _writing(text: str) -> dict[tuple[JsonPath, str], list[str]]:
    """The blanks before each piece, and strings as they are written, by place and part; a repeated key has several."""
    parts: dict[tuple[JsonPath, str], list[str]] = defaultdict(list)
    # The path of each open list or object, with the index of the current item of a list.
    opened: list[tuple[JsonPath, int | None]] = []
    path: JsonPath = ()
    is_first = is_key = False
    end = 0
    for found in _TOKEN.finditer(text):
        blanks, piece = found.groups()
        end = found.end()
        if piece == ":":
            parts[path, "colon"].append(blanks)
        elif piece == ",":
            parts[path, "comma"].append(blanks)
            parent, index = opened[-1]
            is_key = index is None
            if index is not None:
                opened[-1] = parent, index + 1
                path = (*parent, index + 1)
        elif piece in "]}":
            path, is_key = opened.pop()[0], False
            parts[path, "empty" if is_first else "end"].append(blanks)
            is_first = False
        elif is_key:
            parts[opened[-1][0], "first" if is_first else "between"].append(blanks)
            path = (*opened[-1][0], _STRING.decode(piece))
            parts[path, "key"].append(piece)
            is_first = is_key = False
        else:
            parts[path, "value"].append(blanks)
            is_first, is_key = piece in "[{", piece == "{"
            if piece.startswith('"'):
                parts[path, "string"].append(piece)
            elif is_first:
                opened.append((path, None if is_key else 0))
                path = path if is_key else (*path, 0)
    parts[(), "rest"].append(text[end:])
    return parts


def _is_alike(part: str, left: list[str], right: list[str]) -> bool:
    if part == "between":
        # A key in another place, or a missing one, leaves fewer of the same blanks.
        return set(left) <= set(right) or set(left) >= set(right)
    if part != "string":
        return left == right
    return all(
        one == other or _STRING.decode(one) != _STRING.decode(other) for one, other in zip(left, right, strict=False)
    )


class KeyOrder(list[str]):
    """The keys of an object in the order sent."""


class ItemOrder(list[str]):
    """The items of a list in the order sent: each by its key, or by its place in the left list."""


def _orders(
    left: list[object],
    right: list[object],
    item: Callable[[object], str],
    same: Callable[[object, object], bool],
) -> tuple[ItemOrder, ItemOrder] | None:
    """The items of two lists, if they are the same in another order."""
    if len(left) != len(right) or left == right:
        return None
    ours, theirs = list(map(item, left)), list(map(item, right))
    if ours == theirs or Counter(ours) != Counter(theirs):
        return None
    shown = ItemOrder(_item_name(value, index) for index, value in enumerate(left))
    known: dict[str, list[tuple[str, object]]] = defaultdict(list)
    for text, name, value in zip(reversed(ours), reversed(shown), reversed(left), strict=True):
        known[text].append((name, value))
    found = [known[text].pop() for text in theirs]
    # A text lacks what lies deep in its value.
    pairs = zip((value for _, value in found), right, strict=True)
    if any(next(pairs_walk(*pair, same=same), None) for pair in pairs):
        return None
    return shown, ItemOrder(name for name, _ in found)


def _namesakes(left: list[Any], right: list[Any]) -> list[tuple[object, object]] | None:
    """The rows of two lists by their keys, in the order of the left one; None where that isn't another order."""
    if len(left) != len(right) or not all(isinstance(each, dict) for each in (*left, *right)):
        return None
    for key in _KEYS:
        ours, theirs = ([(type(each.get(key)), each.get(key)) for each in side] for side in (left, right))
        if not all(issubclass(kind, str) for kind, _ in (*ours, *theirs)):
            continue
        found = dict(zip(theirs, right, strict=True))
        if ours == theirs or len(found) < len(right) or found.keys() != {*ours}:
            return None
        return [(value, found[name]) for name, value in zip(ours, left, strict=True)]
    return None


def _item_name(value: object, index: int) -> str:
    if not isinstance(value, dict):
        return json_text(value, depth=1)
    found = next((value[key] for key in _KEYS if isinstance(value.get(key), str)), None)
    return f"#{index}" if found is None else found


def _segment(part: str | int, *, any_item: bool) -> str:
    if isinstance(part, int):
        return "[*]" if any_item else f"[{part}]"
    return f".{part}" if part.isidentifier() else f"[{json.dumps(part, ensure_ascii=False)}]"
