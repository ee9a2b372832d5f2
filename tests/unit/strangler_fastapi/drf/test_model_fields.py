"""A field made of a column takes, refuses and describes as the one that DRF's ModelSerializer makes of the model's."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.core import validators
from django.db import models
from django.http import QueryDict
from django.test.utils import isolate_apps
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.metadata import SimpleMetadata
from sqlalchemy.ext.asyncio import AsyncSession

from shared_schema.contract.callables import callable_register
from shared_schema.contract.contract import Contract
from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField, Scope
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.fields.model_validators import validator_register
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.languages import Untranslated
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Unique
from strangler_fastapi.errors import ValidationFailed

VALIDATORS = "django.core.validators."
SCOPE = Scope(session=cast("AsyncSession", None))

with isolate_apps("django_app.blog"):

    class Thing(models.Model):
        title = models.CharField("title on the cover", max_length=8)
        nickname = models.CharField(max_length=5, blank=True)
        card = models.CharField(max_length=6, null=True, validators=[validators.MinLengthValidator(3)])  # noqa: DJ001 - a project may
        code = models.CharField(max_length=9, validators=[validators.RegexValidator("^[a-z]+$", "Small letters only.")])
        remark = models.TextField(null=True, blank=True)  # noqa: DJ001 - the same
        email = models.EmailField(blank=True)
        condition = models.CharField(max_length=4, choices=[("new", "new"), ("worn", "worn")], default="new")
        audience = models.PositiveSmallIntegerField(choices=[(0, "0"), (12, "12")], null=True)
        pages = models.PositiveIntegerField()
        rank = models.SmallIntegerField(
            default=1, validators=[validators.MinValueValidator(-1), validators.MaxValueValidator(9)]
        )
        sold = models.BooleanField(default=False)
        known = models.BooleanField(null=True)
        made_at = models.DateTimeField(auto_now_add=True)
        price = models.DecimalField(max_digits=5, decimal_places=2, validators=[validators.MinValueValidator(-1)])
        fee = models.DecimalField(max_digits=4, decimal_places=4, null=True, blank=True)
        weight = models.FloatField(default=1.0, validators=[validators.MaxValueValidator(99)])
        number = models.UUIDField(null=True)
        packed_on = models.DateField(null=True)
        packed_at = models.DateTimeField()
        opened = models.TimeField(blank=True, null=True)
        slug = models.SlugField(blank=True)
        wide_slug = models.SlugField(allow_unicode=True, default="a")
        notes = models.JSONField(default=dict)
        more_notes = models.JSONField(null=True)
        blurb = models.TextField(
            blank=True,
            validators=[validators.MaxLengthValidator(3), validators.MinLengthValidator(2, "Only %(show_value)d.")],
        )
        motto = models.TextField(default="a", validators=[validators.MinLengthValidator(1)])
        born_on = models.DateField(null=True, validators=[validators.MinValueValidator(date(2026, 1, 4))])
        due_on = models.DateField(null=True, validators=[validators.MaxValueValidator(date.today)])
        seen_at = models.DateTimeField(
            null=True, validators=[validators.MaxValueValidator(datetime(2026, 1, 3, 8, tzinfo=UTC), "Too late.")]
        )
        opens = models.TimeField(null=True, validators=[validators.MaxValueValidator(time(9, 30))])
        span = models.DurationField(
            null=True,
            validators=[validators.MinValueValidator(timedelta(0)), validators.MaxValueValidator(timedelta(hours=1))],
        )
        grade = models.IntegerField(
            choices=[(0, "0"), (9, "9")], null=True, validators=[validators.MinValueValidator(5)]
        )
        size = models.DecimalField(max_digits=3, decimal_places=1, choices=[(Decimal("1.5"), "1.5")], null=True)

        class Meta:
            app_label = "blog"

        def __str__(self) -> str:
            return self.title


class ThingSerializer(serializers.ModelSerializer[Thing]):
    class Meta:
        model = Thing
        fields = "__all__"


class Stock(Reflected):
    __mapping__ = Mapping()
    __tablename__ = "blog_thing"


FACTS = json.loads(json.dumps(table_facts(Thing, Sql("default"))))
CONTRACT = Contract.model_validate({"format": 2, "tables": {"blog_thing": FACTS}})
NAMES = [*ThingSerializer().fields]
JSON = ("notes", "more_notes")
THING = Serializer("Thing", {name: model_field(Stock, name, contract=CONTRACT) for name in NAMES})

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-40000, 40000)
    # Without NUL, which DRF lets into JSON, and PostgreSQL refuses: a 500 there.
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
    | st.sampled_from(
        ["", " ", "new", "worn", "lost", "12", 12, 0, "0", "1.0", "1.5", "a@b.de", "null", "abc", -1, 9, 10]
    )
    | st.lists(st.integers(), max_size=1)
    | st.floats()
    | st.sampled_from(["1.234", "123.4", "1e2", "-2", "1e400", "0.0001", "nan", " 1.5 ", 1e2, 10**400])
    | st.sampled_from(["2026-02-29", "2026-1-3", "2026-01-03T10:00", "10:5", "10:05:00.1+02:00", "25:00", "20260103"])
    | st.sampled_from(["2026-01-03T10:00:00+02:00", "0001-01-01T00:00:00+10:00", "2026-01-03 1:2:3.5Z"])
    | st.sampled_from(
        [
            str(UUID(int=7)),
            UUID(int=7).hex,
            "urn:uuid:" + str(UUID(int=7)),
            "{}",
            '[1, "a"]',
            "{",
            "a-b",
            "é_1",
            "a b",
            str(UUID(int=7)),
        ]
    )
)
FORM_VALUES = ["", "new", "1", "null", "{}", "[NaN]"]
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES))
WHOLE = {"title": "a", "card": "abc", "code": "abc", "pages": 1, "price": "1", "packed_at": "2026-01-01T00:00:00Z"}


def drf_answer(data: Any) -> Any:
    serializer = ThingSerializer(data=data)
    if serializer.is_valid():
        return dict(serializer.validated_data)
    return {"errors": json.loads(json.dumps(serializer.errors))}


async def answer(data: Any) -> Any:
    try:
        return await THING.validate(data, SCOPE)
    except ValidationFailed as error:
        return {"errors": error.body}


def test_options_describes_them_alike() -> None:
    theirs = SimpleMetadata().get_serializer_info(ThingSerializer())
    assert json.dumps(THING.describe(), default=str) == json.dumps(theirs, default=str)


@given(data=BODIES)
@example(data={})
@example(data=WHOLE)
@example(data=WHOLE | {"pages": 2**31})
@example(data=WHOLE | {"pages": "9" * 1001, "price": "9" * 1001, "weight": "9" * 1001})
@example(data=dict.fromkeys(NAMES, True))
@example(data={name: [float("inf")] for name in NAMES})
@example(data={name: "\0" for name in NAMES if name not in JSON})
@example(data=dict.fromkeys(NAMES, "0001-01-01T00:00:00+10:00"))
@example(data=WHOLE | {"weight": 1e30, "price": "-2", "fee": "0.00001", "slug": "é", "wide_slug": "é b"})
async def test_json_is_taken_or_refused_alike(data: dict[str, Any]) -> None:
    assert await answer(data) == drf_answer(data)
    assert await answer(WHOLE | data) == drf_answer(WHOLE | data)


@given(
    pairs=st.dictionaries(
        st.sampled_from(NAMES), st.text(max_size=4) | st.sampled_from(["", "new", "1", "null", "{}", "[NaN]"])
    )
)
@example(pairs=dict.fromkeys(NAMES, ""))
async def test_forms_are_too(pairs: dict[str, str]) -> None:
    form = QueryDict(mutable=True)
    form.update(pairs)
    assert await answer(Form(list(pairs.items()))) == drf_answer(form)


FILES = {
    "storage": {
        "name": "django.core.files.storage.filesystem.FileSystemStorage",
        "location": "/srv/files",
        "base_url": "/f/",
    },
    "upload_to": "scans",
    "time_zone": "UTC",
}


def facts(**changed: Any) -> Contract:
    column = {"field": "code", "kind": "CharField", "type": "text", "null": False} | changed
    table = {"name": "blog_thing", "model": "blog.Thing", "columns": {"code": column}}
    return Contract.model_validate({"format": 2, "tables": {"blog_thing": table}})


def test_a_unique_column_says_what_django_says() -> None:
    field = model_field(Stock, "code", contract=facts(unique=True, unique_message="Somebody has that."))
    (rule,) = field.validators
    assert isinstance(rule, Unique)
    assert (rule.column, rule.message) == ("code", "Somebody has that.")


async def test_a_column_that_is_not_editable_takes_no_value() -> None:
    serializer = Serializer("Thing", {"code": model_field(Stock, "code", contract=facts(read_only=True))})
    assert await serializer.validate({"code": "chosen"}, SCOPE) == {}
    taken = Serializer("Thing", {"code": model_field(Stock, "code", contract=facts(read_only=True), read_only=False)})
    assert await taken.validate({"code": "chosen"}, SCOPE) == {"code": "chosen"}


def test_a_check_that_nobody_knows_is_named_at_the_start() -> None:
    contract = facts(validators=[{"name": "shop.models.validate_code", "arguments": {"length": 4}}])
    with pytest.raises(LookupError) as raised:
        model_field(Stock, "code", contract=contract)
    assert str(raised.value) == (
        "Column blog_thing.code is checked by shop.models.validate_code, which has no counterpart here: register"
        ' one, `validator_register("shop.models.validate_code", …)` of strangler_fastapi.drf.fields.model_validators.'
    )
    # Nobody sends what is shown alone.
    own = [{"name": "shop.models.validate_scan", "arguments": {}}]
    shown = facts(validators=own, kind="FileField", max_length=100, file=FILES)
    assert model_field(Stock, "code", contract=shown, read_only=True).validators == ()
    seen = []

    async def check(value: Any, scope: Scope) -> None: ...

    validator_register("shop.models.validate_code", lambda given: seen.append(given) or check)
    assert model_field(Stock, "code", contract=contract).validators == (check,)
    assert seen == [{"length": 4}]


async def test_a_limit_that_a_function_of_the_projects_says_is_asked_for_each_time() -> None:
    limit = {"name": f"{VALIDATORS}MaxValueValidator", "arguments": {"limit_value": {"callable": "shop.models.year"}}}
    contract = facts(kind="IntegerField", type="integer", validators=[limit])
    with pytest.raises(LookupError, match=r'limited by what shop\.models\.year returns.*`callable_register\("shop'):
        model_field(Stock, "code", contract=contract)
    years = iter([2026, 2027, 2027])
    callable_register("shop.models.year", lambda: next(years))
    serializer = Serializer("Thing", {"code": model_field(Stock, "code", contract=contract)})
    for year in (2026, 2027):
        with pytest.raises(ValidationFailed) as raised:
            await serializer.validate({"code": year + 1}, SCOPE)
        assert raised.value.body == {"code": [f"Ensure this value is less than or equal to {year}."]}
    assert await serializer.validate({"code": 2027}, SCOPE) == {"code": 2027}


async def test_a_length_that_a_function_says_is_held() -> None:
    limit = {"name": f"{VALIDATORS}MinLengthValidator", "arguments": {"limit_value": {"callable": "shop.models.least"}}}
    callable_register("shop.models.least", lambda: 3)
    serializer = Serializer("Thing", {"code": model_field(Stock, "code", contract=facts(validators=[limit]))})
    with pytest.raises(ValidationFailed) as raised:
        await serializer.validate({"code": "ab"}, SCOPE)
    assert raised.value.body == {"code": ["Ensure this field has at least 3 characters."]}
    assert await serializer.validate({"code": "abc"}, SCOPE) == {"code": "abc"}


@pytest.mark.parametrize("first", [5, {"callable": "shop.models.five"}])
@pytest.mark.parametrize("second", [2, {"callable": "shop.models.two"}])
async def test_of_two_limits_the_first_one_holds(first: Any, second: Any) -> None:
    given = [{"name": f"{VALIDATORS}MaxValueValidator", "arguments": {"limit_value": each}} for each in (first, second)]
    callable_register("shop.models.five", lambda: 5)
    callable_register("shop.models.two", lambda: 2)
    contract = facts(kind="IntegerField", type="integer", validators=given)
    serializer = Serializer("Thing", {"code": model_field(Stock, "code", contract=contract)})
    assert await serializer.validate({"code": 5}, SCOPE) == {"code": 5}
    with pytest.raises(ValidationFailed) as raised:
        await serializer.validate({"code": 6}, SCOPE)
    assert raised.value.body == {"code": ["Ensure this value is less than or equal to 5."]}


def test_a_kind_that_nobody_knows_is_named_at_the_start() -> None:
    with pytest.raises(LookupError, match=r"Column blog_thing\.code is a XMLField, which has no field here: pass"):
        model_field(Stock, "code", contract=facts(kind="XMLField"))


def test_a_column_whose_values_python_makes_has_a_class_of_its_own() -> None:
    """The columns of a contract don't show what a project's own class of fields makes of them."""
    read, written = (facts(kind="CharField", **{name: ["shop.Shout.x"]}) for name in ("read_by", "written_by"))
    for contract, changed in ((read, {}), (read, {"read_only": True}), (written, {})):
        with pytest.raises(LookupError, match=r"Values of column blog_thing\.code are made by shop\.Shout\.x: pass"):
            model_field(Stock, "code", contract=contract, **changed)
        assert model_field(Stock, "code", into=CharField, contract=contract, **changed)
    assert model_field(Stock, "code", contract=written, read_only=True)


@pytest.mark.parametrize(
    ("column", "schema", "request_schema"),
    [
        ({"max_length": 5}, {"type": "string", "maxLength": 5}, {"minLength": 1}),
        ({"blank": True}, {"type": "string"}, {}),
        (
            {"validators": [{"name": f"{VALIDATORS}MinLengthValidator", "arguments": {"limit_value": 4}}]},
            {"type": "string"},
            {"minLength": 4},
        ),
        (
            {"validators": [{"name": f"{VALIDATORS}RegexValidator", "arguments": {"regex": r"^[a-z]+\Z"}}]},
            {"type": "string"},
            {"minLength": 1, "pattern": "^[a-z]+$"},
        ),
        (
            {"validators": [{"name": f"{VALIDATORS}RegexValidator", "arguments": {"regex": "(?i)a"}}]},
            {"type": "string"},
            {"minLength": 1},
        ),
        (
            {"validators": [{"name": f"{VALIDATORS}EmailValidator"}]},
            {"type": "string"},
            {"minLength": 1, "format": "email"},
        ),
        ({"choices": ["new", "worn"], "blank": True}, {"type": "string", "enum": ["new", "worn", ""]}, {}),
        (
            {"choices": [0, 12], "kind": "PositiveSmallIntegerField", "type": "smallint"},
            {"type": "integer", "enum": [0, 12]},
            {},
        ),
        (
            {"kind": "PositiveIntegerField", "type": "integer"},
            {"type": "integer"},
            {"minimum": 0, "maximum": 2**31 - 1},
        ),
        (
            {"kind": "BooleanField", "type": "boolean", "null": True},
            {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            {},
        ),
    ],
)
def test_what_openapi_says_is_what_the_column_takes(
    column: dict[str, Any], schema: dict[str, Any], request_schema: dict[str, Any]
) -> None:
    serializer = Serializer("Thing", {"code": model_field(Stock, "code", contract=facts(**column))})
    answered = serializer.response_model.model_json_schema()["properties"]["code"]
    sent = serializer.request_model.model_json_schema()["properties"]["code"]
    assert answered == {"title": "Code", **schema}
    assert sent == {"title": "Code", **schema, **request_schema}


SHOWN: dict[str, dict[str, Any]] = {
    "made_at": {"default_timezone": ZoneInfo("Asia/Almaty")},
    "packed_at": {"read_only": True, "default_timezone": ZoneInfo("Asia/Almaty"), "format": "%d.%m. %H:%M"},
    "packed_on": {"read_only": True, "format": "%d.%m.%Y"},
    "price": {"read_only": True, "coerce_to_string": False},
}


def test_a_key_of_the_answer_alone_is_shown_as_the_project_shows_it() -> None:
    class ShownSerializer(serializers.ModelSerializer[Thing]):
        class Meta:
            model = Thing
            fields = tuple(SHOWN)
            extra_kwargs = SHOWN

    moment = datetime(2026, 1, 3, 20, 30, tzinfo=UTC)
    thing = Thing(made_at=moment, packed_at=moment, packed_on=moment.date(), price=Decimal("1.50"))
    ours = Serializer("Shown", {name: model_field(Stock, name, contract=CONTRACT, **SHOWN[name]) for name in SHOWN})
    values = {}
    for name in SHOWN:
        shown = ours.fields[name].representation(None)
        values[name] = shown(getattr(thing, name)) if shown else None
    assert values == ShownSerializer(thing).data
    assert values["made_at"] == "2026-01-04T01:30:00+05:00"
    described = SimpleMetadata().get_serializer_info(ShownSerializer())
    assert json.dumps(ours.describe(), default=str) == json.dumps(described, default=str)


@pytest.mark.parametrize("name", ["made_at", "pages", "remark"])
@pytest.mark.parametrize("read_only", [False, True])
def test_the_name_of_a_column_may_be_translated(name: str, read_only: bool) -> None:
    label = model_field(Stock, name, contract=CONTRACT, read_only=read_only).describe(name)["label"]
    assert not isinstance(label, Untranslated)
    for declared in (ReadOnlyField(type="field"), CharField()):
        assert isinstance(declared.describe(name)["label"], Untranslated)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"Column blog_thing\.titel is not in the contract: name one that is"):
        model_field(Stock, "titel", contract=CONTRACT)
