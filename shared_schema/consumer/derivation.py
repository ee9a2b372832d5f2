"""Derives the consumer's side of the contract from the statements that a service can send."""

import json
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from datetime import date, datetime, time
from typing import Any, Final, get_origin
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared_schema.consumer.consumer import Consumer, Feature, Need, SampleQuery
from shared_schema.consumer.samples import MOMENT, Deletion, Sample, Sent, deletion_samples
from shared_schema.consumer.usage import Columns, Usage, usage_of
from shared_schema.contract.contract import Contract
from shared_schema.contract.overlay import values_made
from shared_schema.contract.tables import contract_metadata
from shared_schema.mapping import Mapping, needed_columns

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # SQLAlchemy's own


def derive_consumer(
    mapping: Mapping, contract: Contract, features: MappingOf[str, Callable[[], Iterable[Sent]]]
) -> Consumer:
    """What the features need of the contract's tables, which `mapping` is mapped on: in a process of its own."""
    mapping.map(contract_metadata(contract), contract)
    derived = {name: derive_feature(samples(), contract) for name, samples in sorted(features.items())}
    return Consumer(features=derived, needs=_needs(mapping, derived.values()))


def derive_feature(sent: Iterable[Sent], contract: Contract) -> Feature:
    """What one feature needs, and its statements by name; a statement that is sent from several places counts once."""
    usage = Usage()
    statements: dict[str, SampleQuery] = {}
    for sample in _each(sent, contract):
        usage |= usage_of(sample.statement)
        statement = as_statement(sample)
        if statements.setdefault(sample.name, statement) != statement:
            raise ValueError(f"Two statements are called {sample.name!r}: give each a name of its own.")
    return Feature(
        reads=_sorted(usage.reads),
        inserts=_sorted(usage.inserts),
        updates=_sorted(usage.updates),
        deletes=tuple(sorted(usage.deletes)),
        statements=tuple(statement for _, statement in sorted(statements.items())),
    )


def as_statement(sample: Sample) -> SampleQuery:
    """The statement as asyncpg gets it.

    Raises:
        InvalidRequestError: the sample lacks the value of a parameter.
    """
    compiled: Any = sample.statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined] # every statement has it
    made = {column.key: make() for column, make in values_made(compiled)}
    state = compiled.construct_expanded_state(made | dict(sample.values), escape_names=False)
    return SampleQuery(
        name=sample.name,
        sql=state.statement,
        values=tuple(as_json(value) for value in state.positional_parameters),
    )


def render_consumer(consumer: Consumer) -> str:
    """The file's text: sorted, so that a diff shows what changed."""
    return json.dumps(consumer.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _each(sent: Iterable[Sent], contract: Contract) -> Iterator[Sample]:
    for item in sent:
        if isinstance(item, Deletion):
            yield from deletion_samples(item.table, contract)
        else:
            yield item


def _needs(mapping: Mapping, features: Iterable[Feature]) -> dict[str, dict[str, Need]]:
    """What the annotations say of each column that a feature reads."""
    read: dict[str, set[str]] = {}
    for feature in features:
        for table, columns in feature.reads.items():
            read.setdefault(table, set()).update(columns)
    needs: dict[str, dict[str, Need]] = {}
    for cls in mapping.classes:
        for column, (kind, nullable) in needed_columns(cls).items():
            if column in read.get(cls.__table_key__, ()):
                needs.setdefault(cls.__table_key__, {})[column] = Need(type=spelled(kind), nullable=nullable)
    return needs


def spelled(kind: type) -> str:
    """`int`, `datetime`, `list[str]`: a name for people, whose first word is a class's."""
    return kind.__name__ if get_origin(kind) is None else str(kind).replace("typing.", "")


def _sorted(columns: Columns) -> dict[str, tuple[str, ...]]:
    return {table: tuple(sorted(columns[table])) for table in sorted(columns)}


def as_json(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """A value as PostgreSQL reads it, the same each time."""
    if isinstance(value, datetime):
        value = MOMENT if value.tzinfo else MOMENT.replace(tzinfo=None)
    elif isinstance(value, date):
        value = MOMENT.date()
    elif isinstance(value, time):
        value = MOMENT.time()
    elif isinstance(value, UUID):
        value = UUID(int=1)
    elif isinstance(value, bytes):
        return f"\\x{value.hex()}"
    elif isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return to_jsonable_python(value)
