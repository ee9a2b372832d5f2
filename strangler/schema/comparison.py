"""Compares the descriptions of the tables: Django's models, its migrations, the database, the contract, FastAPI."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from shared_schema.catalog import Catalog, read_catalog
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
_UNKNOWN: Final = "deploy the code that has it, or take it back with that code's manage.py migrate"

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class SchemaComparison:
    """Two that should agree, what they don't agree on, and why they could not be compared, if so."""

    name: str
    mismatches: tuple[Mismatch, ...] = ()
    problem: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether they were compared, and agree."""
        return not self.mismatches and self.problem is None

    def without(self, ignored: Iterable[str]) -> "SchemaComparison":
        """The same but for tables, or columns, of these patterns: `old_*`, `posts.legacy`."""
        kept = (each for each in self.mismatches if not any(_is_of(each, pattern) for pattern in ignored))
        return replace(self, mismatches=tuple(kept))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "ok": self.is_ok,
            "problem": self.problem,
            "mismatches": [
                {"table": each.table or None, "column": each.column, "message": each.message, "hint": each.hint}
                | {"expected": each.expected, "actual": each.actual}
                for each in self.mismatches
            ],
        }


def unseen_writes(contract: Contract, consumer: Consumer | None) -> Iterator[str]:
    """What Django does by Python when a row is written, of each table that the service writes without Django."""
    features = consumer.features.items() if consumer is not None else ()
    for key, table in contract.tables.items():
        called = [*(f"{table.model}.{name}" for name in table.overrides), *table.receivers]
        writing = sorted(name for name, each in features if key in {*each.inserts, *each.updates, *each.deletes})
        if called and writing:
            yield f"{', '.join(writing)} write {key} without {', '.join(called)}, which Django calls for each row."


def _is_of(mismatch: Mismatch, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (mismatch.table, f"{mismatch.table}.{mismatch.column}"))


@dataclass(frozen=True, kw_only=True)
class SchemaSides:
    """What is compared; what is None is left out.

    Attributes:
        project: how Django is asked.
        dsn: the live database as the owner of the tables, or anybody who sees them.
        role: FastAPI's, in that database.
        writers: the features of FastAPI that need their rights to write already.
    """

    contract: Contract
    consumer: Consumer | None
    project: ManageCommand | None
    dsn: str | None = field(repr=False)
    role: str | None
    writers: Collection[str]


def check_all(checked: SchemaSides) -> Iterator[SchemaComparison]:
    """Every comparison, one after another; one that can't be made says so, and the next goes on."""
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
        live = _once(lambda: _look(dsn, checked))
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


def _once(ask: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """`ask`, asked once however many comparisons want to know: it gives the same answer again, or the same failure."""

    @cache
    def outcome() -> _Answer | StranglerError:
        try:
            return ask()
        except StranglerError as error:
            return error

    def answer() -> _Answer:
        found = outcome()
        if isinstance(found, StranglerError):
            raise found
        return found

    return answer


def _without_database(state: Callable[[], SchemaState], project: ManageCommand) -> SchemaState:
    """What needs no database, even where none answers."""
    try:
        return state()
    except StranglerError:
        return django_state(project, database=False)


class _Live(NamedTuple):
    """The live tables, and what FastAPI's role may not do with them."""

    catalog: Catalog
    denied: list[Mismatch]


def _look(dsn: str, checked: SchemaSides) -> _Live:
    with live_connection(dsn) as connection:
        catalog = read_catalog(connection)
        if checked.consumer is None:
            return _Live(catalog, [])
        denied = denied_mismatches(connection, checked.consumer, catalog, role=checked.role, writers=checked.writers)
        return _Live(catalog, denied)


def _unmade(state: SchemaState) -> Iterator[Mismatch]:
    for conflict in state.conflicts:
        names = " and ".join(conflict.names)
        yield Mismatch("", None, f"The migrations of {conflict.app} have two ends, {names}", _MERGE)
    for each in state.unmade:
        where = (
            f" (column {each.table}.{each.column})" if each.column else f" (table {each.table})" if each.table else ""
        )
        message = f"No migration of {each.app} does what its models say, {each.description}{where}"
        yield Mismatch(each.table or "", each.column, message, _MAKE)


def _unapplied(state: SchemaState) -> Iterator[Mismatch]:
    for name in state.pending or ():
        yield Mismatch("", None, f"Migration {name} is not applied", _APPLY)
    for name in state.unknown or ():
        yield Mismatch("", None, f"Migration {name} is applied and not in Django's code", _UNKNOWN)


@dataclass(frozen=True)
class SchemaDifference:
    """What is otherwise: `before` is None where it is new, `after` where it is gone."""

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
        """For machines."""
        return {
            "table": self.table,
            "column": self.column,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
        }


def differences(before: Contract | Catalog, after: Contract | Catalog) -> list[SchemaDifference]:
    """All of them, by table; a live database is compared in what it can tell.

    :raises UsageError: both are live databases.
    """
    if isinstance(before, Contract) and isinstance(after, Contract):
        return list(_differences(contract_changes(before, after)))
    if isinstance(before, Contract) and isinstance(after, Catalog):
        return list(_differences(contract_mismatches(before, after)))
    if isinstance(before, Catalog) and isinstance(after, Contract):
        return [
            SchemaDifference(each.table, each.column, each.subject, each.after, each.before)
            for each in differences(after, before)
        ]
    raise UsageError(
        "a live database is compared with a contract", "name one of contract, django, git:REVISION or a file"
    )


def _differences(mismatches: list[Mismatch]) -> Iterator[SchemaDifference]:
    for each in mismatches:
        yield SchemaDifference(each.table, each.column, each.subject, each.expected, each.actual)
