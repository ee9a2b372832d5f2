"""The field of a foreign key takes and refuses as DRF's PrimaryKeyRelatedField."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from unittest.mock import Mock, patch
from uuid import UUID

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.test.utils import isolate_apps
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.metadata import SimpleMetadata
from sqlalchemy import BigInteger, Column, Date, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_schema.contract.contract import Contract
from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.fields.model_fields import model_field, model_fields
from strangler_fastapi.drf.fields.nested_fields import shape_of
from strangler_fastapi.drf.fields.relations import (
    ManyRelatedField,
    ManySlugRelatedField,
    PrimaryKeyRelatedField,
    SlugRelatedField,
)
from strangler_fastapi.drf.fields.time_fields import DateTimeField
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.links import ForeignKey, OneToMany
from strangler_fastapi.drf.resources.sample_queries import body_samples, body_values
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import NotPorted, ValidationFailed

THERE = 7
LABEL = UUID(int=5)

with isolate_apps("django_app.blog"):

    class DjangoShelf(models.Model):
        class Meta:
            app_label = "blog"
            db_table = "shelves"

        def __str__(self) -> str:
            return str(self.pk)

    class DjangoLabel(models.Model):
        id = models.UUIDField(primary_key=True)

        class Meta:
            app_label = "blog"
            db_table = "labels"

        def __str__(self) -> str:
            return str(self.pk)

    class DjangoBook(models.Model):
        shelf = models.ForeignKey(DjangoShelf, models.CASCADE, verbose_name="place")
        spare = models.ForeignKey(DjangoShelf, models.CASCADE, null=True, related_name="+")
        label = models.ForeignKey(DjangoLabel, models.CASCADE, null=True, blank=True)

        class Meta:
            app_label = "blog"
            db_table = "books"

        def __str__(self) -> str:
            return str(self.pk)


class BookSerializer(serializers.ModelSerializer[DjangoBook]):
    class Meta:
        model = DjangoBook
        fields = ("shelf", "spare", "label")


class NamedSerializer(serializers.Serializer[Any]):
    shelf = serializers.SlugRelatedField("pk", queryset=DjangoShelf.objects.all())
    label = serializers.SlugRelatedField("pk", queryset=DjangoLabel.objects.all())


class Library(Reflected):
    __mapping__ = Mapping()


class Shelf(Library):
    pk: ClassVar[Any]
    __tablename__ = "shelves"
    __columns__: ClassVar = {"number": "id"}
    number: Any


class Label(Library):
    pk: ClassVar[Any]
    __tablename__ = "labels"
    id: Any


class Book(Library):
    __tablename__ = "books"
    id: Any


TABLES = {
    model._meta.db_table: json.loads(json.dumps(table_facts(model, Sql("default"))))
    for model in (DjangoShelf, DjangoLabel, DjangoBook)
}
CONTRACT = Contract.model_validate({"format": 2, "tables": TABLES})
METADATA = MetaData()
Shelf.number = Table("shelves", METADATA, Column("id", BigInteger)).c.id
Label.id = Table("labels", METADATA, Column("id", Uuid)).c.id
Shelf.pk, Label.pk = Shelf.number, Label.id
NAMED = Serializer(
    "Named",
    {
        "shelf": SlugRelatedField(link=ForeignKey("shelf_id", Shelf, "pk"), slug_field="pk"),
        "label": SlugRelatedField(link=ForeignKey("label_id", Label, "pk"), slug_field="pk"),
    },
)
BOOK = Serializer("Book", model_fields(Book, "shelf_id", "spare_id", "label_id", contract=CONTRACT))


class Rows:
    """The rows that are there: shelf 7, and one label."""

    async def driver(self) -> "Rows":
        return self

    async def fetch(self, _statement: str, key: Any) -> list[tuple[Any]]:
        if isinstance(key, int) and not -(2**63) <= key < 2**63:
            raise OverflowError  # as asyncpg does
        return [(key,)] if key in (THERE, LABEL) else []


SCOPE = Scope(session=cast("RequestSession", Rows()))


@pytest.fixture(autouse=True)
def rows_of_django() -> Iterator[None]:
    """Django's querysets find the same rows, after its own lookups have taken the key or refused it."""

    def get(queryset: Any, pk: Any) -> Any:
        key = queryset.filter(pk=pk).query.where.children[0].rhs
        if key not in (THERE, LABEL):
            raise ObjectDoesNotExist
        return queryset.model(pk=key)

    with patch.object(models.QuerySet, "get", get):
        yield


def drf_answer(data: Any) -> Any:
    serializer = BookSerializer(data=data)
    if not serializer.is_valid():
        return {"errors": json.loads(json.dumps(serializer.errors))}
    return {f"{name}_id": value and value.pk for name, value in serializer.validated_data.items()}


async def answer(data: Any) -> Any:
    try:
        return await BOOK.validate(data, SCOPE)
    except ValidationFailed as error:
        return {"errors": error.body}


NUMBERS = [7, "7", " 7 ", 7.0, 7.5, "7.0", 8, "8", 2**63, -1, "9" * 5000, 5]
UUIDS = [str(LABEL), LABEL.hex, LABEL.hex.upper(), str(UUID(int=6))]
VALUES = st.sampled_from([None, True, *NUMBERS, *UUIDS, "", "x", "\x00", [], [7], {"pk": 7}])


@given(shelf=VALUES, spare=VALUES, label=VALUES)
@example(shelf=999, spare="one", label="one")
async def test_json_is_taken_or_refused_alike(shelf: Any, spare: Any, label: Any) -> None:
    data = {"shelf": shelf, "spare": spare, "label": label}
    assert await answer(data) == drf_answer(data)


