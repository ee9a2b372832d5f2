"""Serializers, as the scaffold writes them: fields of columns, of other rows and of methods."""

from pathlib import Path
from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.routes.route import Route, Stage
from tests.unit.strangler.adoption.scaffold.harbour import (
    CREATE,
    DRF,
    LIST,
    NAME,
    SERIALIZER,
    TABLES,
    feature,
    field,
    flat,
    linked_contract,
    linked_feature,
    project,
    text_of,
    texts_of,
)


def test_times_are_shown_as_the_project_shows_them() -> None:
    built = {"name": "built_at", "kind": "DateTimeField", "source": "built_at", "changed": {}}
    listed = LIST | {
        "serializer": SERIALIZER | {"fields": [built | {"format": "iso-8601", "input_formats": ["%d.%m."]}]}
    }
    listed |= {
        "view": "harbour.api.Times",
        "filters": {"filterset": {"parameters": [{"name": "since", "kind": "IsoDateTimeFilter"}]}},
    }
    listed["filters"]["filterset"]["parameters"][0] |= {"field": "built_at", "lookup": "gte"}
    gaps, files = texts_of(listed, time_zone="Europe/Moscow")
    assert gaps == [[]]
    code = " ".join(files["boats/serializers.py"].split())
    shown = 'default_timezone=ZoneInfo("Europe/Moscow"), input_formats=("%d.%m.",)'
    assert f'"built_at": model_field(Boat, "built_at", {shown})' in code
    assert "from zoneinfo import ZoneInfo" in code
    # A time without an offset is of that zone.
    assert 'column_filter(lambda: Boat.built_at, datetime_form(zone=ZoneInfo("Europe/Moscow")), "gte")' in code
    naive, files = texts_of(listed, use_tz=False)
    assert naive == [[]]
    code = files["boats/serializers.py"]
    assert "default_timezone=None" in code
    assert "filter since: times of no zone" in code


def test_a_column_that_is_not_editable_takes_no_value() -> None:
    """DRF derives `read_only` from the model, which is no argument that the project has changed."""
    fields = [NAME | {"read_only": True, "changed": {}}, {"name": "id", "kind": "IntegerField", "source": "id"}]
    fields[1] |= {"read_only": True, "changed": {}}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": fields}})
    code = " ".join(text_of(made, "serializers.py").split())
    assert '"name": model_field(Boat, "name", read_only=True)' in code
    assert '"id": model_field(Boat, "id")' in code


def test_what_only_the_project_can_say_of_a_column_is_a_gap_of_writes() -> None:
    given = {"name": "scan", "kind": "FileField", "source": "scan", "changed": {"use_url": False}}
    deed = {"name": "deed", "kind": "FileField", "source": "deed", "changed": {}}
    parsers = {"parsers": ["rest_framework.parsers.MultiPartParser", "rest_framework.parsers.FileUploadParser"]}
    serializer = {"serializer": SERIALIZER | {"fields": [NAME, given]}}
    made = feature(LIST | serializer | parsers, CREATE | serializer | parsers)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert 'model_field(Boat, "scan", use_url=False)' in text_of(made, "serializers.py")
    assert "parsers=(MultiPartParser, FileUploadParser)," in text_of(made, "router.py")
    named = feature(
        LIST | {"serializer": SERIALIZER | {"fields": [deed]}}, CREATE | {"serializer": SERIALIZER | {"fields": [deed]}}
    )
    assert [each.gaps for each in named.endpoints] == [[], ["field deed: its files are named by harbour.models.place"]]
    built = SERIALIZER | {"fields": [{"name": "year", "kind": "IntegerField", "source": "year", "changed": {}}]}
    limited = feature(LIST | {"serializer": built}, CREATE | {"serializer": built})
    limit = "field year: limited by what harbour.models.this_year returns"
    assert [each.gaps for each in limited.endpoints] == [[], [limit]]
    camels = feature(CREATE | {"parsers": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"]})
    assert camels.endpoints[0].gaps == ["parser djangorestframework_camel_case.parser.CamelCaseJSONParser"]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (
            {"kind": "SlugRelatedField", "slug_field": "id", "read_only": False, "allow_null": True},
            'link=foreign_key(Boat, "berth"), source="berth_id", slug_field="id", required=False, allow_null=True',
        ),
        ({"kind": "StringRelatedField", "text": "place"}, 'source="berth_id", text=lambda row: row.place'),
        (
            {"kind": "PrimaryKeyRelatedField", "read_only": False, "required": True},
            'model_field(Boat, "berth_id", required=True, allow_null=False)',
        ),
    ],
)
def test_fields_that_stand_for_a_row_are_the_librarys(facts: dict[str, Any], code: str) -> None:
    own = field(source="berth", link="many_to_one", changed=None, **DRF, **facts)
    made = feature(LIST | own, CREATE | own)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert code in " ".join(text_of(made, "serializers.py").split())
    # Which rows may be sent is the project's own.
    if not own["serializer"]["fields"][1]["read_only"]:
        narrow = field(source="berth", link="many_to_one", changed=None, narrowed=True, **DRF, **facts)
        assert feature(CREATE | narrow).endpoints[0].gaps == ["field other: takes some rows only"]


