"""The values that Django or the database writes into columns without a given one."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Field, FileField
from django.db.models.fields import NOT_PROVIDED

from strangler_django.contract.conversions import default_by
from strangler_django.contract.plain import callable_path, plain
from strangler_django.contract.unconnected import Sql

Facts = dict[str, Any]


def default_facts(field: Field, sql: Sql) -> Facts:
    """`default`, `default_callable`, `db_default` or `generated`; nothing where there is none.

    A text column without a default is written as "", even one that a form would insist on. A field whose own class
    computes its value (`pre_save`, `get_default`) has that as its `default_callable`.
    """
    if isinstance(field, getattr(models, "GeneratedField", ())):
        return {"generated": sql.inlined(*field.generated_sql(sql.connection))}
    if (computed := default_by(field)) is not None:
        return {"default_callable": computed}
    if getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED:
        # Django reads it from the database, even if the field has a default too.
        database = {"db_default": sql.inlined(*sql.editor.db_default_sql(field))}
        return database | (_default(field, field.default) if field.has_default() else {})
    if field.has_default():
        return _default(field, field.default)
    if isinstance(field, FileField):
        # A file's name is written, and no file has none: never NULL.
        return {"default": ""}
    implicit = field.get_default() if field.empty_strings_allowed and not field.null else None
    return {"default": plain(implicit)} if implicit in ("", b"") else {}


def value_facts(field: Field, value: Any) -> Any:  # noqa: ANN401 - whatever the project gives
    """A constant as the column holds it: the key of a model's instance, a field's own type in the database's."""
    return plain(field.get_prep_value(getattr(value, "pk", value)))


def _default(field: Field, value: Any) -> Facts:  # noqa: ANN401 - the same
    if isinstance(value, Callable):
        return {"default_callable": callable_path(value)}
    return {"default": value_facts(field, field.get_default())}
