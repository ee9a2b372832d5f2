"""Applies migrations through Django's own executor, and tells what each did."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from traceback import extract_tb
from typing import Any

from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState, ProjectState

from strangler_django.contract.sentences import first_line
from strangler_django.contract.statements import StatementLog
from strangler_django.contract.unconnected import databases_closed

Facts = dict[str, Any]
Plan = list[tuple[Migration, bool]]

_LIBRARY = re.compile(r"^<|/site-packages/|/lib/python\d|/strangler_django/|/manage\.py$")
_ONE_DATABASE = "It asks another of DATABASES, which is no scratch database"


class RehearsalError(Exception):
    """A migration failed; `facts` say which and why, for the last line."""

    def __init__(self, facts: Facts) -> None:
        super().__init__("{app}.{name}: {error}".format(**facts))
        self.facts = facts


class ReaderGoneError(BaseException):
    """Nobody wants to know of more; no error, so that no migration can take it for its own."""


class Rehearsal:
    """Migrations of a scratch database. `tell` is given the facts of each as soon as it is done."""

    def __init__(self, connection: BaseDatabaseWrapper, tell: Callable[[Facts], None]) -> None:
        self._connection = connection
        self._tell = tell
        self._log = StatementLog(connection)
        self._executor = MigrationExecutor(connection, self._progress)
        self._executor.recorder = _SilentRecorder(connection, self._log)
        self._started = 0.0
        self._current = ("", "")

    def pending(self) -> Plan:
        """What `migrate` would apply."""
        self._executor.loader.check_consistent_history(self._connection)
        return self._executor.migration_plan(self._executor.loader.graph.leaf_nodes())

    def backwards(self, names: Iterable[tuple[str, str]]) -> Plan:
        """What undoes those migrations, newest first.

        :raises ValueError: one is not known or not applied, or another that is applied needs it.
        """
        loader, wanted = self._executor.loader, set(names)
        for app, name in sorted(wanted - set(loader.applied_migrations)):
            raise ValueError(f"{app}.{name} is not applied: leave it out.")
        for key in sorted(wanted):
            for needing in loader.graph.backwards_plan(key):
                if needing in loader.applied_migrations and needing not in wanted:
                    raise ValueError(f"{'.'.join(key)} can't be undone before {'.'.join(needing)}: name that too.")
        everything = self._executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)
        return [(found, True) for found, _ in reversed(everything) if (found.app_label, found.name) in wanted]

    def run(self, plan: Plan) -> None:
        """Do what the plan says, with the signals that `migrate` sends before and after.

        Nothing is done to other databases of the project: a migration that asks one has failed.

        :raises RehearsalError: a migration failed; those before it are done.
        """
        try:
            with databases_closed(_ONE_DATABASE, but=self._connection):
                self._run(plan)
        except (Exception, SystemExit) as error:
            app, name = self._current
            # psycopg's own error, which Django has wrapped, knows PostgreSQL's code.
            sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
            raise RehearsalError({"app": app, "name": name, "error": _reason(error), "sqlstate": sqlstate}) from error

    def _run(self, plan: Plan) -> None:
        self._current = ("", "pre_migrate")
        state = self._executor._create_project_state(with_applied_migrations=True)  # noqa: SLF001 - as `migrate` does
        self._signal(emit_pre_migrate_signal, plan, state)
        with _watched(plan, self._log), self._log.listening():
            state = self._executor.migrate([], plan=plan, state=state.clone())
        self._current = ("", "post_migrate")
        self._signal(emit_post_migrate_signal, plan, _rendered(state))

    def _signal(self, emit: Callable[..., None], plan: Plan, state: ProjectState) -> None:
        emit(verbosity=0, interactive=False, db=self._connection.alias, stdout=sys.stderr, apps=state.apps, plan=plan)

    def _progress(self, action: str, migration: Migration | None = None, _fake: bool = False) -> None:
        if migration is None:
            return
        if action.endswith("_start"):
            self._current, self._started = (migration.app_label, migration.name), time.monotonic()
            self._log.start()
            self._tell({"app": migration.app_label, "name": migration.name, "started": True})
        else:
            self._tell(self._facts(migration, time.monotonic() - self._started))

    def _facts(self, migration: Migration, seconds: float) -> Facts:
        operations = [
            {
                "kind": type(operation).__name__,
                "describe": operation.describe(),
                "reversible": operation.reversible,
                "reduces_to_sql": operation.reduces_to_sql,
                "loses_data": self._log.loses_data(operation),
            }
            for operation in migration.operations
        ]
        return {
            "app": migration.app_label,
            "name": migration.name,
            "atomic": migration.atomic,
            "reversible": all(operation.reversible for operation in migration.operations),
            "operations": operations,
            "sql": self._log.lines,
            "locked": self._log.locked,
            "seconds": round(seconds, 3),
        }


class _SilentRecorder(MigrationRecorder):
    """Django's own bookkeeping is no part of a migration."""

    def __init__(self, connection: BaseDatabaseWrapper, log: StatementLog) -> None:
        super().__init__(connection)
        self._log = log

    def ensure_schema(self) -> None:
        with self._log.paused():
            super().ensure_schema()

    def applied_migrations(self) -> dict[tuple[str, str], Any]:
        with self._log.paused():
            return super().applied_migrations()

    def record_applied(self, app: str, name: str) -> None:
        with self._log.paused():
            super().record_applied(app, name)

    def record_unapplied(self, app: str, name: str) -> None:
        with self._log.paused():
            super().record_unapplied(app, name)


@contextmanager
def _watched(plan: Plan, log: StatementLog) -> Iterator[None]:
    """Every operation of the plan tells the log when it works; afterwards they are as they were."""
    operations = [operation for migration, _ in plan for operation in _all_operations(migration.operations)]
    for operation in operations:
        for name in ("database_forwards", "database_backwards"):
            setattr(operation, name, _watching(operation, getattr(operation, name), log))
    try:
        yield
    finally:
        for operation in operations:
            del operation.database_forwards, operation.database_backwards


def _watching(operation: Operation, work: Callable[..., None], log: StatementLog) -> Callable[..., None]:
    def watched(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        with log.within(operation):
            work(*arguments, **options)

    return watched


def _rendered(state: ProjectState) -> ProjectState:
    """The state after the migrations, with the models of apps that have none (as `migrate` does before its signal)."""
    state.clear_delayed_apps_cache()
    with state.apps.bulk_update():
        real = [(found.app_label, found.name_lower) for found in state.apps.real_models]
        for key in real:
            state.apps.unregister_model(*key)
    state.apps.render_multiple([ModelState.from_model(apps.get_model(*key)) for key in real])
    return state


def _all_operations(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        yield operation
        yield from _all_operations(getattr(operation, "database_operations", ()))


def _reason(error: BaseException) -> str:
    what = f"{type(error).__name__}: {first_line(error)}" if str(error) else type(error).__name__
    if isinstance(error, EOFError):
        return f"{what}: it waits for the console, and a deployment has none"
    # Of the project: Django's own files, and this one, are known to work.
    frames = [frame for frame in extract_tb(error.__traceback__) if not _LIBRARY.search(frame.filename)]
    return f"{what} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else what