def test_rows_within_that_options_describes_otherwise_are_told_of() -> None:
    checked = NAME | {"name": "place", "source": "place", "validators": ["harbour.is_new"], "changed": None}
    checked["class"] = "rest_framework.fields.CharField"
    inner = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [checked]}
    row = {"kind": "BerthSerializer", "source": "berth", "link": "many_to_one", "changed": None, "read_only": True}
    listed, made = feature(LIST | field(serializer=inner, **row), CREATE | field(serializer=inner, **row)).endpoints
    assert (listed.gaps, made.gaps) == ([], [])
    assert "OPTIONS" not in " ".join(listed.remarks)
    assert made.remarks == ["OPTIONS describes rows within otherwise: field place: checked by harbour.is_new"]


@pytest.mark.parametrize("many", [False, True])
def test_rows_that_drf_looks_for_among_some_are_a_gap_of_what_is_taken(many: bool) -> None:
    named = {"source": "berths", "many": True, "link": "many_to_many"} if many else {"source": "berth"}
    named |= {"kind": "PrimaryKeyRelatedField", "changed": {}, "narrowed": True, "read_only": False}
    own = field(**({"link": "many_to_one"} | named))
    gaps = [linked_feature(each | own, linked_contract()).endpoints[0].gaps for each in (LIST, CREATE)]
    assert gaps == [[], ["field other: takes some rows only"]]


def test_one_row_that_a_manager_gives_is_a_gap_but_for_its_key() -> None:
    row = {"source": "berth", "link": "many_to_one", "managed": True, "read_only": True}
    inner = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": []}
    nested = field(kind="BerthSerializer", changed=None, serializer=inner, **row)
    key = field(kind="PrimaryKeyRelatedField", changed={}, **row)
    assert feature(LIST | nested).endpoints[0].gaps == ["field other: rows of berth by a manager of your own"]
    assert feature(LIST | key).endpoints[0].gaps == []


@pytest.mark.parametrize(
    ("whose", "default"), [("always", "CurrentUserDefault()"), ("new", "CreateOnlyDefault(CurrentUserDefault())")]
)
def test_a_hidden_field_of_the_caller_is_a_key_that_no_body_has(whose: str, default: str) -> None:
    hidden = {"kind": "HiddenField", "class": "rest_framework.fields.HiddenField", "changed": None, "write_only": True}
    own = field(**DRF | hidden | {"source": "berth", "default": "callable", "caller_default": whose})
    made = feature(LIST | own, CREATE | own)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert f'"other": HiddenField(default={default}, source="berth_id")' in text_of(made, "serializers.py")
    # A default that is another, or in no foreign key, is what only the project knows.
    for others in ({"caller_default": None}, {"source": "name"}):
        unread = field(**DRF | hidden | {"source": "berth", "default": "callable", "caller_default": whose} | others)
        (gap,) = feature(CREATE | unread).endpoints[0].gaps
        assert gap.startswith("field other: a HiddenField")


