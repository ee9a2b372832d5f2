"""What a field of a body costs to validate: the library's, DRF's and Pydantic's, in one run.

    .venv/bin/python -m tests.bench.field_cost

Each kind is a body of ten such fields. The three take turns, and the least of all rounds counts: what else the machine
does only adds to it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import process_time
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

import django
import typer
from django.conf import settings
from pydantic import AnyUrl, BaseModel, JsonValue, StringConstraints, create_model
from pydantic import Field as PydanticField

if not settings.configured:
    settings.configure(USE_TZ=True)
    django.setup()

from rest_framework import serializers as drf

from shared_schema.mapping import Reflected
from strangler.cli.output import say
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields import fields
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import DictField, JSONField, ListField
from strangler_fastapi.drf.fields.fields import Field, Scope
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.text_fields import EmailField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.links import ForeignKey, OneToMany
from strangler_fastapi.drf.serializers import Serializer
from tests.bench.command import bench_run
from tests.bench.page import Conditions, section_of_page_write

_FIELDS: Final = 10
_ROUNDS: Final = 25
_TIMES: Final = 20
_CHOICES: Final = {"a": "A", "b": "B"}
_AN_EMAIL: Final = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_UUID: Final = "00000000-0000-0000-0000-000000000007"


@dataclass(frozen=True)
class Kind:
    """The library's field, DRF's, the type of a Pydantic model written by hand, and a value of it."""

    library: Field
    drf: Callable[[], drf.Field]
    pydantic: Any
    value: Any


def _whole(least: int, most: int) -> Kind:
    bounds = {"min_value": least, "max_value": most}
    annotation = Annotated[int, PydanticField(ge=least, le=most)]
    return Kind(IntegerField(**bounds), lambda: drf.IntegerField(**bounds), annotation, 7)


def _decimal(digits: int, places: int) -> Kind:
    settings = {"max_digits": digits, "decimal_places": places}
    annotation = Annotated[Decimal, PydanticField(**settings)]
    return Kind(DecimalField(**settings), lambda: drf.DecimalField(**settings), annotation, "12.50")


def _texts(value: list[str], **bounds: int) -> Kind:
    annotation = Annotated[str, PydanticField(min_length=1, **bounds)] if bounds else str
    return Kind(
        ListField(child=fields.CharField(**bounds)),
        lambda: drf.ListField(child=drf.CharField(**bounds)),
        list[annotation],  # type: ignore[valid-type] # a type that is computed
        value,
    )


_ONE: Final = ForeignKey("row_id", Reflected, "id")
_MANY: Final = OneToMany(Reflected, "of_id", "id")
_ROW: Final = Serializer(
    "Row",
    {
        "name": fields.CharField(max_length=50),
        "amount": IntegerField(min_value=0, max_value=99),
        "done": fields.BooleanField(required=False),
    },
)
_A_ROW: Final = {"name": "some text", "amount": 7, "done": True}


class _RowSerializer(drf.Serializer):
    name = drf.CharField(max_length=50)
    amount = drf.IntegerField(min_value=0, max_value=99)
    done = drf.BooleanField(required=False)


class _Row(BaseModel):
    name: Annotated[str, PydanticField(min_length=1, max_length=50)]
    amount: Annotated[int, PydanticField(ge=0, le=99)]
    done: bool = False


_TRIMMED = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

KINDS: Final[dict[str, Kind]] = {
    "text": Kind(
        fields.CharField(max_length=50),
        lambda: drf.CharField(max_length=50),
        Annotated[str, PydanticField(min_length=1, max_length=50)],
        "some text",
    ),
    "long text": Kind(fields.CharField(), drf.CharField, str, "x" * 5_000),
    "slug": Kind(SlugField(), drf.SlugField, Annotated[str, PydanticField(pattern="^[-a-zA-Z0-9_]+$")], "some-slug"),
    # Pydantic's own needs another package, and takes twenty times as long as this.
    "email": Kind(EmailField(), drf.EmailField, Annotated[str, PydanticField(pattern=_AN_EMAIL)], "ann@example.com"),
    "url": Kind(URLField(), drf.URLField, AnyUrl, "https://example.com/a"),
    "uuid": Kind(UUIDField(), drf.UUIDField, UUID, _UUID),
    "boolean": Kind(fields.BooleanField(), drf.BooleanField, bool, True),
    "integer": _whole(0, 99),
    "float": Kind(FloatField(), drf.FloatField, float, 7.5),
    "decimal": _decimal(8, 2),
    "date": Kind(DateField(), drf.DateField, date, "2026-01-05"),
    "time": Kind(TimeField(), drf.TimeField, time, "10:05:06"),
    "moment": Kind(DateTimeField(), drf.DateTimeField, datetime, "2026-01-05T10:05:00Z"),
    "duration": Kind(DurationField(), drf.DurationField, timedelta, "02:03:04"),
    "choice": Kind(ChoiceField(choices=_CHOICES), lambda: drf.ChoiceField([*_CHOICES.items()]), Literal["a", "b"], "b"),
    "list of numbers": Kind(
        ListField(child=IntegerField()), lambda: drf.ListField(child=drf.IntegerField()), list[int], [1, 20, 300]
    ),
    "list of texts": _texts(["some", "more", "texts"]),
    "list of 20 texts": _texts(["some text"] * 20),
    "long list": _texts(["some text"] * 100),
    "list of 1,000 texts": _texts(["some text"] * 1_000),
    "long list of bounded texts": _texts(["some text"] * 100, max_length=50),
    "long list of texts to trim": replace(_texts([" some text"] * 100), pydantic=list[_TRIMMED]),
    # Pydantic's `str` doesn't look at what is in a text; one that trims does, as DRF's field.
    "long list beyond ASCII": replace(_texts(["früher Text"] * 100), pydantic=list[_TRIMMED]),
    "long list beyond Latin": replace(_texts(["Привет мир"] * 100), pydantic=list[_TRIMMED]),
    "list of lists of numbers": Kind(
        ListField(child=ListField(child=IntegerField())),
        lambda: drf.ListField(child=drf.ListField(child=drf.IntegerField())),
        list[list[int]],
        [[1, 20, 300]] * 10,
    ),
    "list of lists of texts": Kind(
        ListField(child=ListField(child=fields.CharField())),
        lambda: drf.ListField(child=drf.ListField(child=drf.CharField())),
        list[list[str]],
        [["some", "more", "texts"]] * 10,
    ),
    "list of days": Kind(
        ListField(child=DateField()), lambda: drf.ListField(child=drf.DateField()), list[date], ["2026-01-05"] * 10
    ),
    "object of texts": Kind(
        DictField(child=fields.CharField()),
        lambda: drf.DictField(child=drf.CharField()),
        dict[str, str],
        {f"key {number}": "some text" for number in range(10)},
    ),
    "object of numbers": Kind(
        DictField(child=IntegerField()),
        lambda: drf.DictField(child=drf.IntegerField()),
        dict[str, int],
        {f"key {number}": number for number in range(10)},
    ),
    "JSON": Kind(
        JSONField(),
        drf.JSONField,
        JsonValue,
        {"name": "some text", "sizes": [1, 20, 300], "of": {"a": True, "b": None}},
    ),
    "row within": Kind(NestedField(children=_ROW, link=_ONE, read_only=False), _RowSerializer, _Row, _A_ROW),
    "20 rows within": Kind(
        NestedField(children=_ROW, link=_MANY, read_only=False),
        lambda: _RowSerializer(many=True),
        list[_Row],
        [_A_ROW] * 20,
    ),
}


@dataclass(frozen=True)
class FieldCost:
    """Microseconds that one field of a body takes."""

    library: float
    drf: float
    pydantic: float


def field_cost(kind: str) -> FieldCost:
    """What a field of that kind costs on this machine."""
    measured = KINDS[kind]
    names = [f"field{number}" for number in range(_FIELDS)]
    body = dict.fromkeys(names, measured.value)
    ours = Serializer("Measured", dict.fromkeys(names, measured.library))
    theirs = type("MeasuredSerializer", (drf.Serializer,), {name: measured.drf() for name in names})
    model = create_model("Measured", **dict.fromkeys(names, (measured.pydantic, ...)))  # type: ignore[call-overload] # Pydantic's own
    scope = Scope(session=cast("RequestSession", None))

    async def validate() -> None:
        await ours.validate(body, scope)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def many() -> float:
            begun = process_time()
            for _ in range(_TIMES):
                await validate()
            return process_time() - begun

        def of_drf() -> None:
            assert theirs(data=body).is_valid()

        ways: dict[str, Callable[[], float]] = {
            "library": lambda: loop.run_until_complete(many()),
            "drf": lambda: _timed(of_drf),
            "pydantic": lambda: _timed(lambda: model.model_validate(body)),
        }
        taken = [{name: way() for name, way in ways.items()} for _ in range(_ROUNDS)]
    scale = 1e6 / _TIMES / _FIELDS
    return FieldCost(**{name: min(each[name] for each in taken) * scale for name in ways})


def _timed(function: Callable[[], object]) -> float:
    begun = process_time()
    for _ in range(_TIMES):
        function()
    return process_time() - begun


def main(
    page: Annotated[bool, typer.Option("--page", help="Write the table of docs/benchmark.md.")] = False,
) -> None:
    """Say what a field of each kind costs."""
    heads = ("field", "FastAPI µs", "DRF µs", "Pydantic µs", "of DRF's", "of Pydantic's")
    conditions, rows = Conditions(), []
    for kind in KINDS:
        cost = field_cost(kind)
        figures = (f"{each:.2f}" for each in (cost.library, cost.drf, cost.pydantic))
        rows.append((kind, *figures, f"{cost.library / cost.drf:.2f}", f"{cost.library / cost.pydantic:.1f}"))
    lines = [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]
    for line in lines:
        say(line)
    if page:
        section_of_page_write("fields", [*lines, "", conditions.line("python -m tests.bench.field_cost")])


if __name__ == "__main__":
    bench_run(main, name="field-cost")
