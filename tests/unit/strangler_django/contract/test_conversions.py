"""Classes of fields that are none of Django's: which of their code makes other values."""

import json
from typing import Any, Self

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from tests.unit.strangler_django.contract.conftest import Facts


class Shout(models.CharField):
    """Kept in small letters, and read in capitals."""

    def from_db_value(self, value: str, *_: object) -> str:
        return value.upper()

    def get_prep_value(self, value: Any) -> Any:
        return value.lower()


class Whisper(Shout):
    """Which inherits all of that."""


class Stars:
    """The attribute of a row."""

    def __init__(self, field: models.Field) -> None:
        self.field = field

    def __get__(self, instance: Any, _: object = None) -> Self | str:
        return self if instance is None else "*" * instance.__dict__[self.field.attname]


class Rating(models.IntegerField):
    descriptor_class = Stars


class Counter(models.IntegerField):
    def get_default(self) -> int:
        return 7


class Touched(models.DateTimeField):
    def pre_save(self, instance: models.Model, add: bool) -> Any:  # noqa: ARG002 - Django calls it so
        return timezone.now()


class Scan(FieldFile):
    """Files with something to be done, at the addresses of all."""


class Scans(models.FileField):
    attr_class = Scan


class Elsewhere(FieldFile):
    @property
    def url(self) -> str:
        return f"https://files.example.org/{self.name}"


class Links(models.FileField):
    attr_class = Elsewhere


class Decoder(json.JSONDecoder):
    pass


class Encoder(json.JSONEncoder):
    pass


class Named(models.CharField):
    """Another name, and other arguments, make no other values."""

    def get_internal_type(self) -> str:
        return "CharField"

    def deconstruct(self) -> Any:
        return super().deconstruct()


@pytest.mark.parametrize(
    ("field", "read", "written"),
    [
        (models.CharField(), [], []),
        (models.JSONField(), [], []),
        (models.FileField(), [], []),
        (models.ImageField(), [], []),
        (models.ForeignKey("self", models.CASCADE), [], []),
        (Named(), [], []),
        (Shout(), ["Shout.from_db_value"], ["Shout.get_prep_value"]),
        (Whisper(), ["Shout.from_db_value"], ["Shout.get_prep_value"]),
        (Rating(), ["Stars"], ["Stars"]),
        (Scans(), [], ["Scan"]),
        (Links(), ["Elsewhere"], ["Elsewhere"]),
        (models.JSONField(encoder=DjangoJSONEncoder), [], []),
        (models.JSONField(decoder=Decoder, encoder=Encoder), ["Decoder"], ["Encoder"]),
    ],
)
def test_what_makes_other_values_is_named(
    field: models.Field, read: list[str], written: list[str], column: Facts
) -> None:
    found = column(field)
    assert found.get("read_by", []) == [f"{__name__}.{name}" for name in read]
    assert found.get("written_by", []) == [f"{__name__}.{name}" for name in written]


def test_a_default_of_the_class_is_called_for_each_row(column: Facts) -> None:
    assert column(Counter())["default_callable"] == f"{__name__}.Counter.get_default"


def test_a_field_that_is_asked_at_each_save_is_with_the_receivers(facts: Facts) -> None:
    made = facts({"first": Touched(), "second": Touched(), "third": models.DateTimeField(auto_now=True)})
    assert made["receivers"] == [f"pre_save {__name__}.Touched.pre_save"]


@pytest.mark.parametrize("editable", [False, True])
def test_what_packages_call_auto_now_is_that(facts: Facts, *, editable: bool) -> None:
    package = {"__module__": "model_utils.fields", "__qualname__": "AutoLastModifiedField"}
    known = type("AutoLastModifiedField", (models.DateTimeField,), package | {"pre_save": Touched.pre_save})
    made = facts({"x": known(editable=editable)})
    # A value that is given for a new row stands.
    own = ["pre_save model_utils.fields.AutoLastModifiedField.pre_save"]
    assert made.get("receivers", []) == (own if editable else [])
    assert made["columns"]["x"].get("auto_now", False) is not editable
    assert ("default_callable" in made["columns"]["x"]) is editable