@pytest.mark.parametrize(
    ("source", "default", "code"),
    [
        (
            "docked_on",
            "datetime.date.today",
            'callable_of("datetime.date.today", type_name="date", column="boat.docked_on")',
        ),
        ("name", "", '""'),
        ("built_at", None, "None"),
    ],
)
def test_the_models_default_is_that_of_a_field_which_is_unique_with_others(
    source: str, default: str | None, code: str
) -> None:
    def made(value: object) -> FeatureScaffold:
        return feature(CREATE | field(source=source, changed={"default": value}, read_only=False, **DRF))

    assert made(default).endpoints[0].gaps == []
    written = " ".join(text_of(made(default), "serializers.py").split())
    assert f"default={code}" in written.replace("( ", "(").replace(" )", ")").replace(", )", ")")
    assert made("harbour.models.today").endpoints[0].gaps == ["field other: default is another"]


TEXT_CHECKS = ["ProhibitNullCharactersValidator", "ProhibitSurrogateCharactersValidator"]
DECLARED = {"class": "rest_framework.fields.CharField", "changed": None, "source": "name", "read_only": False}
DECLARED |= {"required": True, "validators": TEXT_CHECKS}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": "name"}, "CharField()"),
        ({"name": "name", "write_only": True}, "CharField(write_only=True)"),
        (
            {"required": False, "allow_blank": True, "trim_whitespace": False, "max_length": 9, "label": "Called"}
            | {"validators": [*TEXT_CHECKS, "MaxLengthValidator"]},
            'CharField(required=False, allow_blank=True, trim=False, max_length=9, source="name", label="Called")',
        ),
        ({"required": False, "default": "x", "label": "Other"}, 'CharField(default="x", source="name")'),
        (
            {"kind": "EmailField", "class": "rest_framework.fields.EmailField", "unique_message": "Taken."}
            | {"validators": [*TEXT_CHECKS, "EmailValidator", "UniqueValidator"]},
            'EmailField(source="name", validators=(Unique(Boat, "name", "Taken."),))',
        ),
        (
            {"kind": "DateTimeField", "class": "rest_framework.fields.DateTimeField", "source": "built_at"}
            | {"allow_null": True, "format": "%d.%m.%Y", "validators": []},
            'DateTimeField(allow_null=True, source="built_at", format="%d.%m.%Y"',
        ),
    ],
)
def test_declared_fields_of_a_column_are_the_librarys(facts: dict[str, Any], code: str) -> None:
    own = {"serializer": SERIALIZER | {"fields": [{"name": "other", "kind": "CharField"} | DECLARED | facts]}}
    made = feature(LIST | own, CREATE | own)
    assert [each.gaps for each in made.endpoints] == [[], []]
    assert flat(code) in flat(text_of(made, "serializers.py"))


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        ({"validators": [*TEXT_CHECKS, "function"]}, "checked by function"),
        ({"validators": [*TEXT_CHECKS, "MinLengthValidator"]}, "checked by MinLengthValidator"),
        ({"validators": [*TEXT_CHECKS, "UniqueValidator"]}, "checked by UniqueValidator"),
        ({"default": "callable", "required": False}, "has a default of its own"),
        ({"class": "harbour.api.CharField", "read_only": False}, "a CharField of your own"),
        ({"source": "berth.place"}, "declared by itself"),
        (
            {"kind": "DateTimeField", "class": "rest_framework.fields.DateTimeField", "source": "built_at"}
            | {"validators": [], "zone": "Europe/Berlin"},
            "shown in Europe/Berlin, which the field says",
        ),
    ],
)
def test_declared_fields_that_take_values_otherwise_are_gaps(facts: dict[str, Any], gap: str) -> None:
    made = feature(CREATE | field(**DECLARED | facts))
    assert made.endpoints[0].gaps == [f"field other: {gap}"]


def test_a_declared_field_is_labelled_by_its_own_name() -> None:
    row = {
        "kind": "PrimaryKeyRelatedField",
        "source": "berth",
        "link": "many_to_one",
        "changed": None,
        "required": True,
    }
    own = field(**DRF | row | {"read_only": False, "label": "Other"})
    for verbose_name, label in (("place of it", ', label="Other"'), ("berth", ""), ("", "")):
        boat: dict[str, Any] = dict(TABLES["boat"])
        boat["columns"] = boat["columns"] | {"berth_id": boat["columns"]["berth_id"] | {"verbose_name": verbose_name}}
        contract = Contract.model_validate({"format": 2, "tables": TABLES | {"boat": boat}})
        text = " ".join(text_of(linked_feature(CREATE | own, contract), "serializers.py").split())
        assert f'"other": model_field(Boat, "berth_id", required=True, allow_null=False{label})' in text


