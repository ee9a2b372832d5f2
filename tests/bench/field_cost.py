"""What a field of a body costs to validate: the library's, DRF's and Pydantic's, in one run.

    .venv/bin/python -m tests.bench.field_cost

Each kind is a body of ten such fields. The three take turns, and the least of all rounds counts: what else the machine
does only adds to it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, cast

import django
from django.conf import settings
from rich.console import Console
from rich.table import Table

if not settings.configured:
    settings.configure(USE_TZ=True)
    django.setup()

from rest_framework import serializers as drf

from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf import fields
from strangler_fastapi.drf.choice_fields import ChoiceField
from strangler_fastapi.drf.fields import Field, Scope
from strangler_fastapi.drf.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.text_fields import EmailField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.time_fields import DateField, DateTimeField, DurationField, TimeField

_FIELDS: Final = 10
_ROUNDS: Final = 25
_TIMES: Final = 20
_CHOICES: Final = {"a": "A", "b": "B"}
# The library's field, DRF's, and a value of it.
KINDS: Final[dict[str, tuple[Field, Callable[[], drf.Field], Any]]] = {
    "text": (fields.CharField(max_length=50), lambda: drf.CharField(max_length=50), "some text"),
    "long text": (fields.CharField(), drf.CharField, "x" * 5_000),
    "slug": (SlugField(), drf.SlugField, "some-slug"),
    "email": (EmailField(), drf.EmailField, "ann@example.com"),
    "url": (URLField(), drf.URLField, "https://example.com/a"),
    "uuid": (UUIDField(), drf.UUIDField, "00000000-0000-0000-0000-000000000007"),
    "boolean": (fields.BooleanField(), drf.BooleanField, True),
    "integer": (
        IntegerField(min_value=0, max_value=99),
        lambda: drf.IntegerField(min_value=0, max_value=99),
        7,
    ),
    "float": (FloatField(), drf.FloatField, 7.5),
    "decimal": (DecimalField(max_digits=8, decimal_places=2), lambda: drf.DecimalField(8, 2), "12.50"),
    "date": (DateField(), drf.DateField, "2026-01-05"),
    "time": (TimeField(), drf.TimeField, "10:05:06"),
    "moment": (DateTimeField(), drf.DateTimeField, "2026-01-05T10:05:00Z"),
    "duration": (DurationField(), drf.DurationField, "1 02:03:04"),
    "choice": (ChoiceField(choices=_CHOICES), lambda: drf.ChoiceField([*_CHOICES.items()]), "b"),
}


@dataclass(frozen=True)
class FieldCost:
    """Microseconds that one field of a body takes."""

    library: float
    drf: float
    pydantic: float


def field_cost(kind: str) -> FieldCost:
    """What a field of that kind costs on this machine."""
    field, django_field, value = KINDS[kind]
    names = [f"field{number}" for number in range(_FIELDS)]
    body = dict.fromkeys(names, value)
    ours = Serializer("Measured", dict.fromkeys(names, field))
    theirs = type("MeasuredSerializer", (drf.Serializer,), {name: django_field() for name in names})
    model = ours.request_model
    scope = Scope(session=cast("RequestSession", None))

    async def validate() -> None:
        await ours.validate(body, scope)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def many() -> float:
            begun = perf_counter()
            for _ in range(_TIMES):
                await validate()
            return perf_counter() - begun

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
    begun = perf_counter()
    for _ in range(_TIMES):
        function()
    return perf_counter() - begun


def main() -> None:
    """Print the table."""
    table = Table("field", "FastAPI µs", "DRF µs", "Pydantic µs", "of DRF's")
    for kind in KINDS:
        cost = field_cost(kind)
        figures = (f"{each:.1f}" for each in (cost.library, cost.drf, cost.pydantic))
        table.add_row(kind, *figures, f"{cost.library / cost.drf:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
