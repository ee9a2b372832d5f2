"""What a stack without Django needs of its routes and its database, and what Django needs to come back."""

from typing import Final

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.project import Project
from strangler.routes.table import RouteTable

_SHOWN: Final = 8
# Views count: a renamed table has its old name as one until the contract stage of strangler modernise.
_COLUMNS: Final = """
    SELECT CASE WHEN nspname = ANY (current_schemas(false)) THEN '' ELSE nspname || '.' END || relname, attname
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm', 'f')
"""


def routes_require(table: RouteTable, *, force: bool) -> None:
    """Refuse routes that Django still answers for somebody.

    :raises UnsafeError: there are some; names them.
    """
    if force or not (names := table.needing_django):
        return
    hint = "move them with strangler ramp NAME, or insist with strangler up --stack fastapi --force"
    raise UnsafeError(f"{len(names)} routes are not migrated yet: {_listed(names)}", hint)


def paths_lost(table: RouteTable) -> str:
    """What Django alone serves, in one sentence; empty where that is nothing."""
    kept = {entry.name for entry in table.without_django.fixed}
    lost = [f"{entry.name} {entry.path}" for entry in table.fixed if entry.name not in kept]
    return f"not there without Django: {', '.join(lost)}" if lost else ""


def tables_require(dsn: str, project: Project) -> None:
    """Refuse tables that aren't as FastAPI needs them: Django makes them so, and isn't started.

    :raises UsageError: something is missing; names the first.
    """
    # Imported here, since SQLAlchemy takes a quarter of the time of a command that looks at no table.
    from strangler.schema.grants import require_tables

    try:
        require_tables(dsn, project.load_consumer())
    except FailedError as error:
        hint = "start it with Django once (strangler up), or strangler restore a backup"
        raise UsageError(error.message.rstrip("."), hint) from error


def django_require(dsn: str, project: Project) -> None:
    """Refuse to bring Django back to tables that its models no longer fit.

    :raises UsageError: a column of the contract is missing.
    :raises psycopg.Error: the server refuses.
    """
    there = _columns(dsn)
    missing = [
        f"{table}.{column}"
        for table, facts in project.load_contract().tables.items()
        for column in facts.columns
        if column not in there.get(table, ())
    ]
    if missing:
        hint = "stay with strangler up --stack fastapi, or change Django's models and export the contract again"
        raise UsageError(f"Django needs what the schema no longer has: {_listed(missing)}", hint)


def _columns(dsn: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    # Imported here, since it takes a tenth of a second, and most commands look at no table.
    import psycopg

    with psycopg.connect(dsn) as connection:
        for table, column in connection.execute(_COLUMNS).fetchall():
            found.setdefault(table, set()).add(column)
    return found


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