def test_own_texts_of_errors_are_written_where_a_value_is_taken() -> None:
    own = {"error_messages": {"blank": 'Say "it".', "max_length": "Up to {max_length}."}}
    changed = {"changed": own, "required": True, "read_only": False, "source": "name", **own}
    text = " ".join(text_of(feature(CREATE | field(**changed)), "serializers.py").split())
    written = """error_messages={"blank": 'Say "it".', "max_length": "Up to {max_length}."}"""
    assert written in text
    row = {"kind": "PrimaryKeyRelatedField", "source": "berth", "link": "many_to_one", "changed": None}
    text = text_of(feature(CREATE | field(**DRF, **row, **own | {"read_only": False})), "serializers.py")
    assert written in " ".join(text.split())
    shown = feature(LIST | field(**changed | {"read_only": True}))
    assert "error_messages" not in text_of(shown, "serializers.py")


def test_addresses_are_below_the_apis_prefix() -> None:
    link = {"kind": "HyperlinkedIdentityField", "source": "*", "lookup": "pk", **DRF}
    made = feature(LIST | field(**link, address="/api/boats/{}/"))
    assert made.endpoints[0].gaps == []
    assert 'HyperlinkedField(path="/boats/{}/", source="id")' in text_of(made, "serializers.py")
    for address in (None, "/elsewhere/{}/"):
        gaps = feature(LIST | field(**link, address=address)).endpoints[0].gaps
        assert gaps == ["field other: a HyperlinkedIdentityField to a path that isn't below the API's prefix"]


def test_addresses_are_taken_where_they_are_of_a_key() -> None:
    link = {"kind": "HyperlinkedRelatedField", "source": "berth", "link": "many_to_one", "address": "/api/berths/{}/"}
    link |= {"required": False, "allow_null": True, "lookup": "pk", "changed": None, **DRF, "read_only": False}
    made = feature(CREATE | field(**link))
    assert made.endpoints[0].gaps == []
    text = " ".join(text_of(made, "serializers.py").split())
    into = 'into=HyperlinkedRelatedField, path="/berths/{}/", required=False, allow_null=True'
    assert f'"other": model_field( Boat, "berth_id", {into}' in text or f'model_field(Boat, "berth_id", {into}' in text
    for changed in ({"narrowed": True}, {"lookup": "place"}, {"class": "harbour.api.LinkField"}):
        assert feature(CREATE | field(**(link | changed))).endpoints[0].gaps != []


def test_rows_that_point_back_and_properties_of_the_model() -> None:
    back = {"link": "one_to_many", "pointing": {"table": "boat", "field": "berth"}, "source": "boats", "many": True}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"narrowed": [], "ordering": []}}
    inner = {"class": "harbour.api.NameSerializer", "table": "boat", "fields": [NAME]}

    def written(**facts: Any) -> FeatureScaffold:
        fields = [{"name": "boats", "read_only": True, "changed": {}, **back, **facts}]
        serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": fields}
        return feature(LIST | berths | {"serializer": serializer})

    link = 'link=one_to_many(Berth, Boat, "berth")'
    rows, keys = written(kind="NameSerializer", serializer=inner), written(kind="PrimaryKeyRelatedField")
    assert f"NestedField(children=BERTH_NAME_SERIALIZER, {link})" in text_of(rows, "serializers.py")
    assert f"PointingKeysField({link})" in text_of(keys, "serializers.py")
    managed = written(kind="PrimaryKeyRelatedField", managed=True)
    assert managed.endpoints[0].gaps == ["field boats: keys of boats by a manager of your own"]
    (gap,) = feature(LIST | field(property="Boat.age", source="age", kind="ReadOnlyField", **DRF)).endpoints[0].gaps
    assert gap.startswith("field other: Boat.age is Python: write it as an SQL expression in `annotations`")


