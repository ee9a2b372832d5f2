"""Rules about several values of a body: what is unique together, or once a day, as DRF's validators of a serializer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Executable, extract, func, select

from shared_schema.consumer.samples import Sample, sample_of
from shared_schema.mapping import primary_key
from strangler_fastapi.db.driver_errors import driver_error
from strangler_fastapi.db.query import fetch_built
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ErrorDetail

_REQUIRED = [ErrorDetail("This field is required.", "required")]


@dataclass(frozen=True)
class UniqueTogetherValidator:
    """No other row of `model` holds these values together; `fields` are attributes, `keys` those of a body.

    Each of them is required of a new row. A null is never the same as another. `keys` are left out where they have the
    names of the attributes.
    """

    model: Any
    fields: tuple[str, ...]
    message: str = "The fields {field_names} must make a unique set."
    keys: tuple[str, ...] = ()

    async def __call__(self, values: dict[str, Any], scope: Scope) -> None:
        """Queries the database; see `Serializer`."""
        named = zip(self.keys or self.fields, self.fields, strict=True)
        if scope.instance_id is None and (missing := [key for key, name in named if name not in values]):
            raise Invalid(dict.fromkeys(missing, _REQUIRED))
        given = {name: values[name] for name in self.fields if name in values}
        if not given or None in given.values():
            return
        if await fetch_built(scope.session, self.others(given, scope.instance_id)):
            raise Invalid(self.refusal, "unique")

    @property
    def refusal(self) -> str:
        """What a body is refused with."""
        return self.message.format(field_names=", ".join(self.keys or self.fields))

    def others(self, given: Mapping[str, Any], instance_id: Any = None) -> Executable:  # noqa: ANN401 - of the key's type
        """Another row than the instance's that holds the values; those that aren't given are the instance's own."""
        key = primary_key(self.model)
        rows = select(key)
        for name in self.fields:
            column = getattr(self.model, name)
            own = select(self.model.__table__.alias().c[_column(self.model, name)])
            table = own.get_final_froms()[0]
            of_instance = own.where(table.c[_column(self.model, key.key)] == instance_id).scalar_subquery()
            rows = rows.where(column == given.get(name, of_instance))
        return (rows if instance_id is None else rows.where(key != instance_id)).limit(1)

    def samples(self) -> Iterator[Sample]:
        """The queries that it sends."""
        every = {name: sample_of(getattr(self.model, name).type.python_type) for name in self.fields}
        key = sample_of(primary_key(self.model).type.python_type)
        words = " ".join(self.fields)
        yield Sample(f"unique together {words}", self.others(every))
        yield Sample(f"unique together {words} but for one", self.others(dict([next(iter(every.items()))]), key))

    def is_violated_by(self, error: Exception) -> bool:
        """Whether a failed statement ran into this rule: another request was first."""
        name = getattr(driver_error(error), "constraint_name", None)
        table = self.model.__table__
        columns = {_column(self.model, field) for field in self.fields}
        found = [rule for rule in (*table.constraints, *table.indexes) if rule.name == name]
        return any({column.name for column in rule.columns} == columns for rule in found)


@dataclass(frozen=True)
class UniqueForDateValidator:
    """No other row of `model` holds the value of `field` on the day of `date_field`; both are required.

    A moment's day is that of UTC.
    """

    span: ClassVar[str] = "date"
    parts: ClassVar[tuple[str, ...]] = ("day", "month", "year")
    model: Any
    field: str
    date_field: str

    async def __call__(self, values: dict[str, Any], scope: Scope) -> None:
        """Queries the database; see `Serializer`."""
        if missing := [name for name in (self.field, self.date_field) if name not in values]:
            raise Invalid(dict.fromkeys(missing, _REQUIRED))
        if values[self.date_field] is None:
            # DRF fails on it.
            return
        found = self.others(values[self.field], values[self.date_field], scope.instance_id)
        if await fetch_built(scope.session, found):
            sentence = f'This field must be unique for the "{self.date_field}" {self.span}.'
            raise Invalid({self.field: [ErrorDetail(sentence, "unique")]})

    def others(self, value: object, moment: date, instance_id: Any = None) -> Executable:  # noqa: ANN401 - of the key's type
        """Another row than the instance's that holds the value then."""
        key = primary_key(self.model)
        rows = select(key).where(getattr(self.model, self.field) == value)
        for part in self.parts:
            rows = rows.where(self._part(part) == getattr(moment, part))
        return (rows if instance_id is None else rows.where(key != instance_id)).limit(1)

    def samples(self) -> Iterator[Sample]:
        """The queries that it sends."""
        value = sample_of(getattr(self.model, self.field).type.python_type)
        moment = sample_of(getattr(self.model, self.date_field).type.python_type)
        key = sample_of(primary_key(self.model).type.python_type)
        yield Sample(f"unique {self.field} for {self.span}", self.others(value, moment))
        yield Sample(f"unique {self.field} for {self.span} but for one", self.others(value, moment, key))

    def is_violated_by(self, _error: Exception) -> bool:
        """Never: the database has no such constraint."""
        return False

    def _part(self, part: str) -> ColumnElement[Any]:
        column = getattr(self.model, self.date_field)
        is_moment = column.type.python_type is datetime and column.type.timezone
        return extract(part, func.timezone("UTC", column) if is_moment else column)


@dataclass(frozen=True)
class UniqueForMonthValidator(UniqueForDateValidator):
    """As UniqueForDateValidator, in the month of any year."""

    span = "month"
    parts = ("month",)


@dataclass(frozen=True)
class UniqueForYearValidator(UniqueForDateValidator):
    """As UniqueForDateValidator, in the year."""

    span = "year"
    parts = ("year",)


def _column(model: Any, attribute: str) -> str:  # noqa: ANN401 - a mapped class
    name: str = model.__columns__.get(attribute, attribute)
    return name
