"""Columns of other kinds than most: arrays, and classes of fields of a project's own."""

from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from tests.unit.strangler.adoption.scaffold.harbour import (
    CREATE,
    LIST,
    NAME,
    SERIALIZER,
    TABLES,
    feature,
    linked_feature,
    text_of,
)


def own_column(**facts: Any) -> Contract:
    """Boats whose names are of a class of fields of the project's own."""
    columns = TABLES["boat"]["columns"]
    boat = TABLES["boat"] | {"columns": columns | {"name": columns["name"] | facts}}
    return Contract.model_validate({"format": 2, "tables": TABLES | {"boat": boat}})


def test_values_that_python_makes_of_a_column_are_a_gap() -> None:
    read, written = own_column(read_by=["harbour.Shout.read"]), own_column(written_by=["harbour.Shout.write"])
    made = "values of harbour.Boat.name are made by harbour.Shout.read"
    assert linked_feature(LIST, read).endpoints[0].gaps == [f"field name: {made}"]
    year = {"name": "year", "kind": "IntegerField", "source": "year", "changed": {}, "read_only": True}
    (ordered,) = linked_feature(LIST | {"serializer": SERIALIZER | {"fields": [year]}}, read).endpoints
    assert made in " ".join(ordered.gaps)
    assert [linked_feature(each, written).endpoints[0].gaps for each in (LIST, CREATE)] == [
        [],
        ["field name: written by harbour.Shout.write"],
    ]
    parameter = {"name": "name", "kind": "CharFilter", "field": "name", "lookup": "exact"}
    filtered = LIST | {"filters": {"filterset": {"parameters": [parameter]}, "search": {"fields": ["name"]}}}
    filtered["filters"]["search"]["parameter"] = "search"
    compared = "values of name are compared by harbour.Shout.write"
    (listed,) = linked_feature(filtered, written).endpoints
    assert (listed.gaps, listed.limits) == ([], [f"filter name: {compared}", f"?search=: {compared}"])
    declared = NAME | {"class": "rest_framework.fields.CharField", "changed": None}
    (made,) = linked_feature(CREATE | {"serializer": SERIALIZER | {"fields": [declared]}}, written).endpoints
    assert made.gaps == ["field name: written by harbour.Shout.write"]


def test_a_field_of_a_class_that_drf_does_not_know_is_a_gap() -> None:
    unknown = NAME | {"kind": "ModelField", "class": "rest_framework.fields.ModelField", "changed": None}
    (made,) = feature(LIST | {"serializer": SERIALIZER | {"fields": [unknown]}}).endpoints
    assert made.gaps == ["field name: a ModelField of a CharField"]


@pytest.mark.parametrize(
    ("kind", "type_name"),
    [("HStoreField", "hstore"), ("IntegerRangeField", "int4range"), ("DateRangeField", "daterange")],
)
def test_hstore_and_ranges_are_written_and_not_compared(kind: str, type_name: str) -> None:
    contract = own_column(kind=kind, type=type_name)
    field = NAME | {"kind": "HStoreField" if kind == "HStoreField" else "ModelField"}
    parameter = {"name": "x", "kind": "CharFilter", "field": "name", "lookup": "icontains"}
    given = {"filters": {"filterset": {"parameters": [parameter]}}, "serializer": SERIALIZER | {"fields": [field]}}
    given |= {"queryset": {"narrowed": [], "ordering": ["id"]}}
    made = [linked_feature(each | given, contract) for each in (LIST, CREATE)]
    assert [each.endpoints[0].gaps for each in made] == [[], []]
    assert 'model_fields(Boat, "name")' in text_of(made[1], "serializers.py")
    assert made[0].endpoints[0].limits == [f"filter x: a value is compared with a {kind} by icontains"]


def test_what_code_makes_of_a_range_is_left_to_write() -> None:
    value = {"code": "str(name)", "columns": {"name": "name"}}
    field = NAME | {"kind": "SerializerMethodField", "read_only": True, "changed": None, "computed": value}
    field |= {"source": "*", "method": "get_name"}
    found = [
        linked_feature(LIST | {"serializer": SERIALIZER | {"fields": [field]}}, own_column(kind=kind))
        .endpoints[0]
        .functions
        for kind in ("CharField", "DateRangeField")
    ]
    assert found == [[], ["field name: computed by get_name"]]