@pytest.mark.parametrize(
    ("facts", "unique", "code", "gaps"),
    [
        ({}, ("place",), 'slug_field="place", required=False', []),
        ({"required": True, "allow_empty": False}, ("place",), 'allow_empty=False, slug_field="place"', []),
        ({"slug_field": "id"}, (), 'slug_field="id"', []),
        ({}, (), "", ["field other: rows are found by place, which isn't unique"]),
        ({"narrowed": True}, ("place",), "", ["field other: takes some rows only"]),
    ],
)
def test_rows_that_are_linked_may_be_named_by_a_column(
    facts: dict[str, Any], unique: tuple[str, ...], code: str, gaps: list[str]
) -> None:
    slugs = {"kind": "SlugRelatedField", "slug_field": "place", "source": "berths", "many": True, "changed": None}
    own = field(link="many_to_many", **(DRF | slugs | {"read_only": False} | facts))
    made = linked_feature(CREATE | own, linked_contract(*unique))
    assert made.endpoints[0].gaps == gaps
    text = " ".join(text_of(made, "serializers.py").split())
    assert 'many_related_field(Boat, "berths"' in text
    assert all(part in text for part in code.split(", "))


COMPUTED = {"code": "name.upper()", "columns": {"name": "name"}}


def test_rows_at_the_other_end_of_a_relation() -> None:
    contract = linked_contract()
    back = {"name": "boats", "source": "boats", "many": True, "read_only": True, "changed": {}, "link": "many_to_many"}
    back["other_end"] = {"table": "boat", "field": "berths"}
    inner = {"class": "harbour.api.NameSerializer", "table": "boat", "fields": [NAME]}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {}}
    link = 'link=many_to_many_from(Berth, Boat, "berths")'
    for facts, code in (
        ({"kind": "NameSerializer", "serializer": inner}, f"NestedField(children=BERTH_NAME_SERIALIZER, {link})"),
        ({"kind": "PrimaryKeyRelatedField"}, f"PointingKeysField({link})"),
        ({"kind": "SlugRelatedField", "slug_field": "name", **DRF}, f'ManySlugRelatedField({link}, slug_field="name")'),
        ({"kind": "StringRelatedField", "text": "name", **DRF}, f'ManySlugRelatedField({link}, slug_field="name")'),
        (
            {"kind": "SlugRelatedField", "slug_field": "title", "computed": COMPUTED, **DRF},
            f'ManyComputedField( {link}, columns=("name",), function=lambda name: name.upper() )',
        ),
    ):
        serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [back | facts]}
        api = DjangoApi.model_validate({"format": 1, "endpoints": [LIST | berths | {"serializer": serializer}]})
        route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
        chosen = [(api.endpoints[0], route)]
        made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=contract)
        assert made.features[0].endpoints[0].gaps == []
        assert code in " ".join(text_of(made.features[0], "serializers.py").split())
        models = {file.path.name: file.text for file in made.files()}["models.py"]
        assert "boat_id: Mapped[int]\n    berth_id: Mapped[int]" in models


def test_several_rows_by_their_text_are_read_and_written_by_nobody() -> None:
    boats = {"name": "boats", "kind": "StringRelatedField", "source": "boats", "many": True, "text": "name", **DRF}
    boats |= {"link": "one_to_many", "pointing": {"table": "boat", "field": "berth"}}
    serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [boats]}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"narrowed": [], "ordering": []}}
    read, written = feature(
        LIST | berths | {"serializer": serializer}, CREATE | berths | {"serializer": serializer}
    ).endpoints
    assert read.gaps == []
    assert "field boats: no text names a row, so Django fails with 500" in written.gaps


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        (None, "field boats: shown by a __str__ of your own"),
        ("id", "field boats: shown by id, which may be no text"),
        ("built_at", "field boats: shown by built_at, which may be no text"),
    ],
)
def test_rows_that_no_column_is_the_text_of_are_a_gap(text: str | None, gap: str) -> None:
    boats = {"name": "boats", "kind": "StringRelatedField", "source": "boats", "many": True, "read_only": True, **DRF}
    boats |= {"link": "one_to_many", "pointing": {"table": "boat", "field": "berth"}, "text": text}
    serializer = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [boats]}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"narrowed": [], "ordering": []}}
    assert feature(LIST | berths | {"serializer": serializer}).endpoints[0].gaps == [gap]


def test_rows_that_a_method_shows_are_rows_within_or_a_function_where_they_have_gaps() -> None:
    place = {"name": "place", "kind": "CharField", "source": "place", "read_only": True, "changed": {}}
    inner = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [place]}
    shown = {"name": "at", "kind": "SerializerMethodField", "method": "get_at", "read_only": True, "source": "berth"}
    shown |= {"link": "many_to_one", "serializer": inner}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, shown]}})
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], [])
    written = " ".join(text_of(made, "serializers.py").split())
    assert 'children=BOAT_BERTH_SERIALIZER, link=foreign_key(Boat, "berth"), allow_null=True, by_method=True' in written
    own = shown | {"serializer": inner | {"overridden": ["to_representation"]}}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, own]}})
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], ["field at: computed by get_at"])


