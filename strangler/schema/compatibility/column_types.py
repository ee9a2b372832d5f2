"""How a column's values change with its type; types are spelled as by PostgreSQL's `format_type`."""

import math
import re
from enum import Enum, auto
from typing import Final

from shared_schema.catalog import Catalog, CatalogType

_SPELLING: Final = re.compile(
    r"(?P<base>.*?)(?:\((?P<sizes>[-\d,]+)\))?(?P<zone> with(?:out)? time zone)?(?P<array>(?:\[\])*)"
)
_BITS: Final = {"smallint": 15, "integer": 31, "bigint": 63}
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'::(?:character varying|text|bpchar)(?:\(\d+\))?")
_NUMBER: Final = re.compile(r"\(?(-?[\d.]+)\)?(?:::\w+)?|'(-?[\d.]+)'::\w+")
_TEXTS: Final = frozenset({"character varying", "text"})


class TypeChange(Enum):
    """How the set of a column's values changes: not at all, to more, to fewer, or to other values."""

    NONE = auto()
    WIDER = auto()
    NARROWER = auto()
    OTHER = auto()


def is_integer(type_name: str) -> bool:
    """Whether a column of that type holds whole numbers."""
    return type_name in _BITS


def compare_types(before: str, after: str, *, catalogs: tuple[Catalog, Catalog]) -> TypeChange:
    """What a change of type does to values that are read and written; `catalogs` hold the user-defined types."""
    own = [catalog.types.get(name.rstrip("[]")) for catalog, name in zip(catalogs, (before, after), strict=True)]
    if before == after:
        return _own_change(own[0], own[1])
    old, new = _spelled(before), _spelled(after)
    if old["zone"] != new["zone"] or bool(old["array"]) != bool(new["array"]):
        return TypeChange.OTHER
    # Operators on arrays don't cast: varchar[] can't be compared with text[], nor bigint[] with int[].
    if old["array"] and old["base"] != new["base"]:
        return TypeChange.OTHER
    sizes = _sizes(old["base"], old["sizes"]), _sizes(new["base"], new["sizes"])
    if sizes[0] is None or sizes[1] is None or sizes[0][0] != sizes[1][0]:
        return TypeChange.OTHER
    if sizes[0] == sizes[1]:
        return TypeChange.NONE
    return TypeChange.WIDER if sizes[0][1] < sizes[1][1] else TypeChange.NARROWER


def _spelled(name: str) -> dict[str, str]:
    match = _SPELLING.fullmatch(name)
    return match.groupdict("") if match else {"base": name, "sizes": "", "zone": "", "array": ""}


def _sizes(base: str, sizes: str) -> tuple[str, float] | None:
    """What two types must share for values to be the same, and how much fits; None for a type that has no sizes."""
    if base in _TEXTS:
        return "text", float(sizes or math.inf)
    if base in _BITS:
        return "integer", _BITS[base]
    if base == "numeric" and sizes:
        precision, _, scale = sizes.partition(",")
        # 1.5 is read back as 1.50 with two digits after the point.
        return f"numeric of scale {scale}", float(precision)
    return None


def _own_change(before: CatalogType | None, after: CatalogType | None) -> TypeChange:
    if before == after:
        return TypeChange.NONE
    if before is None or after is None or before.kind != after.kind:
        return TypeChange.OTHER
    if before.kind == "enum":
        kept = tuple(label for label in after.parts if label in before.parts)
        return TypeChange.WIDER if kept == before.parts else TypeChange.OTHER
    if before.parts[0] != after.parts[0]:
        return TypeChange.OTHER
    return TypeChange.WIDER if set(after.parts) <= set(before.parts) else TypeChange.NARROWER


def default_fits(default: str | None, type_name: str) -> bool:
    """Whether a column's default can be stored in it, which PostgreSQL checks only when a row is inserted.

    Constants are checked; an expression counts as fitting.
    """
    text, number = _TEXT.fullmatch(default or ""), _NUMBER.fullmatch(default or "")
    spelled = _spelled(type_name)
    if text and type_name.startswith("character") and spelled["sizes"] and not spelled["array"]:
        return len(text.group(1).replace("''", "'").rstrip()) <= int(spelled["sizes"])
    value = number.group(1) or number.group(2) if number else None
    if value is not None and is_integer(type_name):
        return abs(float(value)) < 2.0 ** _BITS[type_name]
    if value is not None and spelled["base"] == "numeric" and spelled["sizes"]:
        precision, _, scale = spelled["sizes"].partition(",")
        return round(abs(float(value)), int(scale or 0)) < 10.0 ** (int(precision) - int(scale or 0))
    return True
