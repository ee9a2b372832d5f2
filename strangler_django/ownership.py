"""Whether the tables are still Django's: `strangler handover` leaves a mark in the database where Alembic owns them."""

from functools import wraps
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import makemigrations
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# As strangler.handover.baseline writes it.
MARK = "Alembic owns these tables (strangler)"
_QUERY = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"


def is_handed_over(connection: BaseDatabaseWrapper) -> bool:
    """Whether Alembic owns the tables; no where nobody answers."""
    if connection.vendor != "postgresql":
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY)
            return cursor.fetchone() == (MARK,)
    except Error:
        return False


def refuse_migrate(*, using: str, **_signal: Any) -> None:  # noqa: ANN401 - a receiver of Django's pre_migrate
    """Refuse to migrate tables that are Alembic's.

    :raises CommandError: they are.
    """
    if is_handed_over(connections[using]):
        raise CommandError(
            "Alembic owns the tables of this database, so Django migrates nothing: run alembic upgrade head, "
            "or give them back with strangler handover rollback."
        )


def makemigrations_guard() -> None:
    """Have makemigrations, also a project's own that calls Django's, refuse where its files would never be applied."""
    handle = makemigrations.Command.handle

    @wraps(handle)
    def guarded(self: makemigrations.Command, *app_labels: str, **options: Any) -> Any:  # noqa: ANN401 - argparse's
        if not (options["check_changes"] or options["dry_run"]):
            _refuse_makemigrations()
        return handle(self, *app_labels, **options)

    # Not a command of this app, which would take the place of a project's own.
    makemigrations.Command.handle = guarded


def _refuse_makemigrations() -> None:
    if any(is_handed_over(connection) for connection in connections.all()):
        raise CommandError(
            "Alembic owns the tables, so a migration would never be applied: write a revision (alembic revision), "
            "or give them back with strangler handover rollback."
        )
