"""Compares the five descriptions of the tables: Django's models, its migrations, the database, contract, FastAPI."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from shared_schema.catalog import Catalog
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from shared_schema.drift import Mismatch
from shared_schema.drift.consumer import consumer_mismatches, contract_consumer_mismatches
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.privileges import denied_mismatches
from shared_schema.drift.revisions import contract_changes
from strangler.databases.connections import live_connection
from strangler.errors import StranglerError, UsageError
from strangler.schema.django_side import ManageCommand, SchemaState, django_contract, django_state

_MAKE: Final = "run manage.py makemigrations"
_MERGE: Final = "run manage.py makemigrations --merge"
_APPLY: Final = "run manage.py migrate, with strangler schema guard before it"
_UNKNOWN: Final = "deploy the code that has it, or undo it with that code's manage.py migrate"

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class SchemaComparison:
    """The mismatches between two descriptions of the tables, or the problem that prevented the comparison."""

    name: str
    mismatches: tuple[Mismatch, ...] = ()
    problem: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the comparison was made and found no mismatch."""
        return not self.mismatches and self.problem is None

    def without(self, ignored: Iterable[str]) -> "SchemaComparison":
        """The comparison without mismatches of these tables or columns, as patterns: `old_*`, `posts.legacy`."""
        kept = (one for one in self.mismatches if not any(_is_of(one, pattern) for pattern in ignored))
        return replace(self, mismatches=tuple(kept))

    def as_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "ok": self.is_ok,
            "problem": self.problem,
            "mismatches": [
                {"table": one.table or None, "column": one.column, "message": one.message, "hint": one.hint}
                | {"expected": one.expected, "actual": one.actual}
                for one in self.mismatches
            ],
        }


def unseen_writes(contract: Contract, consumer: Consumer | None) -> Iterator[str]:
    """Sentences on Python code that Django runs on writes, for the tables that FastAPI writes without Django."""
    features = consumer.features.items() if consumer is not None else ()
    for key, table in contract.tables.items():
        called = [*(f"{table.model}.{name}" for name in table.overrides), *table.receivers]
        writing = sorted(name for name, use in features if key in {*use.inserts, *use.updates, *use.deletes})
        if called and writing:
            yield f"{', '.join(writing)} write {key} without {', '.join(called)}, which Django calls for each row."


def _is_of(mismatch: Mismatch, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (mismatch.table, f"{mismatch.table}.{mismatch.column}"))


@dataclass(frozen=True, kw_only=True)
class SchemaSides:
    """The sides of the comparisons; None leaves one out.

    Attributes:
        project: how Django's commands are run.
        dsn: the live database, as a role that may read the catalog of the tables.
        role: FastAPI's role in that database.
        writers: the features of FastAPI that need their rights to write already.
        unused: those that need no rights yet.
    """

    contract: Contract
    consumer: Consumer | None
    project: ManageCommand | None
    dsn: str | None = field(repr=False)
    role: str | None
    writers: Collection[str]
    unused: Collection[str] = ()


def check_all(checked: SchemaSides) -> Iterator[SchemaComparison]:
    """Make every comparison in turn; one that can't be made has a `problem`, and the next follows."""
    contract, consumer = checked.contract, checked.consumer
    if (project := checked.project) is not None:
        state = _once(lambda: django_state(project, database=checked.dsn is not None))
        yield _compared("Django's models and its migrations", lambda: _unmade(_without_database(state, project)))
        if checked.dsn is not None:
            yield _compared("Django's migrations and the database", lambda: _unapplied(state()))
        yield _compared(
            "Django's models and the contract", lambda: contract_changes(contract, django_contract(project))
        )
    if consumer is not None:
        yield _compared("the contract and FastAPI", lambda: contract_consumer_mismatches(consumer, contract))
    if (dsn := checked.dsn) is not None:
        live = _once(lambda: _read_live(dsn, checked))
        yield _compared("the database and the contract", lambda: contract_mismatches(contract, live().catalog))
        if consumer is not None:
            yield _compared(
                "the database and FastAPI", lambda: consumer_mismatches(consumer, live().catalog) + live().denied
            )


