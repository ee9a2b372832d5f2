"""Values of bodies: one that is fine, and for each kind of field those at its edges and beyond."""

import datetime as dt
import decimal
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Any, Final

from strangler.compare.generate.query_values import ODD_TEXTS
from strangler.compare.generate.schemas import NamedRows, SchemaField

LabelledValue = tuple[str, Any]
"""What a value is, in words, and the value in JSON's types."""

# A text of 100 kB tells no more than a shorter one.
_LONGEST: Final = 100_000
_MOMENT: Final = dt.datetime(2025, 3, 4, 5, 6, 7, 890123, tzinfo=dt.UTC)
WRONG_TYPES: Final[tuple[LabelledValue, ...]] = (
    ("null", None),
    ("a number", 7),
    ("a fraction", 1.5),
    ("true", True),
    ("a list", ["a"]),
    ("an empty list", []),
    ("an object", {"a": 1}),
    ("an empty text", ""),
    ("a blank", " "),
)


class ValidValues:
    """Gives values that a field takes, another one each time; the same seed gives the same series.

    Args:
        seed: of what is drawn.
        named: gives the values that name rows.
    """

    def __init__(self, seed: int, named: Callable[[NamedRows], Sequence[Any]] = lambda _rows: ()) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable on purpose
        self._named = cache(named)
        self._number = 0

    def body(self, fields: tuple[SchemaField, ...], *, optional: bool = True) -> dict[str, Any]:
        """Every field, or with `optional` false those that are required."""
        return {each.name: self.value(each) for each in fields if optional or each.required}

    def value(self, field: SchemaField) -> Any:  # noqa: ANN401 - JSON's types
        """Another value of the field."""
        self._number += 1
        if field.rows and (found := self._named(field.rows)):
            return self._random.choice(found)
        match field.type:
            case "choice":
                return self._random.choice(field.choices)
            case "boolean":
                return bool(self._number % 2)
            case "integer" | "number":
                least = int(field.minimum or 0)
                return min(least + self._number % 90, int(field.maximum or least + 90))
            case "array":
                many = 2 if field.max_items is None else min(2, field.max_items)
                if field.items and field.items.rows and (found := self._named(field.items.rows)):
                    return self._random.sample(found, min(many, len(found)))
                return [self.value(field.items) for _ in range(many)] if field.items else []
            case "object":
                return self.body(field.fields)
            case _:
                return self._text(field)

    def _text(self, field: SchemaField) -> str:
        number, tag = self._number, f"{self._random.randrange(16**6):06x}"
        match field.type:
            case "email":
                return f"case{number}.{tag}@example.net"
            case "uri":
                return f"https://example.net/{number}/{tag}"
            case "date-time":
                return (_MOMENT + dt.timedelta(days=number)).isoformat()
            case "date":
                return (_MOMENT + dt.timedelta(days=number)).date().isoformat()
            case "time":
                return f"{number % 24:02}:30:00"
            case "duration":
                return f"{number} 01:02:03"
            case "uuid":
                return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            case "decimal":
                return f"{number % 90}.50"
            case "ip":
                return f"192.0.2.{number % 250}"
        if field.is_hashed:
            return f"Vex-{tag}-quartz-{number}"
        text = f"case{number}{tag}"
        return text[-field.max_length :] if field.max_length else text


def body_values(field: SchemaField, valid: ValidValues) -> Iterator[LabelledValue]:
    """Values at the edges of a field and beyond, some of which it takes; besides `WRONG_TYPES`."""
    match field.type:
        case "choice":
            first = str(field.choices[0])
            yield from (
                ("another choice", "no-such-choice"),
                ("in other case", first.swapcase()),
                ("blanks", f" {first} "),
            )
        case "boolean":
            yield from ((f"the text {text}", text) for text in ("True", "yes", "0", "maybe"))
            yield from (("two", 2), ("none", 0))
        case "integer" | "number" | "decimal":
            yield from _numbers(field)
        case "array":
            yield from _lists(field, valid)
        case "object":
            yield from _objects(field, valid)
        case "date-time" | "date" | "time" | "duration":
            yield from _times()
        case _ if field.is_hashed:
            yield from _passwords(field, valid)
        case _:
            yield from _texts(field, valid)


def _passwords(field: SchemaField, valid: ValidValues) -> Iterator[LabelledValue]:
    """What Django's validators refuse, and what mustn't be trimmed."""
    yield from (("one that everybody has", "password"), ("of digits", "80274915163"), ("a short one", "x7Kq"))
    yield "with blanks around", f" {valid.value(field)} "
    yield from ODD_TEXTS[:1]
    if field.max_length and field.max_length < _LONGEST:
        yield "one too long", _of_length(str(valid.value(field)), field.max_length + 1)


