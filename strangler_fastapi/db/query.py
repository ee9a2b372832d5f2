"""Core statements, compiled once and run on the driver's own connection; what they read is shaped for the answer.

Building and compiling a statement costs SQLAlchemy more than PostgreSQL takes to answer it. So a statement is built
once for each `key`, which names its structure; what differs from request to request are its parameters. One that is
rare, or holds its values, is built each time, and compiled once (`fetch_built`).
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Union

import asyncpg
from sqlalchemy import BindParameter, ColumnElement, Executable, Numeric, UpdateBase
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.selectable import GenerativeSelect
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from shared_schema.consumer.samples import Sample
from shared_schema.contract.overlay import values_made
from strangler_fastapi.db.driver_errors import DRIVER_ERRORS
from strangler_fastapi.db.plans import PlanChoice, fetch_anew
from strangler_fastapi.db.session import RequestSession

# Keys are made of filters, orders and numbers of search terms: a client can make up many, and few come twice.
_MOST_STATEMENTS = 512

Expression = ColumnElement[Any] | Any
Converter = Callable[[Any], Any]
Fields = Mapping[str, Union[Expression, "Shape", "RowsWithin", "ValueOfRow"]]


class Shape:
    """What one item of an answer holds, in the order of its keys: SQL expressions, and shapes within.

        Shape({"id": Post.id, "author": Shape({"id": User.id})})

    stands for `{"id": 1, "author": {"id": 2}}` and selects two columns.
    """

    def __init__(
        self,
        fields: Fields,
        converters: Mapping[str, Converter] = MappingProxyType({}),
        *,
        made: Mapping[str, Converter] = MappingProxyType({}),
        order: Sequence[str] = (),
    ) -> None:
        """`converters` make a value one of an answer, `made` further keys of an item; `order` has all of them."""
        self._fields = fields
        self._optional = tuple(name for name, field in fields.items() if isinstance(field, ValueOfRow))
        own = {name: convert for name, field in fields.items() if (convert := _converter(field))}
        self._converters: dict[str, Converter] = {**own, **converters}
        self._made = made
        self._order = order

    @property
    def columns(self) -> list[Expression]:
        """The expressions, those of shapes within in their place."""
        columns: list[Expression] = []
        for field in self._fields.values():
            columns.extend(field.columns if isinstance(field, Shape) else [_expression(field)])
        return columns

    @cached_property
    def build(self) -> Callable[[Sequence[Any]], dict[str, Any]]:
        """Makes the item of a row whose first columns are the shape's."""
        called: list[Converter] = []
        return _evaluated(self.source(0, called))(called)

    def source(self, column: int, called: list[Converter]) -> str:
        """The item of a row as an expression of Python, the shape's first column being this one of the row.

        What it calls is added to `called`.
        """
        values = []
        for name, field in self._fields.items():
            if isinstance(field, Shape):
                value = field.source(column, called)
                column += len(field.columns)
            else:
                value = f"row[{column}]"
                column += 1
            if name in self._converters and name not in self._optional:
                value = f"None if (value := {value}) is None else called[{len(called)}](value)"
                called.append(self._converters[name])
            values.append(f"{name!r}: {value}")
        item = f"{{{', '.join(values)}}}"
        if not (self._made or self._optional):
            return item
        called.append(self._completed)
        return f"called[{len(called) - 1}]({item})"

    def _completed(self, item: dict[str, Any]) -> dict[str, Any]:
        """The item with what is made of the rest of it, and without the values of rows that aren't there."""
        for name in self._optional:
            if (row := item.pop(name)) is not None:
                convert = self._converters.get(name)
                item[name] = row[0] if convert is None or row[0] is None else convert(row[0])
        item |= {name: make(item) for name, make in self._made.items()}
        return {name: item[name] for name in self._order or self._fields if name in item}


@lru_cache(maxsize=512)
def _evaluated(item: str) -> Callable[[list[Converter]], Callable[[Sequence[Any]], dict[str, Any]]]:
    """What `item` says, as a function: a row of 11 columns takes 0.5 µs, and 3.5 by `zip` (docs/benchmark.md)."""
    return eval(f"lambda called: lambda row: {item}")  # type: ignore[no-any-return] # noqa: S307 - names and numbers of a project's own shapes