def test_what_a_method_makes_of_columns_is_a_function_of_them() -> None:
    value = {"code": "f'{name} ({berth__place})'", "columns": {"name": "name", "berth__place": "berth__place"}}
    shown = {"name": "shown", "kind": "SerializerMethodField", "method": "get_shown", "read_only": True}
    serializer = SERIALIZER | {"fields": [NAME, shown | {"computed": value}]}
    text = text_of(feature(LIST | {"serializer": serializer}), "serializers.py")
    assert 'columns=("name", "berth__place")' in text
    assert 'function=lambda name, berth__place: f"{name} ({berth__place})"' in text
    long = value | {"code": " + ".join(["name"] * 20)}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, shown | {"computed": long}]}})
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], [])
    text = text_of(made, "serializers.py")
    assert "\n\n\ndef boat_shown(name: Any, berth__place: Any) -> Any:\n" in text
    assert f"    return (\n        {long['code']}\n    )\n" in text
    assert 'columns=("name", "berth__place"), function=boat_shown)' in " ".join(text.split())
    compile(text, "serializers.py", "exec")


def test_a_label_that_the_project_gave_is_written_even_if_it_is_the_fields_name() -> None:
    shown = {"name": "full_name", "kind": "SerializerMethodField", "method": "get_full_name", "read_only": True}

    def written(**facts: Any) -> str:
        made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, shown | facts]}})
        return text_of(made, "serializers.py")

    assert 'label="Full name"' in written(label="Full name", labelled=True)
    assert "label=" not in written(label="Full name", labelled=False)
    assert 'label="Whole name"' in written(label="Whole name")


def test_what_is_unique_together_is_a_rule_of_the_serializer() -> None:
    rule = {
        "fields": [("name", "name"), ("berth", "berth")],
        "message": "The fields {field_names} must make a unique set.",
    }
    text = text_of(feature(LIST | {"serializer": SERIALIZER | {"unique_together": [rule]}}), "serializers.py")
    assert 'rules=(UniqueTogetherValidator(Boat, ("name", "berth_id"), keys=("name", "berth")),)' in text


def test_what_rows_within_lack_is_described_and_never_shown() -> None:
    free = {"name": "free", "kind": "IntegerField", "class": "rest_framework.fields.IntegerField", "source": "free"}
    free |= {"read_only": True, "lacking": True}

    def berth_of(**facts: Any) -> dict[str, Any]:
        inner = {"class": "harbour.api.BerthSerializer", "table": "berth", "fields": [free | facts]}
        berth = {"name": "berth", "kind": "BerthSerializer", "source": "berth", "link": "many_to_one"}
        return SERIALIZER | {"fields": [NAME, berth | {"read_only": True, "serializer": inner}]}

    made = feature(LIST | {"serializer": berth_of()})
    assert made.endpoints[0].gaps == []
    assert '"free": ReadOnlyField(type="integer", write_only=True)' in text_of(made, "serializers.py")
    gap = "field berth: its serializer has gaps (field free: harbour.Berth has no column free)"
    for otherwise in ({"lacking": False}, {"allow_null": True}, {"default": 1}, {"read_only": False}):
        assert feature(LIST | {"serializer": berth_of(**otherwise)}).endpoints[0].gaps == [gap]
    # A list may be of rows that a queryset annotates.
    alone = SERIALIZER | {"fields": [NAME, free]}
    assert feature(LIST | {"serializer": alone}).endpoints[0].gaps == ["field free: harbour.Boat has no column free"]


@pytest.mark.parametrize("as_dict", [True, False])
def test_errors_of_a_list_have_the_projects_form(as_dict: bool) -> None:
    boats = {"name": "boats", "kind": "BoatSerializer", "source": "boats", "many": True, "serializer": SERIALIZER}
    boats |= {"link": "one_to_many", "pointing": {"table": "boat", "field": "berth"}, "errors_as_dict": as_dict}
    serializer = {"class": "harbour.api.BerthSerializer", "model": "harbour.Berth", "table": "berth"}
    serializer |= {"fields": [NAME | {"name": "place", "source": "place"}, boats], "overridden": ["create"]}
    berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "serializer": serializer, "queryset": {}}
    text = text_of(feature(CREATE | berths), "serializers.py")
    assert ("errors_as_dict=False" in text) is not as_dict
    assert "read_only=False" in text