def test_a_default_of_the_project_that_no_body_gives_is_a_gap_of_new_rows() -> None:
    contract = own_column(read_only=True, default_callable="harbour.new_name")
    shown = {"serializer": SERIALIZER | {"fields": [NAME | {"read_only": True}]}}
    update = LIST | {"method": "PATCH", "action": "partial_update"}
    found = [linked_feature(each | shown, contract).endpoints[0].gaps for each in (LIST, CREATE, update)]
    assert found == [[], ["column name: its default is harbour.new_name"], []]
    # A field of such a class gives each saved row a value.
    contract = own_column(read_only=True, default_callable="harbour.Slug.pre_save")
    boat = contract.tables["boat"].model_copy(update={"receivers": ("pre_save harbour.Slug.pre_save",)})
    contract = contract.model_copy(update={"tables": {**contract.tables, "boat": boat}})
    made = [linked_feature(each | shown, contract).endpoints[0] for each in (LIST, CREATE, update)]
    effect = ["signal pre_save harbour.Slug.pre_save"]
    assert [(each.gaps, each.functions) for each in made] == [([], []), ([], effect), ([], effect)]


TEXTS: dict[str, Any] = {"field": "tags", "kind": "CharField", "type": "text", "null": False, "default": ""}
ARRAY: dict[str, Any] = {"kind": "ArrayField", "type": "character varying(9)[]", "default_callable": "builtins.list"}
TAGS = NAME | {"kind": "CharField", "many": True, "class": "rest_framework.fields.CharField"}


def array_gaps(items: dict[str, Any], field: dict[str, Any]) -> list[list[str]]:
    """The gaps of what shows and of what takes an array of such values."""
    contract = own_column(**ARRAY, items=TEXTS | items)
    given = {"queryset": {"narrowed": [], "ordering": ["id"]}}
    given |= {"serializer": SERIALIZER | {"fields": [TAGS | field]}}
    made = [linked_feature(each | given, contract) for each in (LIST, CREATE)]
    assert 'Boat, "name"' in text_of(made[0], "serializers.py") or made[0].endpoints[0].gaps
    return [each.endpoints[0].gaps for each in made]


@pytest.mark.parametrize(
    ("items", "field", "gaps"),
    [
        ({}, {}, [[], []]),
        ({"kind": "ArrayField", "items": TEXTS}, {}, [[], []]),
        ({"choices": ["a"]}, {}, [[], []]),
        ({"kind": "DateTimeField", "type": "timestamp with time zone"}, {"format": "iso-8601"}, [[], []]),
        (
            {"kind": "DateField", "type": "date"},
            {"format": "%d.%m."},
            [["field name: an array of DateField, shown otherwise than usual"]] * 2,
        ),
        ({"kind": "JSONField", "type": "jsonb"}, {}, [["field name: an array of JSONField"]] * 2),
        ({"validators": [{"name": "harbour.even"}]}, {}, [[], ["field name: checked by harbour.even"]]),
        ({}, {"changed": {"child": "other"}}, [[], ["field name: child is another"]]),
    ],
)
def test_an_array_is_a_list_of_the_fields_of_its_values(
    items: dict[str, Any], field: dict[str, Any], gaps: list[list[str]]
) -> None:
    assert array_gaps(items, field) == gaps


