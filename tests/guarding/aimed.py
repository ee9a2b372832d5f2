"""Random changes aimed at what a service does, each of which a single rule of the guard sees.

Among several random operations there is nearly always another break, so a rule that says nothing isn't missed there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Q
from hypothesis import strategies as st

from shared_schema.consumer.consumer import Consumer
from tests.guarding.schemas import Field
from tests.guarding.values import values_for
from tests.guarding.world import APP

_LONG = (models.TextField, models.JSONField, ArrayField)
_REFUSING = ("RAISE EXCEPTION 'no';", "RETURN NULL;")
# What may be done to a row that is written, unless the trigger's event is DELETE.
_CHANGING = (
    "NEW.{c} := NULL; RETURN NEW;",
    "IF NEW.{c} IS NULL THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW;",
    "IF NEW.{c} IS NOT NULL THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW;",
)


@dataclass(frozen=True)
class Target:
    """A model, and what a service does to it.

    Attributes:
        read, inserted, written: the plain fields.
        events: those that triggers are fired by.
        sent: the values in whatever statement.
    """

    model: ModelState
    read: tuple[str, ...]
    inserted: tuple[str, ...]
    written: tuple[str, ...]
    events: tuple[str, ...]
    sent: tuple[Any, ...]

    @property
    def nullable(self) -> list[str]:
        """The fields that are written and may be null."""
        return [name for name in self.written if self.model.fields[name].null]

    @property
    def short(self) -> list[str]:
        """The fields that are inserted and that an index takes any value of: else another rule speaks as well."""
        fields = [(name, self.model.fields[name]) for name in self.inserted]
        return [name for name, field in fields if not isinstance(field, _LONG) and (field.max_length or 0) < 600]

    @property
    def table(self) -> str:
        """Its table, as SQL names it."""
        return f'"{APP}_{self.model.name_lower}"'


def aimed_changes(state: ProjectState, consumer: Consumer) -> st.SearchStrategy[tuple[str, list[Operation]]] | None:
    """What is aimed at, and the operations; None where the service does nothing to a model's table."""
    targets = [*_targets(state, consumer)]
    possible = {
        aim: found
        for aim, (needed, _) in _AIMS.items()
        if (found := [target for target in targets if getattr(target, needed)])
    }
    if not possible:
        return None
    # Few services write in such a way that nothing refuses it, and all of them read.
    aims = st.sampled_from([aim for aim in possible for _ in range(1 if aim == "replaced" else 3)])
    return aims.flatmap(lambda aim: st.tuples(st.just(aim), st.sampled_from(possible[aim]).flatmap(_AIMS[aim][1])))


def _targets(state: ProjectState, consumer: Consumer) -> Iterator[Target]:
    reads, inserts, updates = (consumer.columns(kind) for kind in ("reads", "inserts", "updates"))
    statements = [statement for feature in consumer.features.values() for statement in feature.statements]
    for (app, _), model in sorted(state.models.items()):
        table = f"{APP}_{model.name_lower}"
        plain = [name for name, field in model.fields.items() if not (field.is_relation or field.primary_key)]
        written = inserts.get(table, set()) | updates.get(table, set())
        fired = {"INSERT": inserts, "UPDATE": updates, "DELETE": consumer.deletes()}
        if app == APP:
            yield Target(
                model=model,
                read=tuple(name for name in plain if name in reads.get(table, ())),
                inserted=tuple(name for name in plain if name in inserts.get(table, ())),
                written=tuple(name for name in plain if name in written),
                events=tuple(event for event, tables in fired.items() if table in tables),
                sent=tuple(value for statement in statements for value in statement.values),
            )


@st.composite
def _not_null(draw: st.DrawFn, target: Target) -> list[Operation]:
    """Rows that hold NULL already are in the way of the one form, and left alone by the other."""
    column = f'"{draw(st.sampled_from(target.nullable))}"'
    form = draw(st.sampled_from((f"ALTER {column} SET NOT NULL", f"ADD CONSTRAINT aimed NOT NULL {column} NOT VALID")))
    return [migrations.RunSQL(f"ALTER TABLE {target.table} {form}")]


@st.composite
def _unique(draw: st.DrawFn, target: Target) -> list[Operation]:
    """The rows that are there are in the way of it, unless it is about later ones."""
    fields = draw(st.lists(st.sampled_from(target.short), min_size=1, max_size=2, unique=True))
    unique = models.UniqueConstraint(
        fields=fields[: draw(st.integers(1, 2))],
        condition=draw(st.sampled_from((None, Q(id__gt=100), Q(id__gt=100)))),
        nulls_distinct=draw(st.sampled_from((None, False))),
        name="aimed",
    )
    return [migrations.AddConstraint(target.model.name, unique)]


@st.composite
def _check(draw: st.DrawFn, target: Target) -> list[Operation]:
    """Some of the values that the service writes meet it."""
    name = draw(st.sampled_from(target.written))
    fitting = values_for(target.model.fields[name])
    sent = [value for value in fitting if value in target.sent]
    some = draw(st.lists(st.sampled_from(sent or fitting), min_size=1, max_size=2))
    among = Q(**{f"{name}__in": some})
    condition = draw(st.sampled_from((among, ~among, ~among, Q(**{f"{name}__isnull": True}))))
    add = draw(st.sampled_from((migrations.AddConstraint, AddConstraintNotValid)))
    return [add(target.model.name, models.CheckConstraint(condition=condition, name="aimed"))]


@st.composite
def _trigger(draw: st.DrawFn, target: Target) -> list[Operation]:
    event = draw(st.sampled_from(target.events))
    bodies = _REFUSING if event == "DELETE" or not target.written else (*_REFUSING * 2, *_CHANGING)
    body = draw(st.sampled_from(bodies))
    if "{c}" in body:
        body = body.format(c=f'"{draw(st.sampled_from(target.written))}"')
    function = f"CREATE FUNCTION aimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    trigger = f"CREATE TRIGGER aimed BEFORE {event} ON {target.table} FOR EACH ROW EXECUTE FUNCTION aimed()"
    return [migrations.RunSQL(f"{function}; {trigger}")]


@st.composite
def _replaced(draw: st.DrawFn, target: Target) -> list[Operation]:
    name = draw(st.sampled_from(target.read))
    return [
        migrations.RemoveField(target.model.name, name),
        migrations.AddField(target.model.name, name, _filled(target.model.fields[name])),
    ]


def _filled(field: Field) -> Field:
    """The same field, with a default for the rows that are there where it needs one."""
    again = field.clone()
    if not (field.null or field.has_default() or field.has_db_default()):
        value: Any = values_for(field)[0]
        again.default = type(value) if isinstance(value, list | dict) else value
    return again


# What each change can be aimed at: a target that has some of these.
_AIMS: dict[str, tuple[str, Callable[[Target], st.SearchStrategy[list[Operation]]]]] = {
    "not null": ("nullable", _not_null),
    "unique": ("short", _unique),
    "check": ("written", _check),
    "trigger": ("events", _trigger),
    "replaced": ("read", _replaced),
}
