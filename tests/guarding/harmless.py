"""Random operations that no running service has to fear."""

from typing import Any

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from hypothesis import strategies as st

from shared_schema.consumer.consumer import Consumer
from tests.guarding.schemas import Field, plain_fields
from tests.guarding.values import values_for
from tests.guarding.world import APP

_LARGER: dict[type[Field], type[Field]] = {
    models.SmallIntegerField: models.IntegerField,
    models.IntegerField: models.BigIntegerField,
    models.CharField: models.TextField,
}


@st.composite
def harmless_operations(draw: st.DrawFn, state: ProjectState, consumer: Consumer) -> Operation:
    """An operation that adds, or takes away what nobody needs."""
    made = [model for (app, _), model in sorted(state.models.items()) if app == APP]
    model = draw(st.sampled_from(made))
    changed = [*_changed_fields(model, consumer)]
    if changed and draw(st.booleans()):
        return draw(st.sampled_from(changed))
    operations = (
        st.builds(migrations.AddField, st.just(model.name), _names("new"), _new_fields(made, consumer)),
        st.builds(migrations.CreateModel, _names("Elk"), _new_models(made, consumer)),
        st.builds(migrations.AlterModelOptions, st.just(model.name), st.just({"ordering": ["-id"]})),
        st.builds(migrations.AlterModelTableComment, st.just(model.name), st.just("what it is for")),
        st.just(migrations.AddIndex(model.name, models.Index(fields=["-id"], name=f"i{draw(st.integers(0, 99))}"))),
        *(
            st.just(migrations.RemoveConstraint(model.name, each.name))
            for each in model.options.get("constraints", [])
            if isinstance(each, models.CheckConstraint)
        ),
    )
    return draw(st.one_of(*operations))


def _names(prefix: str) -> st.SearchStrategy[str]:
    return st.integers(0, 9).map(lambda number: f"{prefix}{number}")


def _new_fields(made: list[ModelState], consumer: Consumer) -> st.SearchStrategy[Field]:
    """A column that may be null, has a default in the database, or points at rows that stay."""
    nullable = plain_fields(null=True).filter(lambda field: not field.has_db_default() or not field.unique)
    filled = plain_fields().filter(lambda field: field.has_db_default() and not field.unique)
    return st.one_of(nullable, filled, *_keys(made, consumer))


def _keys(made: list[ModelState], consumer: Consumer) -> list[st.SearchStrategy[Field]]:
    written = consumer.columns("updates")
    kept = [
        model
        for model in made
        if (name := f"{APP}_{model.name.lower()}") not in consumer.deletes() and "id" not in written.get(name, ())
    ]
    return [
        st.builds(
            kind,
            st.just(f"{APP}.{model.name}"),
            on_delete=st.just(models.CASCADE),
            null=st.just(True),
            related_name=st.just("+"),
        )
        for model in kept
        for kind in (models.ForeignKey, models.OneToOneField)
    ]


def _new_models(made: list[ModelState], consumer: Consumer) -> st.SearchStrategy[list[tuple[str, Field]]]:
    keys = _keys(made, consumer)
    points = st.lists(st.one_of(*keys), max_size=1) if keys else st.just([])
    fields = st.tuples(plain_fields(), points)
    return fields.map(
        lambda drawn: [
            ("id", models.BigAutoField(primary_key=True)),
            ("a", drawn[0]),
            *(("to", key) for key in drawn[1]),
        ]
    )


def _changed_fields(model: ModelState, consumer: Consumer) -> Any:
    """Columns that become larger, that may no longer be null where nobody writes them, or that nobody needs."""
    table = f"{APP}_{model.name.lower()}"
    written = consumer.columns("inserts").get(table), consumer.columns("updates").get(table, set())
    for name, field in model.fields.items():
        if field.is_relation or field.primary_key:
            continue
        _, _, arguments, options = field.deconstruct()
        if type(field) in _LARGER and not field.db_index:
            options.pop("max_length", None)
            yield migrations.AlterField(model.name, name, _LARGER[type(field)](*arguments, **options))
        if isinstance(field, models.CharField):
            wider = {**field.deconstruct()[3], "max_length": field.max_length + 7}
            yield migrations.AlterField(model.name, name, models.CharField(**wider))
        if field.null and written[0] is None and name not in written[1] and not field.has_db_default():
            filled = {**field.deconstruct()[3], "null": False, "default": values_for(field)[0]}
            yield migrations.AlterField(model.name, name, type(field)(*arguments, **filled))
        if not [*consumer.features_of(table, name)] and written[0] is None:
            yield migrations.RemoveField(model.name, name)