def test_an_array_is_compared_by_its_text_alone() -> None:
    contract = own_column(**ARRAY, items=TEXTS)
    parameters = [
        {"name": lookup, "kind": "CharFilter", "field": "name", "lookup": lookup}
        for lookup in ("icontains", "contains", "exact")
    ]
    filters = {"filterset": {"parameters": parameters}, "search": {"parameter": "search", "fields": ["name"]}}
    given = LIST | {"filters": filters, "serializer": SERIALIZER | {"fields": [TAGS]}}
    made = linked_feature(given, contract)
    why = "a value is compared with a ArrayField by"
    searched = {"search": {"parameter": "search", "fields": ["@name"]}}
    assert linked_feature(given | {"filters": searched}, contract).endpoints[0].limits == [f"?search=: {why} search"]
    assert made.endpoints[0].limits == [f"filter {name}: {why} {name}" for name in ("contains", "exact")]
    assert 'column_filter(lambda: Boat.name, TEXT, "icontains")' in text_of(made, "serializers.py")


@pytest.mark.parametrize(
    ("items", "parameter", "code"),
    [
        ({}, {"lookup": "overlap", "items": "CharFilter"}, 'array_filter(lambda: Boat.name, TEXT, "overlap")'),
        ({}, {"items": "Filter", "exclude": True}, "array_filter(lambda: Boat.name, SENT_TEXT, exclude=True)"),
        (
            {"kind": "IntegerField", "type": "integer"},
            {"lookup": "contains", "items": "NumberFilter"},
            'array_filter(lambda: Boat.name, NUMBER, "contains")',
        ),
        ({}, {"kind": "NumberFilter", "lookup": "len"}, "column_filter(lambda: array_size(Boat.name), NUMBER)"),
        (
            {},
            {"kind": "NumberFilter", "lookup": "len__gte"},
            'column_filter(lambda: array_size(Boat.name), NUMBER, "gte")',
        ),
        ({}, {"kind": "NumberFilter", "lookup": "len__in"}, None),
        ({}, {"kind": "CharFilter", "lookup": "overlap"}, None),
        ({"kind": "DateField", "type": "date"}, {"lookup": "overlap", "items": "CharFilter"}, None),
    ],
)
def test_an_array_is_narrowed_by_values_with_commas(
    items: dict[str, Any], parameter: dict[str, Any], code: str | None
) -> None:
    contract = own_column(**ARRAY, items=TEXTS | items)
    named = {"name": "x", "kind": "Texts", "field": "name"} | parameter
    given = LIST | {"filters": {"filterset": {"parameters": [named]}}, "serializer": SERIALIZER | {"fields": [TAGS]}}
    made = linked_feature(given, contract)
    if code is None:
        assert made.endpoints[0].limits == [f"filter x: a value is compared with a ArrayField by {parameter['lookup']}"]
    else:
        assert (made.endpoints[0].limits, code in text_of(made, "serializers.py")) == ([], True)


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ({}, 'json_filter(lambda: json_value(Boat.name, "colour"), TEXT)'),
        ({"lookup": "contains"}, 'json_filter(lambda: json_value(Boat.name, "colour"), TEXT, "contains")'),
        (
            {"field": "name__maker__Name", "lookup": "icontains"},
            'column_filter(lambda: json_text(Boat.name, "maker", "Name"), TEXT, "icontains")',
        ),
        ({"kind": "BooleanFilter"}, 'json_filter(lambda: json_value(Boat.name, "colour"), TRUE_OR_FALSE)'),
        (
            {"kind": "BooleanFilter", "lookup": "isnull"},
            'column_filter(lambda: json_value(Boat.name, "colour"), TEXT, "isnull")',
        ),
        ({"kind": "NumberFilter"}, None),
        ({"exclude": True}, None),
        ({"lookup": "in", "items": "CharFilter"}, None),
        ({"field": "name__0"}, None),
    ],
)
def test_what_json_holds_under_a_key_is_compared(parameter: dict[str, Any], code: str | None) -> None:
    contract = own_column(kind="JSONField", type="jsonb")
    named = {"name": "x", "kind": "CharFilter", "field": "name__colour", "lookup": "exact"} | parameter
    given = LIST | {"filters": {"filterset": {"parameters": [named]}}, "queryset": {"narrowed": [], "ordering": ["id"]}}
    made = linked_feature(given | {"serializer": SERIALIZER | {"fields": [NAME | {"kind": "JSONField"}]}}, contract)
    if code is None:
        gap = f"filter x: a {named['kind']} of {named['field']} by {named['lookup']}"
        assert made.endpoints[0].limits == [gap]
    else:
        assert (made.endpoints[0].limits, code in text_of(made, "serializers.py")) == ([], True)


