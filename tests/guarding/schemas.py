"""Random models, as the operations of a first migration."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.migrations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.models import Q
from hypothesis import strategies as st

from tests.guarding.values import values_for
from tests.guarding.world import APP

Field = models.Field

NAMES = ("Ant", "Bee", "Cow", "Dog")
COLUMNS = ("a", "b", "c", "d", "Eck", "order")
_ON_DELETE = (models.CASCADE, models.PROTECT, models.RESTRICT, models.DO_NOTHING)
_PLAIN: tuple[tuple[type[Field], dict[str, Any]], ...] = (
    (models.CharField, {"max_length": 5}),
    (models.CharField, {"max_length": 20}),
    (models.CharField, {"max_length": 1000}),
    (models.TextField, {}),
    (models.SmallIntegerField, {}),
    (models.IntegerField, {}),
    (models.BigIntegerField, {}),
    (models.PositiveIntegerField, {}),
    (models.DecimalField, {"max_digits": 6, "decimal_places": 2}),
    (models.DecimalField, {"max_digits": 8, "decimal_places": 2}),
    (models.DecimalField, {"max_digits": 8, "decimal_places": 3}),
    (models.BooleanField, {}),
    (models.DateField, {}),
    (models.DateTimeField, {}),
    (models.UUIDField, {}),
    (models.JSONField, {}),
    (ArrayField, {"base_field": models.CharField(max_length=20)}),
    (ArrayField, {"base_field": models.TextField()}),
    (ArrayField, {"base_field": models.IntegerField()}),
)


@st.composite
def plain_fields(draw: st.DrawFn, *, null: bool | None = None) -> Field:
    """A field that points nowhere."""
    kind, facts = draw(st.sampled_from(_PLAIN))
    return draw(with_facts(kind, facts, null=null))


@st.composite
def with_facts(draw: st.DrawFn, kind: type[Field], facts: dict[str, Any], *, null: bool | None = None) -> Field:
    """A field of that kind with random options."""
    options: dict[str, Any] = {"null": draw(st.booleans()) if null is None else null}
    options |= draw(st.sampled_from(({}, {}, {}, {}, {}, {"unique": True}, {"db_index": True})))
    values = st.sampled_from(values_for(kind(**facts)))
    default = draw(st.sampled_from(("none", "default", "db_default")))
    if default == "default" or (default == "db_default" and kind is ArrayField):
        # Django wants a callable that it can write into a migration for a default that can be changed.
        value = draw(values)
        options["default"] = type(value) if isinstance(value, list | dict) else value
    elif default == "db_default":
        options["db_default"] = models.Value(draw(values), output_field=kind(**facts))
    return kind(**facts, **options)


@st.composite
def relations(draw: st.DrawFn, targets: tuple[str, ...]) -> Field:
    """A field that points at one of the models."""
    null = draw(st.booleans())
    actions = (*_ON_DELETE, *((models.SET_NULL,) if null else ()))
    kind = draw(st.sampled_from((models.ForeignKey, models.ForeignKey, models.OneToOneField)))
    target = f"{APP}.{draw(st.sampled_from(targets))}"
    return kind(target, on_delete=draw(st.sampled_from(actions)), null=null, related_name="+")


@st.composite
def first_migrations(draw: st.DrawFn) -> list[Operation]:
    """Two to four models, each pointing at itself or those before it."""
    names = NAMES[: draw(st.integers(2, 4))]
    made: list[Operation] = []
    for number, name in enumerate(names):
        made.append(draw(new_models(name, names[: number + 1])))
    return made


@st.composite
def new_models(draw: st.DrawFn, name: str, targets: tuple[str, ...]) -> CreateModel:
    """A model with a key, some fields, relations, and constraints of several fields."""
    key: Field = draw(st.sampled_from((models.BigAutoField(primary_key=True), models.AutoField(primary_key=True))))
    fields: dict[str, Any] = {"id": key}
    fields |= {
        column: draw(plain_fields()) for column in draw(st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True))
    }
    if targets and draw(st.booleans()):
        fields["to"] = draw(relations(targets))
    if targets and draw(st.integers(0, 4)) == 0:
        fields["many"] = models.ManyToManyField(f"{APP}.{draw(st.sampled_from(targets))}", related_name="+")
    return CreateModel(name, list(fields.items()), options=draw(_options(name, fields)))


@st.composite
def _options(draw: st.DrawFn, name: str, fields: dict[str, Field]) -> dict[str, Any]:
    plain = [column for column, field in fields.items() if column in COLUMNS]
    options: dict[str, Any] = {}
    # Where rows may be alike, a statement may be sent twice.
    if len(plain) > 1 and draw(st.integers(0, 2)) == 2:
        options["unique_together"] = {tuple(plain[:2])}
    if draw(st.booleans()):
        options["constraints"] = [draw(constraints(name, plain))]
    return options


@st.composite
def constraints(draw: st.DrawFn, name: str, columns: list[str]) -> models.BaseConstraint:
    """A check or a unique constraint of some columns."""
    column = draw(st.sampled_from(columns))
    label = f"{name}_{column}_{draw(st.integers(0, 9))}".lower()
    filled = Q(**{f"{column}__isnull": False})
    match draw(st.sampled_from(("check", "either", "unique", "partial", "equal nulls", "later"))):
        case "check":
            return models.CheckConstraint(condition=filled, name=label)
        case "either":
            return models.CheckConstraint(condition=filled | Q(id__gt=0), name=label)
        case "unique":
            return models.UniqueConstraint(fields=columns[:2], name=label)
        case "partial":
            return models.UniqueConstraint(fields=[column], condition=Q(id__gt=1), name=label)
        case "equal nulls":
            return models.UniqueConstraint(fields=[column], nulls_distinct=False, name=label)
        case _:
            return models.UniqueConstraint(fields=[column], deferrable=models.Deferrable.DEFERRED, name=label)