@given(shelf=VALUES, label=VALUES)
@example(shelf=2**63, label=-1)
@example(shelf=7, label=2**128)
async def test_a_row_is_found_alike_by_a_number_and_by_a_uuid(shelf: Any, label: Any) -> None:
    data = {"shelf": shelf, "label": label}
    theirs = NamedSerializer(data=data)
    try:
        found: Any = await NAMED.validate(data, SCOPE)
    except ValidationFailed as error:
        found = {"errors": error.body}
    if theirs.is_valid():
        assert found == {name: row.pk for name, row in theirs.validated_data.items()}
    else:
        assert found == {"errors": json.loads(json.dumps(theirs.errors))}


async def test_a_row_that_is_found_by_a_day_is_a_gap() -> None:
    class Day(Library):
        day: ClassVar[Any] = Table("days", MetaData(), Column("day", Date)).c.day

    field = SlugRelatedField(link=ForeignKey("day_id", Day, "day"), slug_field="day")
    with pytest.raises(NotPorted):
        await field.convert("2026-01-03", SCOPE)


async def test_what_is_left_out_is_required_alike() -> None:
    assert await answer({}) == drf_answer({}) == {"errors": {"shelf": ["This field is required."]}}


async def test_an_empty_text_of_a_form_is_null() -> None:
    taken = await answer(Form([("shelf", "7"), ("spare", ""), ("label", "")]))
    assert taken == {"shelf_id": 7, "spare_id": None, "label_id": None}


async def test_the_words_are_those_of_drf() -> None:
    assert await answer({"shelf": 999, "spare": "nope"}) == {
        "errors": {
            "shelf": ['Invalid pk "999" - object does not exist.'],
            "spare": ["Incorrect type. Expected pk value, received str."],
        }
    }


def test_options_describes_them_alike() -> None:
    assert json.dumps(BOOK.describe()) == json.dumps(SimpleMetadata().get_serializer_info(BookSerializer()))


def test_openapi_has_the_keys_type() -> None:
    properties = BOOK.request_model.model_json_schema()["properties"]
    assert properties["shelf"] == {"title": "Shelf", "type": "integer"}
    assert properties["label"]["anyOf"] == [{"type": "string", "format": "uuid"}, {"type": "null"}]


def test_a_sample_of_a_body_looks_for_the_row() -> None:
    assert body_values(BOOK) == {"shelf_id": 1, "spare_id": 1, "label_id": UUID(int=1)}
    texts = {sample.name: str(sample.statement) for sample in body_samples(BOOK)}
    assert [*texts] == ["related shelf", "related spare", "related label"]
    assert "FROM shelves" in texts["related shelf"]


def test_a_table_without_a_class_is_named() -> None:
    class Loan(Reflected):
        __mapping__ = Mapping()
        __tablename__ = "books"

    with pytest.raises(LookupError, match=r"Column books\.shelf_id points at shelves, for which the mapping has no"):
        model_field(Loan, "shelf_id", contract=CONTRACT)


def test_the_key_may_be_a_text() -> None:
    field = PrimaryKeyRelatedField(model=Label, key="id", type=str(Text()).lower())
    assert field.sample() == "sample"
    assert field._key(5) == "5"


async def test_several_keys_are_refused_as_by_drf() -> None:
    link: Any = None
    for allow_empty in (True, False):
        child = PrimaryKeyRelatedField(model=Reflected, key="id", type="bigint")
        ours = ManyRelatedField(link=link, child=child, allow_empty=allow_empty)
        # No row has the key null.
        nothing = SimpleNamespace(get=Mock(side_effect=ObjectDoesNotExist))
        related: Any = serializers.PrimaryKeyRelatedField(queryset=nothing)
        theirs = serializers.ManyRelatedField(child_relation=related, allow_empty=allow_empty)
        for value in ("1", 1, [], None, {}, [None]):
            found, expected = "taken", "taken"
            try:
                await ours.clean(value, Scope(session=cast("RequestSession", None)))
            except Invalid as error:
                found = str(error.detail)
            try:
                theirs.run_validation(value)
            except serializers.ValidationError as error:
                expected = str(error.detail)
            assert found == expected


def test_slugs_within_a_row_are_rows_whatever_their_column_is_called() -> None:
    class Base(DeclarativeBase): ...

    class Hall(Base):
        __tablename__ = "halls"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Seat(Base):
        __tablename__ = "seats"
        id: Mapped[int] = mapped_column(primary_key=True)
        hall_id: Mapped[int]
        row: Mapped[int]

    link = OneToMany(cast("Any", Seat), "hall_id", "id")
    serializer = Serializer("Hall", {"rows": ManySlugRelatedField(link=link, slug_field="row")})
    (column,) = shape_of(serializer, Hall, is_within=True).columns
    # The driver reads no array within a row but one of rows.
    assert "array((SELECT row(seats_1.row)" in str(column)


def test_a_moment_without_a_zone_is_answered_in_the_fields() -> None:
    class Base(DeclarativeBase): ...

    class Train(Base):
        __tablename__ = "trains"
        id: Mapped[int] = mapped_column(primary_key=True)
        leaves: Mapped[datetime] = mapped_column(DateTime())
        comes: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    serializer = Serializer("Train", {"leaves": DateTimeField(), "comes": DateTimeField()})
    moment = datetime(2026, 3, 1, 13, tzinfo=UTC)
    answer = JsonResponse(shape_of(serializer, Train).build((moment.replace(tzinfo=None), moment)))
    assert answer.body == b'{"leaves":"2026-03-01T13:00:00Z","comes":"2026-03-01T13:00:00Z"}'
