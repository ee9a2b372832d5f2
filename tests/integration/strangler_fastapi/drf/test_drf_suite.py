"""DRF's own measure: the tables of its test-suite, row by row, against the library's fields."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from unittest.mock import AsyncMock, patch
from zoneinfo import ZoneInfo

import pytest
from rest_framework import serializers as drf
from rest_framework.renderers import JSONRenderer

from shared_schema.mapping import Reflected
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields import relations
from strangler_fastapi.drf.fields.choice_fields import ChoiceField, FilePathField, MultipleChoiceField
from strangler_fastapi.drf.fields.collection_fields import DictField, HStoreField, JSONField, ListField
from strangler_fastapi.drf.fields.fields import BooleanField, CharField, Field, Scope
from strangler_fastapi.drf.fields.file_fields import FileField, ImageCheck, ImageField
from strangler_fastapi.drf.fields.number_fields import BigIntegerField, DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.relations import PrimaryKeyRelatedField
from strangler_fastapi.drf.fields.storage import FileSystemStorage
from strangler_fastapi.drf.fields.text_fields import (
    EmailField,
    IPAddressField,
    RegexField,
    SlugField,
    URLField,
    UUIDField,
)
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.validators import Invalid
from tests.drf_suite import Row, fetch_sdist, rows_of
from tests.example import ROOT

KINDS: dict[type[drf.Field], type[Field]] = {
    drf.BooleanField: BooleanField,
    drf.CharField: CharField,
    drf.EmailField: EmailField,
    drf.RegexField: RegexField,
    drf.SlugField: SlugField,
    drf.URLField: URLField,
    drf.UUIDField: UUIDField,
    drf.IPAddressField: IPAddressField,
    drf.IntegerField: IntegerField,
    drf.BigIntegerField: BigIntegerField,
    drf.FloatField: FloatField,
    drf.DecimalField: DecimalField,
    drf.DateField: DateField,
    drf.DateTimeField: DateTimeField,
    drf.TimeField: TimeField,
    drf.DurationField: DurationField,
    drf.ChoiceField: ChoiceField,
    drf.FilePathField: FilePathField,
    drf.FileField: FileField,
    drf.ImageField: ImageField,
    drf.MultipleChoiceField: MultipleChoiceField,
    drf.ListField: ListField,
    drf.DictField: DictField,
    drf.HStoreField: HStoreField,
    drf.JSONField: JSONField,
}
# How the library spells a setting of DRF's.
SPELT: dict[str, Callable[[Any], Any]] = {
    "regex": lambda given: getattr(given, "pattern", given),
    "protocol": str.lower,
    "input_formats": tuple,
}


def counterpart(field: drf.Field) -> Field:
    """The library's field of the same settings."""
    settings = dict(field._kwargs)
    settings.pop("child", None)
    if isinstance(field, drf.ListField | drf.DictField) and not isinstance(field, drf.HStoreField):
        # A child that wasn't given is DRF's own class of no name.
        given = type(field.child) in KINDS or isinstance(field.child, drf.PrimaryKeyRelatedField)
        settings |= {"child": counterpart(field.child)} if given else {}
    if isinstance(field, drf.PrimaryKeyRelatedField):
        return PrimaryKeyRelatedField(model=Reflected, key="id", type="uuid")
    if isinstance(field, drf.FilePathField):
        return FilePathField(path=field._kwargs["path"])
    if isinstance(field, drf.ChoiceField):
        settings["choices"] = field.choices
    if isinstance(field, drf.FileField):
        settings |= {"storage": FileSystemStorage("", "/")}
    if (form := settings.pop("_DjangoImageField", None)) is not None:
        settings["check"] = image_check(field, form())
    made = {name: SPELT.get(name, lambda same: same)(value) for name, value in settings.items()}
    return KINDS[type(field)](**made)


def image_check(field: drf.Field, form: Any) -> ImageCheck:
    """What looks at images as that form field does, which DRF's test has in place of Django's."""

    def check(upload: Any) -> None:
        form.error_messages = field.error_messages
        try:
            form.clean(upload)
        except drf.ValidationError as error:
            raise Invalid(error.detail) from None

    return check


# Why a row that isn't as DRF's test expects may be so; the page says the same.
EXCEPTIONS: dict[str, Callable[[Row], bool]] = {
    "null, which DRF's serializers and lists answer without asking the field": lambda row: (
        row.table == "outputs" and row.given is None
    ),
    "DRF's own look at the clock is replaced for the test; without that, DRF takes such a time, too": lambda row: (
        "NaiveDayLightSaving" in row.name
    ),
}


async def is_as_expected(row: Row) -> bool:
    field = counterpart(row.field)
    if row.table == "outputs":
        # Of a column whose moments have no zone the field isn't told which type they are.
        is_naive = isinstance(row.given, datetime) and row.given.tzinfo is None
        write = field.representation(None if is_naive else type(row.given))
        # The row has the name of a file.
        given = getattr(row.given, "name", row.given)
        shown = given if write is None or given is None else write(given)
        return JsonResponse({"x": shown}).body == JSONRenderer().render({"x": row.expected})
    try:
        # The table that a row of DRF's names rows of is empty in its test.
        with patch.object(relations, "fetch", AsyncMock(return_value=[])):
            found = await field.clean(row.given, Scope(session=cast("RequestSession", None)))
    except Invalid as error:
        return row.table == "invalid_inputs" and json.dumps(error.detail) == json.dumps(row.expected)
    return row.table == "valid_inputs" and bool(found == row.expected)


@pytest.mark.long
async def test_the_tables_of_drfs_own_suite_hold(pytestconfig: pytest.Config) -> None:
    rows = [*rows_of(fetch_sdist(pytestconfig.cache.mkdir("drf-sdist")))]  # type: ignore[union-attr] # no run is without
    failed = [row for row in rows if not await is_as_expected(row)]
    reasons = Counter(next((why for why, holds in EXCEPTIONS.items() if holds(row)), repr(row)) for row in failed)
    said = "\n".join(f"- {count}: {why}" for why, count in reasons.most_common())
    page = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
    assert f"**{len(rows) - len(failed)} of {len(rows)}** rows" in page
    assert f"\n\n{said}\n\n" in page


@pytest.mark.parametrize("text", ["2017-03-12T02:30:00", "2017-11-05T01:30:00"], ids=["left out", "twice"])
async def test_a_time_that_a_change_of_the_clocks_makes_doubtful_is_taken(text: str) -> None:
    zone = ZoneInfo("America/New_York")
    scope = Scope(session=cast("RequestSession", None))
    taken = await DateTimeField(default_timezone=zone).clean(text, scope)
    assert repr(taken) == repr(drf.DateTimeField(default_timezone=zone).run_validation(text))
