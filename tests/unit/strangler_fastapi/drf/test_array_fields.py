"""The field of an array takes, refuses and describes as the one that DRF's ModelSerializer makes of an ArrayField."""

import json
from typing import Any, cast

import pytest
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.validators import ArrayMinLengthValidator
from django.core import validators
from django.db import models
from django.http import QueryDict
from django.test.utils import isolate_apps
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.metadata import SimpleMetadata
from sqlalchemy.ext.asyncio import AsyncSession

from shared_schema.contract.contract import Contract
from shared_schema.contract.values import as_column
from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.errors import ValidationFailed

SCOPE = Scope(session=cast("AsyncSession", None))
RAGGED = "Nested arrays must have the same length."

with isolate_apps("django_app.blog"):

    class Box(models.Model):
        tags = ArrayField(models.CharField(max_length=3, help_text="A word."), size=2, blank=True, default=list)
        labels = ArrayField(models.CharField("name", max_length=9, blank=True))
        words = ArrayField(models.TextField(null=True), null=True, verbose_name="Words of it")
        grades = ArrayField(models.IntegerField(choices=[(1, "One"), (2, "Two")]), blank=True)
        sizes = ArrayField(
            models.PositiveSmallIntegerField(validators=[validators.MaxValueValidator(9)]),
            validators=[ArrayMinLengthValidator(2)],
        )
        grid = ArrayField(ArrayField(models.IntegerField(), size=2, blank=True), blank=True)
        days = ArrayField(models.DateField(), blank=True, null=True)
        prices = ArrayField(models.DecimalField(max_digits=4, decimal_places=2), default=list)
        mails = ArrayField(models.EmailField(), blank=True)
        codes = ArrayField(models.CharField(validators=[validators.RegexValidator("^[a-z]+$")]), blank=True)
        flags = ArrayField(models.BooleanField(), default=list)
        numbers = ArrayField(models.UUIDField(), default=list)
        made = ArrayField(models.SlugField(), editable=False, default=list)

        class Meta:
            app_label = "blog"

        def __str__(self) -> str:
            return str(self.tags)


class BoxSerializer(serializers.ModelSerializer[Box]):
    class Meta:
        model = Box
        exclude = ("id",)


class BoxRow(Reflected):
    __mapping__ = Mapping()
    __tablename__ = "blog_box"


FACTS = json.loads(json.dumps(table_facts(Box, Sql("default"))))
CONTRACT = Contract.model_validate({"format": 2, "tables": {"blog_box": FACTS}})
NAMES = [*BoxSerializer().fields]
BOX = Serializer("Box", {name: model_field(BoxRow, name, contract=CONTRACT) for name in NAMES})
WHOLE: dict[str, Any] = {"labels": ["a"], "sizes": [1, 2], "grid": [[1], [2]]}
ITEMS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from(["", " ", "a", "abcd", "1", "2026-01-03", "1.5", "123.4", "a@b.de", "A", 1.5])
    | st.lists(st.integers(0, 2), max_size=2)
)
VALUES = st.lists(ITEMS, max_size=3) | st.sampled_from([None, "", "a", 3, {}, {"a": 1}, True])


def drf_answer(data: Any) -> Any:
    serializer = BoxSerializer(data=data)
    if serializer.is_valid():
        return dict(serializer.validated_data)
    return {"errors": json.loads(json.dumps(serializer.errors))}


async def answer(data: Any) -> Any:
    """The library's; of arrays that only PostgreSQL refuses without a word of that."""
    try:
        return await BOX.validate(data, SCOPE)
    except ValidationFailed as error:
        body = {name: found for name, found in cast("dict[str, Any]", error.body).items() if found != [RAGGED]}
        return {"errors": body} if body else drf_answer(data)


def test_options_describes_them_alike() -> None:
    theirs = SimpleMetadata().get_serializer_info(BoxSerializer())
    assert json.dumps(BOX.describe(), default=str) == json.dumps(theirs, default=str)


@given(data=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)))
@example(data={})
@example(data={name: [] for name in NAMES})
@example(data={"tags": ["a", "b", "c"], "sizes": [10], "grid": [[1, 2, 3], "a"], "grades": [1, 3]})
async def test_json_is_taken_or_refused_alike(data: dict[str, Any]) -> None:
    assert await answer(data) == drf_answer(data)
    assert await answer(WHOLE | data) == drf_answer(WHOLE | data)


FORM_NAMES = st.sampled_from([*NAMES, "tags[0]", "sizes[1]", "sizes[0]"])


@given(pairs=st.lists(st.tuples(FORM_NAMES, st.sampled_from(["", "1", "a"]))))
async def test_forms_are_too(pairs: list[tuple[str, str]]) -> None:
    form = QueryDict(mutable=True)
    for name, value in pairs:
        form.appendlist(name, value)
    assert await answer(Form(pairs)) == drf_answer(form)


@pytest.mark.parametrize("grid", [[], [[], []], [[1], [2]]])
async def test_arrays_of_one_length_are_taken(grid: Any) -> None:
    assert (await BOX.validate(WHOLE | {"grid": grid}, SCOPE))["grid"] == grid


@pytest.mark.parametrize("grid", [[[1], []], [[1], [2, 3]], [[1, 2], [3, 4], [5]]])
async def test_arrays_of_other_lengths_are_refused(grid: Any) -> None:
    """PostgreSQL holds none, and Django answers 500."""
    with pytest.raises(ValidationFailed) as raised:
        await BOX.validate(WHOLE | {"grid": grid}, SCOPE)
    assert raised.value.body == {"grid": [RAGGED]}


def test_an_array_of_which_no_field_can_be_made_is_named() -> None:
    for facts, why in (({}, "export the schema again"), ({"choices": [["a"]]}, "DRF takes no array with choices")):
        items = {"items": FACTS["columns"]["labels"]["items"]} if facts else {}
        column = {"field": "x", "kind": "ArrayField", "type": "text[]", "null": False} | items | facts
        table = {"name": "blog_box", "model": "blog.Box", "columns": {"x": column}}
        contract = Contract.model_validate({"format": 2, "tables": {"blog_box": table}})
        with pytest.raises(LookupError, match=f"Column blog_box.x is an array that has no field here: {why}"):
            model_field(BoxRow, "x", contract=contract)
        assert model_field(BoxRow, "x", contract=contract, into=ListField)


@pytest.mark.parametrize("depth", [1, 2])
def test_an_array_of_json_has_no_field(depth: int) -> None:
    """SQLAlchemy takes a list that is one of its values for an array within it."""
    facts: dict[str, Any] = {"kind": "JSONField", "type": "jsonb"}
    for _ in range(depth):
        facts = {"kind": "ArrayField", "type": "jsonb[]", "items": {"field": "x", "null": False} | facts}
    table = {"name": "blog_box", "model": "blog.Box", "columns": {"x": {"field": "x", "null": False} | facts}}
    contract = Contract.model_validate({"format": 2, "tables": {"blog_box": table}})
    with pytest.raises(LookupError, match=r"Column blog_box\.x(\[\])? is an array of JSON, which has no field here"):
        model_field(BoxRow, "x", contract=contract)


def test_a_value_of_the_contract_may_be_of_several_dimensions() -> None:
    assert FACTS["columns"]["grid"]["type"] == "integer[]"
    assert as_column([["1", 2], [3, None]], "integer[]") == [[1, 2], [3, None]]