def test_rows_within_a_body_are_read_where_the_project_saves_them() -> None:
    rule = {"fields": [("place", "place"), ("id", "id")], "message": "…"}
    inner = {"class": "harbour.api.BerthSerializer", "model": "harbour.Berth", "table": "berth"}
    inner |= {"fields": [NAME | {"name": "place", "source": "place"}], "unique_together": [rule]}
    berth = {"name": "berth", "kind": "BerthSerializer", "source": "berth", "link": "many_to_one", "serializer": inner}
    serializer = SERIALIZER | {"fields": [NAME, berth]}
    refused = feature(CREATE | {"serializer": serializer})
    gap = "field berth: rows within are written, which DRF refuses, so Django fails with 500"
    assert refused.endpoints[0].gaps == [gap]
    own = {"serializer": serializer | {"overridden": ["create", "update"]}}
    put = {"method": "PUT", "action": "update", "path": "/api/boats/{pk}/", "overridden": ["perform_update"]}
    made = feature(LIST | own, CREATE | own, LIST | own | put)
    create, update = "serializer Boat: create is your own", "Boats.perform_update is your own"
    assert [(each.gaps, each.functions) for each in made.endpoints] == [
        ([], []),
        ([], [create]),
        ([], [update, "serializer Boat: update is your own"]),
    ]
    serializers, service = text_of(made, "serializers.py"), text_of(made, "service.py")
    assert 'link=foreign_key(Boat, "berth"), read_only=False, required=False' in serializers
    assert 'rules=(UniqueTogetherValidator(Berth, ("place", "id")' in serializers
    assert "perform_create=boats_create" in serializers
    assert f'@unported("{create}")\nasync def boats_create(' in service
    assert f'@unported("{update}; serializer Boat: update is your own")\nasync def boats_update(' in service
    assert 'gaps=BOATS.unported("create")' in text_of(made, "router.py")
    library = own["serializer"] | {"nested_writes": ["create"]}
    theirs = feature(CREATE | {"serializer": library}).endpoints[0].functions
    assert theirs == ["serializer Boat: create is that of drf-writable-nested"]
    # What of them is checked by code of the project's own is a gap, as of any body.
    checked = berth | {"serializer": inner | {"overridden": ["validate", "create"]}, "default": []}
    made = feature(CREATE | {"serializer": SERIALIZER | {"fields": [NAME, checked], "overridden": ["create"]}})
    gaps = ["serializer Berth: validate is your own", "has a default of its own"]
    assert made.endpoints[0].gaps == [f"field berth: {gap}" for gap in gaps]


def test_what_rows_behind_a_foreign_key_lack_is_left_out() -> None:
    shown = {"name": "tide", "kind": "ReadOnlyField", "class": "rest_framework.fields.ReadOnlyField", "read_only": True}
    shown |= {"source": "berth.tide", "lacking": True}
    made = feature(LIST | {"serializer": SERIALIZER | {"fields": [NAME, shown]}})
    assert made.endpoints[0].gaps == []
    assert '"tide": ReadOnlyField(type="field", write_only=True)' in text_of(made, "serializers.py")


def test_numbers_of_rows_are_what_a_function_is_given_behind_the_columns() -> None:
    counts = {"berths_count": {"source": "berths", "link": "many_to_many"}}
    value = {"code": "f'{name}: {berths_count}'", "columns": {"name": "name"}, "counts": counts}
    shown = {"name": "shown", "kind": "SerializerMethodField", "method": "get_shown", "read_only": True}
    serializer = SERIALIZER | {"fields": [NAME, shown | {"computed": value}]}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [LIST | {"serializer": serializer}]})
    route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
    chosen = [(api.endpoints[0], route)]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=linked_contract())
    text = text_of(made.features[0], "serializers.py")
    assert 'columns=("name", many_to_many(Boat, "berths"))' in text
    assert 'function=lambda name, berths_count: f"{name}: {berths_count}"' in text