def _numbers(field: SchemaField) -> Iterator[LabelledValue]:
    for limit in (field.minimum, field.maximum):
        if limit is not None:
            yield from ((f"{limit:g} {step:+d}", int(limit) + step) for step in (-1, 0, 1))
    for text in ("12", " 12 ", "1.5", "1e2", "x", "٣", "-1", "NaN", "Infinity", "0.001", "12345678901234567890"):
        yield f"the text {text}", text
    yield from (
        ("less than none", -1),
        ("a large number", 2**31),
        ("a larger number", 2**63),
        ("a fraction of .0", 3.0),
    )
    if places := field.pattern.rpartition("{0,")[2].partition("}")[0]:
        yield "too many decimals", str(decimal.Decimal("1." + "1" * (int(places) + 1))) if places.isdigit() else "1.1"


def _lists(field: SchemaField, valid: ValidValues) -> Iterator[LabelledValue]:
    item = field.items or SchemaField(name="item")
    good = valid.value(item)
    yield from (
        ("twice the same", [good, good]),
        ("several", [valid.value(item), good]),
        ("a null in it", [good, None]),
    )
    yield from (("a blank in it", [good, " "]), ("a list in it", [[good]]), ("a number in it", [5]), ("a text", "x"))
    yield from ((f"one with {label}", [good, value]) for label, value in _objects(item, valid) if item.fields)
    if item.is_text:
        yield from (("with blanks around", [f" {good} "]), ("in other case", [str(good).swapcase(), good]))
        if item.max_length:
            yield from ((f"of {item.max_length + step}", ["x" * (item.max_length + step)]) for step in (0, 1))
    if field.max_items and field.max_items <= 1000:
        for step in (0, 1):
            yield f"{field.max_items + step} of them", [valid.value(item) for _ in range(field.max_items + step)]


def _objects(field: SchemaField, valid: ValidValues) -> Iterator[LabelledValue]:
    """An object whose fields are fine but for one."""
    for inner in field.fields:
        good = valid.body(field.fields)
        yield f"without {inner.name}", {name: each for name, each in good.items() if name != inner.name}
        for label, value in (*WRONG_TYPES, *body_values(inner, valid)):
            yield f"{inner.name}, {label}", {**good, inner.name: value}
    yield "without a field", {}
    yield "a field that nobody knows", {**valid.body(field.fields), "no_such_field": 1}


def _times() -> Iterator[LabelledValue]:
    for text in (
        *("2025-03-04T05:06:07Z", "2025-03-04T05:06:07.123456+05:30", "2025-03-04T05:06", "2025-03-04", "05:06"),
        *("2025-13-01", "2025-02-30T00:00:00Z", "yesterday", "1735689600", "04.03.2025", "1 02:03:04", "P1D"),
    ):
        yield f"the text {text}", text


def _texts(field: SchemaField, valid: ValidValues) -> Iterator[LabelledValue]:
    good = str(valid.value(field))
    yield "blanks around", f"  {valid.value(field)} "
    yield "in capitals", str(valid.value(field)).upper()
    yield "a blank within", f"{good[:4]} {good[4:]}"
    yield from ODD_TEXTS[:1]
    yield "half a character", "\ud800"
    yield "markup, and beyond the basic plane", f"<b>&amp;{good}🎈"
    yield "composed", unicodedata.normalize("NFC", f"é{valid.value(field)}")
    yield "decomposed", unicodedata.normalize("NFD", f"é{valid.value(field)}")
    yield "compatible", f"ﬁ{valid.value(field)}"
    if field.type == "email":
        yield from (
            ("no address", "a@b"),
            ("two at", "a@b@example.net"),
            ("capitals", f"Case.{good}".replace("net", "NET")),
        )
    for limit, name in ((field.min_length, "short"), (field.max_length, "long")):
        if limit and limit < _LONGEST:
            yield from (
                (f"as {name} as may be {step:+d}", _of_length(good, limit + step))
                for step in (0, 1 if name == "long" else -1)
            )


def unfolded(field: SchemaField, value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """The value as a person may type it: a text with blanks around and a ligature, an address in capitals."""
    if field.is_hashed or not field.is_text or not isinstance(value, str):
        return value
    if field.type == "email":
        local, at, domain = value.partition("@")
        return f"{local.capitalize()}{at}{domain.upper()}"
    return f" ﬁ{value} "


def _of_length(text: str, length: int) -> str:
    """The text, longer or shorter: an address keeps its end."""
    if len(text) >= length:
        return text[-length:] if length > 0 else ""
    return "x" * (length - len(text)) + text
