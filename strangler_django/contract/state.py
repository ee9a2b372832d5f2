"""Where models, migrations and the database stand to one another, without changing any."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from strangler_django.contract.names import table_key

Facts = dict[str, Any]


def code_state() -> Facts:
    """What the code alone tells: what makemigrations would still write, and apps whose migrations have two ends."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    conflicts = loader.detect_conflicts()
    return {
        "conflicts": [{"app": app, "names": sorted(names)} for app, names in sorted(conflicts.items())],
        # With two ends the state that the models are compared with is anybody's guess.
        "unmade": [] if conflicts else list(_unmade(loader)),
    }


def database_state(connection: BaseDatabaseWrapper) -> Facts:
    """What the database adds: migrations that it has yet to see, and those that it has seen and the code lacks.

    :raises OperationalError: the database doesn't answer.
    """
    loader = MigrationExecutor(connection).loader
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(tuple(replaced) for replaced in migration.replaces)
    applied = MigrationRecorder(connection).applied_migrations()
    pending = pending_migrations(connection) if not loader.detect_conflicts() else []
    return {
        "pending": [{"app": app, "name": name} for app, name in pending],
        "unknown": [{"app": app, "name": name} for app, name in sorted(set(applied) - known)],
    }


def pending_migrations(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """App and name of what `migrate` would apply, in its order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [(migration.app_label, migration.name) for migration, _ in plan]


def _unmade(loader: MigrationLoader) -> Iterator[Facts]:
    # Not the questioner of `makemigrations --noinput`, which ends the process where it would ask.
    questioner = MigrationQuestioner(specified_apps=set(), dry_run=True)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps), questioner)
    for app, migrations in sorted(detector.changes(graph=loader.graph).items()):
        for migration in migrations:
            for operation in migration.operations:
                yield {"app": app, "description": operation.describe()} | _place(app, operation, loader)


def _place(app: str, operation: Operation, loader: MigrationLoader) -> Facts:
    """The table and column that an operation is about, where the models or the migrations know them."""
    of_column = isinstance(operation, FieldOperation)
    model_name = getattr(operation, "model_name", getattr(operation, "name", ""))
    for known in (apps, loader.project_state().apps):
        try:
            meta = known.get_model(app, model_name)._meta  # noqa: SLF001 - as Django documents to read a model
            column = {"column": meta.get_field(operation.name).column} if of_column else {}
        except (LookupError, FieldDoesNotExist):
            continue
        return {"table": table_key(meta.db_table)} | column
    return {}