def _compared(name: str, compare: Callable[[], Iterable[Mismatch]]) -> SchemaComparison:
    try:
        return SchemaComparison(name, tuple(compare()))
    except StranglerError as error:
        return SchemaComparison(name, problem=str(error))


def _once(read: Callable[[], _Result]) -> Callable[[], _Result]:
    """`read`, called once: later calls give the same result, or raise the same error."""

    @cache
    def outcome() -> _Result | StranglerError:
        try:
            return read()
        except StranglerError as error:
            return error

    def result() -> _Result:
        if isinstance(value := outcome(), StranglerError):
            raise value
        return value

    return result


def _without_database(state: Callable[[], SchemaState], project: ManageCommand) -> SchemaState:
    """The state, without that of the database where it doesn't answer."""
    try:
        return state()
    except StranglerError:
        return django_state(project, database=False)


class _Live(NamedTuple):
    """The live tables, and what FastAPI's role may not do with them."""

    catalog: Catalog
    denied: list[Mismatch]


def _read_live(dsn: str, checked: SchemaSides) -> _Live:
    with live_connection(dsn) as connection:
        catalog = read_catalog(connection)
        if checked.consumer is None:
            return _Live(catalog, [])
        used, writers = checked.consumer.without(checked.unused), set(checked.writers) - set(checked.unused)
        denied = denied_mismatches(connection, used, catalog, role=checked.role, writers=writers)
        return _Live(catalog, denied)


def _unmade(state: SchemaState) -> Iterator[Mismatch]:
    for conflict in state.conflicts:
        names = " and ".join(conflict.names)
        yield Mismatch("", None, f"The migrations of {conflict.app} have several leaf migrations, {names}", _MERGE)
    for missing in state.unmade:
        table, column = missing.table, missing.column
        where = f" (column {table}.{column})" if column else f" (table {table})" if table else ""
        message = f"The models of {missing.app} have a change without a migration, {missing.description}{where}"
        yield Mismatch(table or "", column, message, _MAKE)


def _unapplied(state: SchemaState) -> Iterator[Mismatch]:
    for name in state.pending or ():
        yield Mismatch("", None, f"Migration {name} is not applied", _APPLY)
    for name in state.unknown or ():
        yield Mismatch("", None, f"Migration {name} is applied and missing in Django's code", _UNKNOWN)


@dataclass(frozen=True)
class SchemaDifference:
    """One difference between two schemas; `before` is None if the subject is new, `after` if it was removed."""

    table: str
    column: str | None
    subject: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.subject} {self.after}".rstrip()
        if self.after is None:
            return f"- {self.subject} {self.before}".rstrip()
        return f"~ {self.subject}: {self.before} → {self.after}"

    def as_json(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def differences(before: Contract | Catalog, after: Contract | Catalog) -> list[SchemaDifference]:
    """All differences, by table; facts that only Django knows aren't compared with a live database.

    :raises UsageError: both are live databases.
    """
    if isinstance(before, Contract) and isinstance(after, Contract):
        return list(_differences(contract_changes(before, after)))
    if isinstance(before, Contract) and isinstance(after, Catalog):
        return list(_differences(contract_mismatches(before, after)))
    if isinstance(before, Catalog) and isinstance(after, Contract):
        return [replace(one, before=one.after, after=one.before) for one in differences(after, before)]
    raise UsageError(
        "a live database is compared with a contract", "name one of contract, django, git:REVISION or a file"
    )


def _differences(mismatches: list[Mismatch]) -> Iterator[SchemaDifference]:
    for one in mismatches:
        yield SchemaDifference(one.table, one.column, one.subject, one.expected, one.actual)
