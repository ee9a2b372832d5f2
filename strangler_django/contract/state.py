"""The differences between models, migrations and the database; reads only."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands import makemigrations
from django.db import connection as default_connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import truncate_name
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState

from strangler_django.contract.names import table_key

Facts = dict[str, Any]


def code_state() -> Facts:
    """The state of the code alone: operations that makemigrations would write, and apps with several leaf migrations.

    :raises CommandError: the project's makemigrations refuses.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    conflicts = loader.detect_conflicts()
    return {
        "conflicts": [{"app": app, "names": sorted(names)} for app, names in sorted(conflicts.items())],
        # With several leaf migrations the state to compare the models with is undefined.
        "unmade": [] if conflicts else list(_unmade(loader)),
    }


def database_state(connection: BaseDatabaseWrapper) -> Facts:
    """The state of the database: migrations that aren't applied, and applied ones that the code lacks.

    :raises OperationalError: the database doesn't answer.
    """
    executor = MigrationExecutor(connection)
    loader = executor.loader
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(tuple(replaced) for replaced in migration.replaces)
    plan = executor.migration_plan(loader.graph.leaf_nodes()) if not loader.detect_conflicts() else []
    return {
        "pending": [{"app": migration.app_label, "name": migration.name} for migration, _ in plan],
        # Not the loader's, which adds those that a squashed one replaces.
        "unknown": [
            {"app": app, "name": name} for app, name in sorted(set(executor.recorder.applied_migrations()) - known)
        ],
    }


def project_command(name: str) -> BaseCommand:
    """The command that `manage.py NAME` runs, which may be the project's own."""
    found = get_commands()[name]
    return found if isinstance(found, BaseCommand) else load_command_class(found, name)


def _unmade(loader: MigrationLoader) -> Iterator[Facts]:
    state = loader.project_state()
    for app, migrations in sorted(_changes(loader, state).items()):
        for migration in migrations:
            for operation in migration.operations:
                yield {"app": app, "description": operation.describe()} | _place(app, operation, state)


def _changes(loader: MigrationLoader, state: ProjectState) -> dict[str, list[Migration]]:
    """The operations that makemigrations would write; a project's own command may compare fields differently."""
    changes: dict[str, list[Migration]] = {}
    command = project_command("makemigrations")
    command.write_migration_files = changes.update
    # It would check the database's history for consistency, and build the state again.
    loader.check_consistent_history = lambda _connection: None
    loader.project_state = lambda: state.clone()
    with _instead(makemigrations, MigrationLoader=lambda *_, **__: loader, NonInteractiveMigrationQuestioner=_Quiet):
        try:
            call_command(command, interactive=False, dry_run=True, verbosity=0)
        except SystemExit as error:
            raise CommandError(f"The project's own makemigrations ends with {error.code}: run it by hand.") from error
    return changes


class _Quiet(MigrationQuestioner):
    """Answers questions itself; Django's own ends the process instead."""

    def __init__(self, specified_apps: set[str] | None = None, dry_run: bool | None = None, **_options: object) -> None:
        super().__init__(specified_apps=specified_apps, dry_run=dry_run)


@contextmanager
def _instead(module: Any, **names: Any) -> Iterator[None]:  # noqa: ANN401 - a module, and what stands in it
    with ExitStack() as stack:
        for name, value in names.items():
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
        yield


def _place(app: str, operation: Operation, state: ProjectState) -> Facts:
    """The table and column of an operation, if the models or the migrations have them.

    Read off the state: to build the models of hundreds of migrations takes minutes.
    """
    model_name = getattr(operation, "model_name", getattr(operation, "name", ""))
    field_name = operation.name if isinstance(operation, FieldOperation) else None
    try:
        meta = apps.get_model(app, model_name)._meta  # noqa: SLF001 - as Django documents to read a model
        column = {"column": meta.get_field(field_name).column} if field_name else {}
        return {"table": table_key(meta.db_table)} | column
    except (LookupError, FieldDoesNotExist):
        found = state.models.get((app, model_name.lower()))
        return _place_in(found, field_name) if found is not None else {}


def _place_in(model: ModelState, field_name: str | None) -> Facts:
    name = f"{model.app_label}_{model.name_lower}"
    table = model.options.get("db_table") or truncate_name(name, default_connection.ops.max_name_length())
    if field_name is None:
        return {"table": table_key(table)}
    if field_name not in model.fields:
        return {}
    field = model.fields[field_name].clone()
    field.set_attributes_from_name(field_name)
    return {"table": table_key(table), "column": field.column}
