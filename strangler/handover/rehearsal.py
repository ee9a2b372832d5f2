"""Rehearses a handover in throwaway databases: what Django's migrations, the steps and Alembic make there."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from shared_schema.contract.contract import Contract
from strangler.databases.connections import Source, connected, dsn_to, login_of, refusals
from strangler.databases.dumping import database_dump_into, schema_dump
from strangler.databases.throwaway import Throwaways, database_create
from strangler.handover.baseline import BASELINE, upgrade
from strangler.handover.execution import execute
from strangler.handover.journal import HandoverJournal
from strangler.handover.live import plan_for
from strangler.handover.schema_text import VERSION_TABLE, SchemaPart, schema_differences, schema_parts
from strangler.handover.steps import StepPlan
from strangler.schema.django_side import ManageCommand, manage_output
from strangler.schema.guard.scratch import Scratch, project_on_scratch, require_scratch

SIDES: Final = ("Django's migrations", "the database")
_EXTENSIONS: Final = """
    SELECT extname, nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname <> 'plpgsql' ORDER BY pg_extension.oid
"""
_SUPERUSER: Final = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


@dataclass(frozen=True, kw_only=True)
class RehearsalSubject:
    """The live database, the Django project, and the project's contract."""

    source: Source
    project: ManageCommand
    contract: Contract


@dataclass(frozen=True, kw_only=True)
class StepChoice:
    """What the steps of one handover leave out: kinds of steps, and checks that rows of the live database break."""

    without: Collection[str] = ()
    skipped: Collection[str] = ()


def live_schema(source: Source) -> str:
    """The schema of the live database without Alembic's own table, as pg_dump's text.

    :raises FailedError: it can't be read.
    """
    return schema_read(source.admin_dsn)


def rehearse(
    subject: RehearsalSubject, plan: StepPlan, choice: StepChoice, *, notify: Callable[[str], None]
) -> list[str]:
    """Go the way and back on a clone; returns how the result differs from what Django's migrations and the steps make.

    :raises FailedError: a migration or a step fails, or one isn't undone as it was.
    """
    with fresh_databases(subject.source, notify=notify) as fresh:
        notify("rehearsing the steps on a clone of the schema")
        clone = fresh("clone")
        schema_clone(subject.source, clone)
        before = schema_parts(schema_read(clone.reading_dsn))
        journal = _run(clone.dsn, plan)
        after = schema_parts(schema_read(clone.reading_dsn))
        with connected(clone.dsn) as connection:
            execute(connection, journal.turned(), lambda _journal: None)
        undone = schema_differences(
            before, schema_parts(schema_read(clone.reading_dsn)), sides=("before", "after undoing")
        )
        notify("running Django's migrations in an empty database")
        made = _django_made(subject, choice, fresh("django"))
    return [f"undoing: {each}" for each in undone] + schema_differences(made, after, sides=SIDES)


def verify(
    subject: RehearsalSubject, choice: StepChoice, folder: Path, *, notify: Callable[[str], None]
) -> dict[str, list[str]]:
    """The differences by what was compared: Django's way against Alembic's, and the live database against Alembic's.

    :raises FailedError: a migration, a step or a revision fails.
    """
    with fresh_databases(subject.source, notify=notify) as fresh:
        notify("running Django's migrations and the steps in an empty database")
        django = _django_made(subject, choice, fresh("django"))
        notify("running alembic upgrade in another")
        alembic = fresh("alembic")
        upgrade(folder, alembic.dsn, revision=BASELINE)
        baseline = schema_parts(schema_read(alembic.reading_dsn))
        upgrade(folder, alembic.dsn)
        head = schema_parts(schema_read(alembic.reading_dsn))
    live = schema_parts(live_schema(subject.source))
    return {
        "Django's migrations with the steps, and Alembic's baseline": schema_differences(django, baseline, sides=SIDES),
        "Alembic's head, and the live database": schema_differences(head, live, sides=("Alembic", "the live database")),
    }


@contextmanager
def fresh_databases(
    source: Source, *, notify: Callable[[str], None], purpose: str = "handover"
) -> Iterator[Callable[[str], Scratch]]:
    """Gives a function that makes an empty database beside the live one; all are dropped at the end.

    :raises FailedError: the server refuses.
    """
    with connected(source.admin_dsn) as admin, ExitStack() as exits:
        made = Throwaways(admin, admin_dsn=source.admin_dsn, like=source.name, purpose=purpose, tell=notify)
        made.begin()

        def make(part: str) -> Scratch:
            name = made.name(part)
            exits.callback(made.drop, name)
            with refusals():
                database_create(admin, name=name, template="template0", like=source.name)
            owner = login_of(source.owner_dsn)[0]
            dsns = {"dsn": dsn_to(source.owner_dsn, name), "reading_dsn": dsn_to(source.admin_dsn, name)}
            scratch = Scratch(name=name, role=owner, roles=True, **dsns)
            require_scratch(source, scratch)
            return scratch

        yield make


def _django_made(subject: RehearsalSubject, choice: StepChoice, fresh: Scratch) -> Mapping[SchemaPart, str]:
    """What Django's migrations and the steps make of an empty database."""
    _extensions_copy(subject.source, fresh)
    manage_output(project_on_scratch(subject.project, subject.source, fresh), "migrate", "--noinput")
    plan, _broken = plan_for(fresh.dsn, subject.contract, without=choice.without, skipped=choice.skipped)
    _run(fresh.dsn, plan)
    return schema_parts(schema_read(fresh.reading_dsn))


def _run(dsn: str, plan: StepPlan) -> HandoverJournal:
    now = datetime.now(UTC).isoformat()
    journal = HandoverJournal(
        database="", checksum=plan.checksum, steps=plan.steps, who="", time=now, command="rehearsal"
    )
    with connected(dsn) as connection:
        return execute(connection, journal, lambda _journal: None)


def schema_read(dsn: str) -> str:
    """The schema of a database without Alembic's own table, as pg_dump's text.

    :raises FailedError: it can't be read.
    """
    with connected(dsn) as connection:
        major = connection.info.server_version // 10_000
    return schema_dump(dsn, major=major, part=[f"--exclude-table=*.{VERSION_TABLE}"])


def schema_clone(source: Source, clone: Scratch, *, part: Sequence[str] = ("--schema-only",)) -> None:
    """Give an empty database the schema of the live one, or what other options of pg_dump make the `part` of it.

    :raises FailedError: it can't be copied.
    """
    with connected(source.admin_dsn) as live:
        owned = live.execute(_SUPERUSER).fetchone() == (True,)
        major = live.info.server_version // 10_000
    database_dump_into(
        source=source.admin_dsn,
        target=clone.reading_dsn,
        major=major,
        owned=owned,
        part=part,
    )


def _extensions_copy(source: Source, fresh: Scratch) -> None:
    """What only a superuser may install is there before the migrations run, as in the live database."""
    with connected(source.admin_dsn) as live, connected(fresh.reading_dsn) as connection, refusals():
        for name, schema in live.execute(_EXTENSIONS).fetchall():
            _extension(connection, name, schema)


def _extension(connection: psycopg.Connection, name: str, schema: str) -> None:
    where = sql.Identifier(schema)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(where))
    connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {}").format(sql.Identifier(name), where))
