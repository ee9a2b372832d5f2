"""Applies migrations through Django's own executor, and reports what each did."""

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
_ONE_DATABASE = "It uses another of DATABASES, which is no scratch database"


class RehearsalError(Exception):
    """A migration failed; `facts` are its name and error, for the last line."""

    def __init__(self, facts: Facts) -> None:
        super().__init__("{app}.{name}: {error}".format(**facts))
        self.facts = facts


class ReaderGoneError(BaseException):
    """The reader of the lines has ended; a BaseException, so that no migration catches it."""


class Rehearsal:
    """Migrations of a scratch database; `report` receives the facts of each once it is done."""

    def __init__(self, connection: BaseDatabaseWrapper, report: Callable[[Facts], None]) -> None:
        self._connection = connection
        self._report = report
        self._log = StatementLog(connection)
        self._executor = MigrationExecutor(connection, self._progress)
        self._executor.recorder = _SilentRecorder(connection, self._log)
        self._started = 0.0
        self._current = ("", "")

    def pending(self) -> Plan:
        """The plan that `migrate` would apply."""
        self._executor.loader.check_consistent_history(self._connection)
        return self._executor.migration_plan(self._executor.loader.graph.leaf_nodes())

    def backwards(self, names: Iterable[tuple[str, str]]) -> Plan:
        """The plan that undoes those migrations, newest first.

        :raises ValueError: one is unknown or not applied, or another applied one depends on it.
        """
        loader, wanted = self._executor.loader, set(names)
        for app, name in sorted(wanted - set(loader.applied_migrations)):
            raise ValueError(f"{app}.{name} is not applied: leave it out.")
        for key in sorted(wanted):
            for dependent in loader.graph.backwards_plan(key):
                if dependent in loader.applied_migrations and dependent not in wanted:
                    raise ValueError(f"{'.'.join(key)} can't be undone before {'.'.join(dependent)}: name that too.")
        everything = self._executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)
        return [(step, True) for step, _ in reversed(everything) if (step.app_label, step.name) in wanted]

    def run(self, plan: Plan) -> None:
        """Run the plan, with the signals that `migrate` sends before and after.

        Other databases of the project stay unchanged: a migration that uses one has failed.

        :raises RehearsalError: a migration failed; earlier ones are applied.
        """
        try:
            with databases_closed(_ONE_DATABASE, but=self._connection):
                self._run(plan)
        except (Exception, SystemExit) as error:
            app, name = self._current
            # psycopg's own error, which Django wraps, has PostgreSQL's code.
            sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
            raise RehearsalError({"app": app, "name": name, "error": _reason(error), "sqlstate": sqlstate}) from error

    def _run(self, plan: Plan) -> None:
        self._current = ("", "pre_migrate")
        state = self._executor._create_project_state(with_applied_migrations=True)  # noqa: SLF001 - as `migrate` does
        self._signal(emit_pre_migrate_signal, plan, state)
        with _logged(plan, self._log), self._log.recorded():
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
            self._report({"app": migration.app_label, "name": migration.name, "started": True})
        else:
            self._report(self._facts(migration, time.monotonic() - self._started))

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
    """Keeps Django's own bookkeeping out of the log."""

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
def _logged(plan: Plan, log: StatementLog) -> Iterator[None]:
    """Wrap the operations of the plan so that the log knows which one runs; restored afterwards."""
    operations = [operation for migration, _ in plan for operation in _all_operations(migration.operations)]
    for operation in operations:
        for name in ("database_forwards", "database_backwards"):
            setattr(operation, name, _logging(operation, getattr(operation, name), log))
    try:
        yield
    finally:
        for operation in operations:
            del operation.database_forwards, operation.database_backwards


def _logging(operation: Operation, work: Callable[..., None], log: StatementLog) -> Callable[..., None]:
    def logged(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        with log.within(operation):
            work(*arguments, **options)

    return logged


def _rendered(state: ProjectState) -> ProjectState:
    """The state after the migrations, with the models of apps that have none (as `migrate` does before its signal)."""
    state.clear_delayed_apps_cache()
    with state.apps.bulk_update():
        real = [(model.app_label, model.name_lower) for model in state.apps.real_models]
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
    # Frames of the project, without those of libraries and of this file.
    frames = [frame for frame in extract_tb(error.__traceback__) if not _LIBRARY.search(frame.filename)]
    return f"{what} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else what