@dataclass(frozen=True)
class RowsWithin:
    """Rows of another table within an item, which one expression selects.

    It is `row(…)` of the shape's columns, or where `many` an array of such rows. No row stands for null.
    """

    expression: Expression
    shape: Shape
    many: bool = False

    def build(self, value: Any) -> Any:  # noqa: ANN401 - a driver's record, or a list of them
        """The item of the row, or the list of their items."""
        return [self.shape.build(row) for row in value] if self.many else self.shape.build(value)


@dataclass(frozen=True)
class ValueOfRow:
    """A column of another row, which may not be there: the item has no such key then.

    `expression` selects `row(column)`, null where there is no row.
    """

    expression: Expression
    column: Expression


def _expression(field: Any) -> Expression:  # noqa: ANN401 - an expression, rows within or a value of a row
    return field.expression if isinstance(field, RowsWithin | ValueOfRow) else field


def _converter(field: Any) -> Callable[[Any], Any] | None:  # noqa: ANN401 - an expression or a shape
    """What makes a column's value fit for an answer: a decimal is text without the exponent of Python's own."""
    if isinstance(field, RowsWithin):
        return field.build
    kind = getattr(field.column if isinstance(field, ValueOfRow) else field, "type", None)
    return "{:f}".format if isinstance(kind, Numeric) and kind.asdecimal else None


@dataclass(frozen=True)
class Rows:
    """A statement: the name of its structure, how it is built, and the values of its parameters.

    One that writes is in the session's transaction (`strangler_fastapi.db.session.RequestSession`).
    """

    key: Hashable
    build: Callable[[], Executable]
    values: Mapping[str, Any]

    def sample(self, name: str) -> Sample:
        """The statement under a name, for the consumer file."""
        return Sample(name, self.build(), self.values)


@dataclass(frozen=True)
class _Compiled:
    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    # What is made anew for each call: Django's defaults (`shared_schema.contract.overlay`).
    made: Mapping[str, Callable[[], Any]]
    needs_transaction: bool
    sql: Any
    plan: PlanChoice = dataclasses.field(default_factory=PlanChoice)

    def bound(self, parameters: Sequence[BindParameter[Any]] | None) -> dict[str, Any]:
        """The values of a statement of this structure, as the driver takes them; None: of the compiled one."""
        values = self.sql.construct_params(extracted_parameters=parameters, escape_names=False, _check=False)
        processors = self.sql._bind_processors  # noqa: SLF001 - said nowhere else
        given = (name for name in self.names if name not in self.made)
        return {name: processors[name](values[name]) if name in processors else values[name] for name in given}

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The arguments in the order of the text's parameters."""
        if not (self.constants or self.made):
            return [values[name] for name in self.names]
        every = {**self.constants, **{name: make() for name, make in self.made.items()}, **values}
        return [every[name] for name in self.names]


# With the driver, whose class a range is bound as.
_dialect = PGDialect_asyncpg(dbapi=PGDialect_asyncpg.import_dbapi())  # type: ignore[no-untyped-call] # SQLAlchemy's own
_compiled: OrderedDict[Hashable, _Compiled] = OrderedDict()


def fetch(session: RequestSession, rows: Rows) -> Awaitable[list[asyncpg.Record]]:
    """The rows; a statement that writes or locks begins the session's transaction.

    Raises:
        asyncpg.PostgresError: the database refuses the statement, or is going down.
        asyncpg.InterfaceError: the connection is dead.
        asyncpg.InternalClientError: the server has ended it.
        TimeoutError: the server doesn't answer at all.
    """
    statement = _statement(rows)
    return _fetch(session, statement, statement.arguments(rows.values))


def fetch_built(session: RequestSession, statement: Executable) -> Awaitable[list[asyncpg.Record]]:
    """The rows of a statement that holds its values; `fetch` of one whose structure SQLAlchemy tells.

    SQLAlchemy's session has a greenlet and a result for each (docs/benchmark.md).

    Raises:
        asyncpg.PostgresError: as of `fetch`, and the rest.
    """
    return _fetch(session, *_built(statement))


