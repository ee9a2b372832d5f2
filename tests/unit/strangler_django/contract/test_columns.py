import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.core import validators
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat, Now
from django.db.models.lookups import Exact
from django.test import override_settings
from django.utils.translation import gettext_lazy

from tests.unit.strangler_django.contract.conftest import Facts, MakeModel

DJANGO = "django.core.validators"


def least() -> int:
    return 1


def archive(collector: object, field: object, rows: object, using: object) -> None:
    """An on_delete of a project's own."""


class Even:
    def __call__(self, value: int) -> None:
        if value % 2:
            raise ValidationError("Enter an even number.")


class Whole:
    """A validator that is made of the value, and refuses then."""

    def __init__(self, value: int) -> None:
        if value % 1:
            raise ValidationError("Enter a whole number.")


class Slug(models.CharField):
    """Which makes its value of the others when the row is saved."""

    def pre_save(self, instance: models.Model, add: bool) -> str:
        return f"{instance.pk}-{add}"


class Money(models.DecimalField):
    """Whose values are a class of its own, in cents."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value.cents / 100 if hasattr(value, "cents") else value)


class Nowhere(models.IntegerField):
    """Which keeps its values elsewhere."""

    def db_type(self, connection: object) -> None:  # noqa: ARG002 - Django calls it so
        return None


class Cents:
    cents = 150


def place(instance: object, name: str) -> str:
    return f"{instance}/{name}"


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        (models.FileField(), {}),
        (models.FileField(upload_to="a/%Y"), {"upload_to": "a/%Y", "time_zone": "Europe/Berlin"}),
        (models.FileField(upload_to=place), {"upload_to_callable": f"{__name__}.place"}),
        (models.ImageField(width_field="id"), {"image": True, "width_field": "id"}),
    ],
)
def test_a_file_says_where_it_is_kept_and_how_it_is_named(
    column: Facts, field: models.Field, reported: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = {"base_url": "/m/", "file_permissions": 0o644, "location": "media/all", "is_media_root": True}
    with override_settings(MEDIA_ROOT=str(tmp_path / "media" / "all"), MEDIA_URL="/m/", TIME_ZONE="Europe/Berlin"):
        facts = column(field)["file"]
    assert facts["storage"].pop("name") == "django.core.files.storage.filesystem.FileSystemStorage"
    assert facts == {"storage": storage} | reported


def test_a_folder_that_is_not_djangos_is_no_media_root(column: Facts, tmp_path: Path) -> None:
    field = models.FileField(storage=FileSystemStorage(location=tmp_path / "elsewhere"))
    with override_settings(MEDIA_ROOT=str(tmp_path / "media")):
        storage = column(field)["file"]["storage"]
    assert (storage["location"], storage.get("is_media_root")) == (str(tmp_path / "elsewhere"), None)


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        (models.CharField(max_length=9), {"default": ""}),
        (models.CharField(max_length=9, null=True), {}),
        (models.TextField(null=True, default=None), {"default": None}),
        (models.BinaryField(), {"default": "\\x"}),
        (models.FileField(null=True), {"default": ""}),
        (models.ImageField(null=True, default="none.png"), {"default": "none.png"}),
        (Slug(default="x"), {"default_callable": f"{__name__}.Slug.pre_save"}),
        (models.IntegerField(), {}),
        (models.IntegerField(default=least), {"default_callable": f"{__name__}.least"}),
        (models.IntegerField(default=partial(least)), {"default_callable": f"partial({__name__}.least)"}),
        (models.CharField(max_length=9, default=gettext_lazy("hello")), {"default": "hello"}),
        (models.DurationField(default=timedelta(days=1)), {"default": "P1DT00H00M00S"}),
        (
            models.DateTimeField(default=datetime(2020, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
            {"default": "2020-01-31T12:00:00.123456+00:00"},
        ),
        (Money(max_digits=8, decimal_places=2, default=Cents()), {"default": "1.5"}),
        (ArrayField(models.IntegerField(), default=list), {"default_callable": "builtins.list"}),
        (models.IntegerField(db_default=3), {"db_default": "3"}),
        (models.TextField(db_default="100% 'sure'"), {"db_default": "'100% ''sure'''"}),
        (models.DateTimeField(db_default=Now()), {"db_default": "(STATEMENT_TIMESTAMP())"}),
        (models.IntegerField(default=1, db_default=3), {"default": 1, "db_default": "3"}),
        (
            models.GeneratedField(
                expression=Concat(F("id"), Value("%"), output_field=models.TextField()),
                output_field=models.TextField(),
                db_persist=True,
            ),
            {"generated": """(COALESCE(("id")::text, '') || COALESCE('%', ''))"""},
        ),
    ],
)
def test_what_is_written_where_nobody_names_a_value(
    field: models.Field, reported: dict[str, Any], column: Facts
) -> None:
    kinds = ("default", "default_callable", "db_default", "generated")
    found = {kind: value for kind, value in column(field).items() if kind in kinds}
    assert found == reported


def test_a_computed_column_may_be_null_for_the_database(column: Facts) -> None:
    field = models.GeneratedField(expression=F("id"), output_field=models.IntegerField(), db_persist=True)
    assert column(field)["null"] is True


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        # Given by the type already.
        (models.CharField(max_length=9), None),
        (models.IntegerField(), None),
        (models.DecimalField(max_digits=8, decimal_places=2), None),
        (models.PositiveIntegerField(), [{"name": f"{DJANGO}.MinValueValidator", "arguments": {"limit_value": 0}}]),
        (
            models.CharField(max_length=9, validators=[validators.MaxLengthValidator(5, "Too long.")]),
            [{"name": f"{DJANGO}.MaxLengthValidator", "arguments": {"limit_value": 5, "message": "Too long."}}],
        ),
        (
            models.IntegerField(validators=[validators.MinValueValidator(least)]),
            [
                {
                    "name": f"{DJANGO}.MinValueValidator",
                    "arguments": {"limit_value": {"callable": f"{__name__}.least"}},
                }
            ],
        ),
        (
            models.CharField(max_length=9, validators=[validators.RegexValidator(re.compile("^a+$"), code="bad")]),
            [{"name": f"{DJANGO}.RegexValidator", "arguments": {"regex": "^a+$", "code": "bad"}}],
        ),
        (
            models.FileField(validators=[validators.FileExtensionValidator(["pdf"])]),
            [{"name": f"{DJANGO}.FileExtensionValidator", "arguments": {"allowed_extensions": ["pdf"]}}],
        ),
        (models.EmailField(), [{"name": f"{DJANGO}.EmailValidator"}]),
        (models.TextField(validators=[validators.validate_slug]), "validate_slug"),
        (models.IntegerField(validators=[Even()]), [{"name": f"{__name__}.Even"}]),
        (models.IntegerField(validators=[least]), [{"name": f"{__name__}.least"}]),
        # Classes for instances: of the first Django makes a validator and asks it nothing, the second may refuse.
        (models.TextField(validators=[validators.URLValidator]), None),
        (models.IntegerField(validators=[Whole]), [{"name": f"{__name__}.Whole"}]),
        (models.IntegerField(validators=[partial(least, 3)]), [{"name": f"partial({__name__}.least)"}]),
    ],
)
def test_validators_are_named_with_what_they_were_made_with(field: models.Field, reported: Any, column: Facts) -> None:
    found = column(field).get("validators")
    if reported == "validate_slug":
        assert found[0]["name"] == f"{DJANGO}.RegexValidator"
        assert found[0]["arguments"]["regex"] == r"^[-a-zA-Z0-9_]+\Z"
    else:
        assert found == reported


@pytest.mark.parametrize(
    ("on_delete", "reported"),
    [
        (models.CASCADE, {"on_delete": "CASCADE"}),
        (models.RESTRICT, {"on_delete": "RESTRICT"}),
        (models.DO_NOTHING, {"on_delete": "DO_NOTHING"}),
        (models.SET(7), {"on_delete": "SET", "set_to": 7}),
        (models.SET(None), {"on_delete": "SET", "set_to": None}),
        (models.SET(least), {"on_delete": "SET", "set_to_callable": f"{__name__}.least"}),
        (archive, {"on_delete": "CUSTOM", "set_to_callable": f"{__name__}.archive"}),
    ],
)
def test_on_delete_is_reported_with_what_it_sets(
    on_delete: Any, reported: dict[str, Any], make_model: MakeModel, column: Facts
) -> None:
    make_model("Target")
    reference = column(models.ForeignKey("strangler_django.Target", on_delete, null=True))["references"]
    assert {key: reference[key] for key in reference if key in ("on_delete", "set_to", "set_to_callable")} == reported
    assert (reference["table"], reference["column"]) == ("strangler_django_target", "id")


def test_a_key_is_reported_where_a_row_was_given(make_model: MakeModel, column: Facts) -> None:
    target = make_model("Target", {"code": models.CharField(max_length=3, primary_key=True)})
    found = column(
        models.ForeignKey("strangler_django.Target", models.SET(target(code="abc")), default=target(code="xyz"))
    )
    assert (found["references"]["set_to"], found["default"]) == ("abc", "xyz")
    assert found["type"] == "character varying(3)"


@pytest.mark.parametrize(
    ("message", "reported"),
    [
        ("Taken: %(field_label)s of %(model_name)s.", "Taken: x of thing."),
        ("100% taken.", "100% taken."),
        ("%(value)s is taken.", "%(value)s is taken."),
    ],
)
def test_a_unique_column_has_its_message(message: str, reported: str, column: Facts) -> None:
    assert column(models.IntegerField(unique=True, error_messages={"unique": message}))["unique_message"] == reported


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        (~models.Q(x=""), ['NOT ("x" = \'\' AND "x" IS NOT NULL)']),
        (models.Q(x__gt="a") | models.Q(x="0"), ["(\"x\" > 'a' OR \"x\" = '0')"]),
        (models.Q(x__gt="a", y=1), None),
        (models.Q(x__gt=models.F("z")), None),
        (models.Q(Exact(models.F("y"), 1)), None),
    ],
)
def test_a_constraint_with_a_condition_on_its_own_field_is_a_rule_of_that_field(
    condition: models.Q, where: list[str] | None, facts: Facts
) -> None:
    fields = {
        "x": models.CharField(max_length=3, null=True),
        "y": models.IntegerField(),
        "z": models.CharField(max_length=3),
    }
    rule = models.UniqueConstraint(fields=["x"], condition=condition, name="one_x")
    found = facts(fields, constraints=[rule])["columns"]["x"]
    assert found.get("unique_where") == where
    assert (found.get("unique_message") is not None) is (where is not None)


@pytest.mark.parametrize(
    ("field", "is_read_only"),
    [
        (models.UUIDField(editable=False), True),
        (models.UUIDField(), None),
        # Which is said by itself.
        (models.DateField(auto_now=True), None),
    ],
)
def test_a_column_that_is_not_editable_is_read_only(
    field: models.Field, is_read_only: bool | None, column: Facts
) -> None:
    assert column(field).get("read_only") is is_read_only


def test_a_collation_is_that_of_the_column_it_points_at(make_model: MakeModel, column: Facts) -> None:
    make_model("Target", {"code": models.CharField(max_length=3, primary_key=True, db_collation="C")})
    assert column(models.ForeignKey("strangler_django.Target", models.CASCADE))["collation"] == "C"


def test_choices_are_as_the_column_holds_them(column: Facts) -> None:
    field = models.DecimalField(max_digits=3, decimal_places=1, choices=[("Some", [(Decimal("1.5"), "x")]), (2, "y")])
    facts = column(field)
    assert (facts["choices"], facts["choice_names"]) == (["1.5", "2"], ["x", "y"])


def test_choices_may_be_what_json_holds(column: Facts) -> None:
    facts = column(models.JSONField(choices=[({"a": 1}, "one"), ([2], "two")]))
    assert (facts["choices"], facts["choice_names"]) == ([{"a": 1}, [2]], ["one", "two"])


def test_names_of_choices_that_are_their_values_are_left_out(column: Facts) -> None:
    assert "choice_names" not in column(models.IntegerField(choices=[(1, "1"), (2, "2")]))


@pytest.mark.parametrize(
    ("field", "reported"),
    [
        (models.UUIDField(), None),
        (models.GenericIPAddressField(), None),
        (models.BinaryField(max_length=5), 5),
        (models.FileField(), 100),
    ],
)
def test_a_length_is_reported_where_the_type_has_one(field: models.Field, reported: int | None, column: Facts) -> None:
    assert column(field).get("max_length") == reported


def test_a_computed_column_is_of_the_type_that_is_computed(column: Facts) -> None:
    """Its own class has no type, nor has that of PostgreSQL's own fields among Django's."""
    field = models.GeneratedField(expression=F("id"), output_field=SearchVectorField(), db_persist=True)
    assert column(field)["type"] == "tsvector"


def test_a_field_without_a_type_is_no_column(facts: Facts) -> None:
    assert set(facts({"x": Nowhere()})["columns"]) == {"id"}
