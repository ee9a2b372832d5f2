"""Where foreign keys point, and what Django does to their rows when that is deleted: the database does nothing."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

from typing import Any

from django.db import models
from django.db.models import ForeignKey

from strangler_django.contract.defaults import value_facts
from strangler_django.contract.names import table_key
from strangler_django.contract.plain import callable_path

Facts = dict[str, Any]

_ON_DELETE = {
    getattr(models, name): name for name in ("CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "DO_NOTHING")
}


def reference_facts(field: ForeignKey) -> Facts:
    """Where a foreign key points, and what becomes of the row."""
    relation = field.remote_field
    facts: Facts = {
        "table": table_key(relation.model._meta.db_table),
        "column": field.target_field.column,
        "related_name": relation.get_accessor_name(),
    }
    if not field.db_constraint:
        facts["constraint"] = False
    if relation.parent_link:
        facts["parent_link"] = True
    return facts | _on_delete_facts(field)


def _on_delete_facts(field: ForeignKey) -> Facts:
    on_delete = field.remote_field.on_delete
    if on_delete in _ON_DELETE:
        return {"on_delete": _ON_DELETE[on_delete]}
    path, values, _named = on_delete.deconstruct() if hasattr(on_delete, "deconstruct") else ("", (), {})
    # A function of the project may be deconstructible too.
    if path != "django.db.models.SET":
        return {"on_delete": "CUSTOM", "set_to_callable": callable_path(on_delete)}
    (value,) = values
    if callable(value):
        return {"on_delete": "SET", "set_to_callable": callable_path(value)}
    return {"on_delete": "SET", "set_to": value_facts(field, value)}