async def _fetch(session: RequestSession, statement: "_Compiled", arguments: list[Any]) -> list[asyncpg.Record]:
    driver = await session.driver()
    records: list[asyncpg.Record]
    try:
        if statement.needs_transaction:
            await session.begin_transaction()
            # What it waits for is another transaction mostly, and not its plan.
            return await driver.fetch(statement.text, *arguments)  # type: ignore[no-any-return] # the driver has no types
        with statement.plan.timed() as is_anew:
            if is_anew:
                records = await fetch_anew(driver, statement.text, arguments)
            else:
                records = await driver.fetch(statement.text, *arguments)
    except (*DRIVER_ERRORS, OSError) as error:
        # TimeoutError is an OSError: what the server may still answer would be taken for the next statement's.
        if driver.is_closed() or isinstance(error, asyncpg.InternalClientError | TimeoutError):
            await session.discard()
        raise
    return records


async def fetch_value(session: RequestSession, rows: Rows) -> Any:  # noqa: ANN401 - whatever the column holds
    """The first column of the first row, None where there is none."""
    records = await fetch(session, rows)
    return records[0][0] if records else None


def was_slow(rows: Rows) -> bool:
    """Whether a statement of this structure took long when it was last run here."""
    statement = _compiled.get(rows.key)
    return statement is not None and statement.plan.is_slow


def as_sent(rows: Rows) -> tuple[str, list[Any]]:
    """The statement's text and its arguments, as a driver's connection takes them."""
    statement = _statement(rows)
    return statement.text, statement.arguments(rows.values)


def _built(statement: Executable) -> tuple[_Compiled, list[Any]]:
    """A statement that holds its values, compiled once for its structure, and the values."""
    key = statement._generate_cache_key()  # type: ignore[attr-defined] # noqa: SLF001 - what SQLAlchemy's own cache goes by
    if key is None:
        compiled = _compile(statement)
        return compiled, compiled.arguments(compiled.bound(None))
    compiled = _remembered(key.key, lambda: _compile(statement, key))
    return compiled, compiled.arguments(compiled.bound(key.bindparams))


def _statement(rows: Rows) -> _Compiled:
    return _remembered(rows.key, lambda: _compile(rows.build()))


def _remembered(key: Hashable, compile_: Callable[[], _Compiled]) -> _Compiled:
    compiled = _compiled.get(key)
    if compiled is None:
        compiled = _compiled[key] = compile_()
        if len(_compiled) > _MOST_STATEMENTS:
            _compiled.popitem(last=False)
    else:
        _compiled.move_to_end(key)
    return compiled


def _compile(statement: Executable, cache_key: Any = None) -> _Compiled:  # noqa: ANN401 - SQLAlchemy's own
    compiled: Any = statement.compile(dialect=_dialect, cache_key=cache_key)  # type: ignore[attr-defined] # every statement has it
    text, names = compiled.string, tuple(compiled.positiontup or ())
    made = {column.key: _as_bound(make, column.type) for column, make in values_made(compiled)}
    # By their own names: an escaped one would hide a column's whose name has a space or a comma in it.
    every = compiled.construct_params(escape_names=False, _check=False)
    if compiled.post_compile_params and cache_key is None:
        # `in_` has a parameter for each value of its list, which is a constant of this statement.
        expanded = compiled._process_parameters_for_postcompile(every)  # noqa: SLF001 - as SQLAlchemy executes it
        text, names = expanded.statement, tuple(expanded.positiontup or ())
        every |= expanded.additional_parameters
    # What a call has to give is none: left out it would be null.
    constants = {name: every[name] for name in names if name not in compiled.binds or not compiled.binds[name].required}
    needs_transaction = any(isinstance(part, UpdateBase) or _locks(part) for part in iterate(statement))  # type: ignore[arg-type] # every statement can be walked
    return _Compiled(text, names, constants, made, needs_transaction, compiled)


def _locks(part: object) -> bool:
    return isinstance(part, GenerativeSelect) and part._for_update_arg is not None  # noqa: SLF001 - said nowhere else


def _as_bound(make: Callable[[], Any], kind: TypeEngine[Any]) -> Callable[[], Any]:
    """What gives a value as the driver takes it."""
    process = kind.dialect_impl(_dialect).bind_processor(_dialect)
    return make if process is None else lambda: process(make())
