"""Django's SQL for models, written without a database, so that it is the same everywhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Field, Model

# Newer than any feature that Django checks the server's version for: the export doesn't depend on a server.
_ASSUMED_VERSION = 170000

FROM_MODELS_ALONE = "The schema is exported from the models alone: they must not use the database."


class DatabaseAskedError(Exception):
    """The database was used where it must not be."""


class Sql:
    """The SQL that Django would write for the models of one database."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._parameters: dict[Field, dict[str, Any]] = {}
        # Not the project's own connection, which may be open, and know its server.
        self.connection: BaseDatabaseWrapper = connections.create_connection(alias)
        self.connection.ensure_connection = self._refuse
        vars(self.connection)["pg_version"] = _ASSUMED_VERSION
        self.editor: BaseDatabaseSchemaEditor = self.connection.schema_editor(collect_sql=True, atomic=False)

    def fields(self, model: type[Model]) -> list[Field]:
        """The fields of a model that have a column in its own table."""
        concrete = model._meta.local_concrete_fields  # noqa: SLF001 - as Django documents to read a model
        return [field for field in concrete if self.parameters(field)["type"] is not None]

    def parameters(self, field: Field) -> dict[str, Any]:
        """Type, check and collation of a field's column, as Django has them for the database."""
        # Cached: half of an export's time otherwise.
        if field not in self._parameters:
            self._parameters[field] = field.db_parameters(self.connection)
        return self._parameters[field]

    def inlined(self, text: str, values: Any = ()) -> str:  # noqa: ANN401 - whatever the expression holds
        """`text` with its values in it; a % that is doubled for their sake is one again."""
        return text % tuple(self.quoted(value) for value in values)

    def _refuse(self) -> None:
        raise DatabaseAskedError(FROM_MODELS_ALONE)

    def quoted(self, value: Any) -> str:  # noqa: ANN401 - the same
        """A value as PostgreSQL reads it."""
        return str(self.editor.quote_value(value))


@contextmanager
def databases_closed(sentence: str, *, but: BaseDatabaseWrapper | None = None) -> Iterator[None]:
    """Refuse every use of the project's databases during the block, with that sentence.

    Those of DATABASES that lead where `but` leads, as the same role, stay open.

    :raises DatabaseAskedError: from code that uses one, such as the function of a field's choices.
    """

    def refuse() -> None:
        raise DatabaseAskedError(sentence)

    with ExitStack() as stack:
        for connection in connections.all():
            if but is None or _address(connection) != _address(but):
                # Every cursor begins with it, of an open connection too.
                stack.callback(_open, connection, vars(connection).get("ensure_connection"))
                connection.ensure_connection = refuse
        yield


def _open(connection: BaseDatabaseWrapper, before: Any) -> None:  # noqa: ANN401 - a function, or none
    """Let a connection be used as it was before, which a block around this one may have refused."""
    del connection.ensure_connection
    if before is not None:
        connection.ensure_connection = before


def _address(connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
    return tuple(connection.settings_dict[part] for part in ("HOST", "PORT", "NAME", "USER"))