def test_a_boolean_of_another_widget_is_not_compared_with_json() -> None:
    contract = own_column(kind="JSONField", type="jsonb")
    named = {"name": "x", "kind": "BooleanFilter", "field": "name__lit", "settings": ["NullBooleanSelect"]}
    given = LIST | {"filters": {"filterset": {"parameters": [named]}}, "queryset": {"narrowed": [], "ordering": ["id"]}}
    made = linked_feature(given | {"serializer": SERIALIZER | {"fields": [NAME | {"kind": "JSONField"}]}}, contract)
    assert made.endpoints[0].limits == ["filter x: name is no foreign key"]


def list_of(child: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """A ListField that a serializer declares."""
    inner = {
        "name": "",
        "kind": "CharField",
        "source": "",
        "required": True,
        "class": "rest_framework.fields.CharField",
    }
    made = TAGS | {"changed": None, "child": inner | (child or {})}
    return made | facts


@pytest.mark.parametrize(
    ("column", "field", "code", "gaps"),
    [
        ({}, list_of(), "ListField(child=CharField())", []),
        (
            {},
            list_of({"max_length": 3, "validators": ["MaxLengthValidator"]}, required=False, allow_empty=False),
            "ListField(child=CharField(max_length=3), required=False, allow_empty=False)",
            [],
        ),
        (
            # PostgreSQL would shorten a longer one.
            {"items": TEXTS | {"max_length": 9}},
            list_of(),
            "ListField(child=CharField(validators=(at_most(9),)))",
            [],
        ),
        (
            {"items": TEXTS | {"max_length": 9}},
            list_of({"max_length": 9, "validators": ["MaxLengthValidator"]}),
            "ListField(child=CharField(max_length=9))",
            [],
        ),
        ({}, list_of(read_only=True), "ListField(child=CharField(), read_only=True)", []),
        (
            {"kind": "JSONField", "type": "jsonb", "items": None},
            list_of({"kind": "IntegerField", "class": "rest_framework.fields.IntegerField"}, default=[]),
            "ListField(child=IntegerField(), default=[])",
            [],
        ),
        (
            {"kind": "JSONField", "type": "jsonb", "items": None},
            list_of(list_of() | {"name": "", "source": ""}),
            "ListField(child=ListField(child=CharField()))",
            [],
        ),
        (
            {},
            list_of({"validators": ["Own"]}),
            "ListField(child=CharField(), read_only=True)",
            ["field name: checked by Own"],
        ),
        ({}, list_of(default="callable"), "read_only=True", ["field name: has a default of its own"]),
        ({}, list_of(default="callable", empty_default=True), "ListField(child=CharField(), default=list)", []),
        (
            {},
            list_of({"kind": "IntegerField", "class": "rest_framework.fields.IntegerField"}),
            "",
            ["field name: a list of IntegerField of a CharField"],
        ),
        ({}, list_of({"class": "harbour.Own"}), "", ["field name: a list of CharField of a CharField"]),
        ({"kind": "TextField", "items": None}, list_of(), "", ["field name: a ListField of a TextField"]),
    ],
)
def test_a_list_that_is_declared_is_written_as_it_is_declared(
    column: dict[str, Any], field: dict[str, Any], code: str, gaps: list[str]
) -> None:
    contract = own_column(**ARRAY | {"items": TEXTS} | column)
    given = {"queryset": {"narrowed": [], "ordering": ["id"]}, "serializer": SERIALIZER | {"fields": [field]}}
    shown, taken = (linked_feature(each | given, contract) for each in (LIST, CREATE))
    assert shown.endpoints[0].gaps == ([] if code else gaps)
    if field.get("read_only"):
        assert taken.endpoints[0].gaps == []
    else:
        assert taken.endpoints[0].gaps == gaps
    assert code in " ".join(text_of(shown, "serializers.py").split()).replace("( ", "(").replace(", )", ")")
