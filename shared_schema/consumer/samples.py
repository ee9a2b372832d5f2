"""Sample statements of a service, with names and values, from which its needs are derived."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Executable

from shared_schema.contract.contract import Contract
from shared_schema.contract.deletion_plan import KEYS, VALUE, DeletionPlans, DeletionStep, TablePlan
from shared_schema.contract.inheritance import TableColumn
from shared_schema.contract.values import python_type

# The file is the same whenever it is made: no sample is of this moment.
MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)

_VALUES: Final[dict[Any, Any]] = {
    bool: True,
    bytes: b"\x01",
    date: MOMENT.date(),
    datetime: MOMENT,
    Decimal: Decimal(1),
    float: 1.0,
    int: 1,
    str: "sample",
    time: MOMENT.time(),
    timedelta: timedelta(days=1),
    UUID: UUID(int=1),
}


@dataclass(frozen=True)
class Sample:
    """A statement that a service can send, under a name, with values that a database would take."""

    name: str
    statement: Executable
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deletion:
    """That rows of a table are deleted, with all that hangs on them (`shared_schema.contract.deletion`)."""

    table: str


Sent = Sample | Deletion


def deletion_samples(table: str, contract: Contract) -> Iterator[Sample]:
    """Every statement that it may take to delete rows of a table."""
    plans = DeletionPlans(contract)
    for number, plan in enumerate(plans.collected(table)):
        if plan.find is not None and number == 0:
            yield Sample(f"delete {table}: find", plan.find, {KEYS: _keys(plan, contract)})
        for step in plan.steps:
            where = f"delete {table}" if plan.name == table else f"delete {table}, then {plan.name}"
            yield from _step_samples(where, step, contract)
        for name in (plan.name, *plan.ancestors):
            own = plans.plan(name)
            yield Sample(f"delete {table}: rows of {name}", own.delete, {KEYS: _keys(own, contract)})


def sample_value(type_name: str) -> Any:  # noqa: ANN401 - whatever a column holds
    """A value that a column of this type may hold, as PostgreSQL spells types."""
    kind = python_type(type_name)
    return [] if type_name.endswith("[]") else sample_of(kind)


def sample_of(kind: type) -> Any:  # noqa: ANN401 - of that type
    """A value of a column whose values are of this Python type."""
    return _VALUES.get(kind, {})


def _step_samples(where: str, step: DeletionStep, contract: Contract) -> Iterator[Sample]:
    by = f" by {'.'.join(step.relation)}" if step.relation else ""
    name = f"{where}: {step.kind} {step.table}.{step.column}{by}"
    keys = {KEYS: [sample_value(step.type_name or _type_of(contract, step.target))]}
    if step.is_any is not None:
        yield Sample(f"{name} if any", step.is_any, keys)
    value = step.value
    if callable(value):
        value = sample_value(_type_of(contract, TableColumn(step.table, step.column)))
    yield Sample(name, step.statement, keys | ({VALUE: value} if step.kind == "change" else {}))


def _keys(plan: TablePlan, contract: Contract) -> Sequence[Any]:
    places = sorted(plan.places, key=lambda place: plan.places[place])[: plan.width]
    values = [sample_value(_type_of(contract, place)) for place in places]
    return values if plan.width == 1 else [tuple(values)]


def _type_of(contract: Contract, place: TableColumn) -> str:
    return contract.tables[place.table].columns[place.column].type
