"""What may stand for a relation of a generated view: DRF's field, and the library's."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers as drf

from strangler_fastapi.drf.fields.computed_fields import (
    ComputedField,
    HiddenField,
    ManyComputedField,
    SerializerMethodField,
)
from strangler_fastapi.drf.fields.fields import Field, ReadOnlyField
from strangler_fastapi.drf.fields.hyperlinks import HyperlinkedField, HyperlinkedRelatedField
from strangler_fastapi.drf.fields.model_fields import many_related_field, model_field, model_fields
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.relations import (
    ManySlugRelatedField,
    PointingKeysField,
    SlugRelatedField,
    StringRelatedField,
)
from strangler_fastapi.drf.links import foreign_key, many_to_many, one_to_many
from strangler_fastapi.drf.serializers import Serializer
from tests.generated_rows.tables import Label, LabelRow, Maker, MakerRow, Part, PartRow, Thing, ThingRow

Pair = tuple[Callable[[], Any], Callable[[], Field]]


class MakerSerializer(drf.ModelSerializer[Maker]):
    class Meta:
        model = Maker
        fields = ("name", "rank")


class PartSerializer(drf.ModelSerializer[Part]):
    class Meta:
        model = Part
        fields = ("name", "pieces")


class LabelSerializer(drf.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ("word", "shade")


MAKER = Serializer("Maker", model_fields(MakerRow, "name", "rank"))
PART = Serializer("Part", model_fields(PartRow, "name", "pieces"))
LABEL = Serializer("Label", model_fields(LabelRow, "word", "shade"))


class BaseSerializer(drf.ModelSerializer[Thing]):
    shades = drf.SlugRelatedField("shade", source="labels", many=True, read_only=True)
    parts = drf.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Thing
        fields = ("labels", "shades", "parts")


BASE = Serializer(
    "Base",
    {
        "labels": many_related_field(ThingRow, "labels", required=False),
        "shades": ManySlugRelatedField(link=many_to_many(ThingRow, "labels"), slug_field="shade"),
        "parts": PointingKeysField(link=one_to_many(ThingRow, PartRow, "thing")),
    },
)
BY_MAKER: dict[str, Any] = {"queryset": Maker.objects.all(), "allow_null": True, "required": False}
OPTIONAL: dict[str, Any] = {"allow_null": True, "required": False}
# A project's own texts, by code.
OWN_ROW = {"does_not_exist": "No such row: {pk_value}.", "incorrect_type": "No {data_type}.", "null": "Which one?"}
OWN_SLUG = {"does_not_exist": "No {slug_name} is {value}.", "invalid": "No slug.", "empty": "At least one."}
OWN_SLUG |= {"not_a_list": "A list, and no {input_type}."}
OWN_LINK = {"no_match": "No address.", "does_not_exist": "Nobody there.", "incorrect_type": "A text, no {data_type}."}
# By the name in the serializer, then by the way: DRF's field (None: ModelSerializer's own), and the library's.
RELATIONS: dict[str, dict[str, Pair]] = {
    "maker": {
        "key": (lambda: None, lambda: model_field(ThingRow, "maker_id")),
        "read key": (
            lambda: drf.PrimaryKeyRelatedField(read_only=True),
            lambda: model_field(ThingRow, "maker_id", read_only=True),
        ),
        "slug": (
            lambda: drf.SlugRelatedField("name", **BY_MAKER),
            lambda: SlugRelatedField(
                link=foreign_key(ThingRow, "maker"), slug_field="name", source="maker_id", **OPTIONAL
            ),
        ),
        "link": (
            lambda: drf.HyperlinkedRelatedField("maker-detail", **BY_MAKER, error_messages=OWN_LINK),
            lambda: model_field(
                ThingRow, "maker_id", into=HyperlinkedRelatedField, path="/makers/{}/", error_messages=OWN_LINK
            ),
        ),
        "nested": (
            lambda: MakerSerializer(read_only=True),
            lambda: NestedField(children=MAKER, link=foreign_key(ThingRow, "maker")),
        ),
        "written": (
            lambda: MakerSerializer(**OPTIONAL),
            lambda: NestedField(children=MAKER, link=foreign_key(ThingRow, "maker"), read_only=False, **OPTIONAL),
        ),
        "text": (
            drf.StringRelatedField,
            lambda: StringRelatedField(
                link=foreign_key(ThingRow, "maker"), source="maker_id", text=lambda row: row.name
            ),
        ),
    },
    "maker_name": {
        "dots": (
            lambda: drf.CharField(source="maker.name", read_only=True),
            lambda: ComputedField(columns=("maker__name",), type="string"),
        ),
        "dots, or null": (
            lambda: drf.CharField(source="maker.name", read_only=True, allow_null=True),
            lambda: ComputedField(columns=("maker__name",), type="string", allow_null=True),
        ),
    },
    "maker_rank": {
        "dots": (lambda: drf.ReadOnlyField(source="maker.rank"), lambda: ComputedField(columns=("maker__rank",))),
    },
    "base": {
        "key": (lambda: None, lambda: model_field(ThingRow, "base_id")),
        "required key": (
            lambda: drf.PrimaryKeyRelatedField(queryset=Thing.objects.all(), error_messages=OWN_ROW),
            lambda: model_field(ThingRow, "base_id", required=True, allow_null=False, error_messages=OWN_ROW),
        ),
        "nested": (
            lambda: BaseSerializer(read_only=True),
            lambda: NestedField(children=BASE, link=foreign_key(ThingRow, "base")),
        ),
    },
    "spot": {"key": (lambda: None, lambda: model_field(ThingRow, "spot_id"))},
    "labels": {
        "keys": (lambda: None, lambda: many_related_field(ThingRow, "labels", required=False)),
        "some keys": (
            lambda: drf.PrimaryKeyRelatedField(queryset=Label.objects.all(), many=True, allow_empty=False),
            lambda: many_related_field(ThingRow, "labels", allow_empty=False),
        ),
        "links": (
            lambda: drf.HyperlinkedRelatedField("label-detail", queryset=Label.objects.all(), many=True),
            lambda: many_related_field(ThingRow, "labels", path="/labels/{}/"),
        ),
        "slugs": (
            lambda: drf.SlugRelatedField("shade", many=True, queryset=Label.objects.all(), required=False),
            lambda: many_related_field(ThingRow, "labels", slug_field="shade", required=False),
        ),
        "some slugs": (
            lambda: drf.SlugRelatedField(
                "shade", many=True, queryset=Label.objects.all(), allow_empty=False, error_messages=OWN_SLUG
            ),
            lambda: many_related_field(
                ThingRow, "labels", slug_field="shade", allow_empty=False, error_messages=OWN_SLUG
            ),
        ),
        "read slugs": (
            lambda: drf.SlugRelatedField("shade", many=True, read_only=True),
            lambda: ManySlugRelatedField(link=many_to_many(ThingRow, "labels"), slug_field="shade"),
        ),
        "made slugs": (
            lambda: drf.SlugRelatedField("named", many=True, read_only=True),
            lambda: ManyComputedField(
                link=many_to_many(ThingRow, "labels"),
                columns=("shade", "word"),
                function=lambda shade, word: f"{shade} {word}",
            ),
        ),
        "nested": (
            lambda: LabelSerializer(many=True, read_only=True),
            lambda: NestedField(children=LABEL, link=many_to_many(ThingRow, "labels")),
        ),
    },
    "parts": {
        "keys": (
            lambda: drf.PrimaryKeyRelatedField(many=True, read_only=True),
            lambda: PointingKeysField(link=one_to_many(ThingRow, PartRow, "thing")),
        ),
        "nested": (
            lambda: PartSerializer(many=True, read_only=True),
            lambda: NestedField(children=PART, link=one_to_many(ThingRow, PartRow, "thing")),
        ),
        "written": (
            lambda: PartSerializer(many=True, required=False, max_length=2, error_messages={"max_length": "Two."}),
            lambda: NestedField(
                children=PART,
                link=one_to_many(ThingRow, PartRow, "thing"),
                read_only=False,
                required=False,
                max_length=2,
                error_messages={"max_length": "Two."},
            ),
        ),
    },
    "url": {
        "own": (
            lambda: drf.HyperlinkedIdentityField("thing-detail"),
            lambda: HyperlinkedField(path="/things/{}/", source="id"),
        )
    },
    "summary": {
        "method": (
            lambda: drf.SerializerMethodField(),
            lambda: SerializerMethodField(method=lambda item: sorted(item)[:1]),
        )
    },
    "lasted": {
        "own": (
            lambda: drf.ReadOnlyField(source="lasts"),
            lambda: ReadOnlyField(type="field", source="lasts"),
        )
    },
    "remark": {
        "hidden": (lambda: drf.HiddenField(default="unsaid"), lambda: HiddenField(default="unsaid")),
    },
}
