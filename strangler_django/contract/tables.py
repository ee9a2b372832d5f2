"""The facts of one table: its model, columns, relations. The words are those of shared_schema/contract/contract.py."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

from itertools import chain
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import ManyToManyField, Model, signals

from strangler_django.contract.columns import column_facts
from strangler_django.contract.constraints import constraint_facts
from strangler_django.contract.conversions import saved_by
from strangler_django.contract.indexes import index_facts
from strangler_django.contract.names import table_address, table_key
from strangler_django.contract.plain import callable_path
from strangler_django.contract.unconnected import Sql

Facts = dict[str, Any]

# Receivers of packages that Django calls for each model, and that look at its files alone.
_OF_FILES = ("easy_thumbnails.signal_handlers.", "imagekit.specs.sourcegroups.")
# Methods of packages that choose among the columns only where a caller names those to be saved.
_SAVES_ALL = frozenset({f"{name}.models.TimeStampedModel.save" for name in ("django_extensions.db", "model_utils")})


def table_facts(model: type[Model], sql: Sql) -> Facts:
    """One table; a fact that doesn't apply is left out."""
    meta = model._meta
    schema, name = table_address(meta.db_table)
    facts: Facts = {
        "name": name,
        "model": meta.label,
        "verbose_name": str(meta.verbose_name),
        "managed": meta.managed,
        "ordering": [str(term) for term in meta.ordering],
        "columns": {field.column: column_facts(field, sql) for field in sql.fields(model)},
    }
    optional = {
        "schema_name": schema,
        "auto_created": bool(meta.auto_created),
        "composite_key": [field.column for field in meta.pk_fields] if _is_composite(model) else [],
        "proxies": sorted(other._meta.label for other in apps.get_models() if _is_proxy_of(other, model)),
        "parents": _parents(model),
        "overrides": overrides(model),
        "receivers": [*receivers(model), *_fields_saved(model, sql)],
        "many_to_many": {
            field.name: many_to_many_facts(field)
            for field in meta.local_many_to_many
            if isinstance(field, ManyToManyField)
        },
        "generic_relations": _generic_relations(model),
        # Of a table that it doesn't manage Django makes none.
        "indexes": index_facts(model, sql) if meta.managed else [],
        "constraints": constraint_facts(model, sql) if meta.managed else [],
    }
    return facts | {fact: value for fact, value in optional.items() if value}


def many_to_many_facts(field: ManyToManyField) -> Facts:
    """Through which table a relation goes, and by which of its columns."""
    facts = {
        "table": table_key(field.m2m_db_table()),
        "source_column": field.m2m_column_name(),
        "target_column": field.m2m_reverse_name(),
        "target": table_key(field.remote_field.model._meta.db_table),
        "related_name": field.remote_field.get_accessor_name(),
    }
    return facts | ({"symmetrical": True} if field.remote_field.symmetrical else {})


def _parents(model: type[Model]) -> list[str]:
    """Those that the model inherits from itself; a proxy among them is the table that it stands for."""
    own = table_key(model._meta.db_table)
    tables = (table_key(parent._meta.db_table) for parent, link in model._meta.parents.items() if link is not None)
    return [table for table in dict.fromkeys(tables) if table != own]


def overrides(model: type[Model]) -> list[str]:
    """Methods of the project's that Django calls for each row; a write without Django does nothing of that."""
    methods = {name: getattr(model, name) for name in ("delete", "save")}
    own = {name: method for name, method in methods.items() if not method.__module__.startswith("django.")}
    return [name for name, method in own.items() if callable_path(method) not in _SAVES_ALL]


def receivers(model: type[Model]) -> list[str]:
    """The project's functions that Django calls when a row is written, each after its signal."""
    has_files = any(isinstance(field, models.FileField) for field in model._meta.fields)
    idle = ("django.", *(() if has_files else _OF_FILES))
    return [
        f"{name} {callable_path(receiver)}"
        for name in ("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed")
        for receiver in chain.from_iterable(getattr(signals, name)._live_receivers(model))
        if not callable_path(receiver).startswith(idle)
    ]


def _fields_saved(model: type[Model], sql: Sql) -> list[str]:
    """The `pre_save` of each class of fields that isn't Django's; it is called with the signal's receivers."""
    found = (saved_by(field) for field in sql.fields(model))
    return [f"pre_save {path}" for path in dict.fromkeys(found) if path is not None]


def _generic_relations(model: type[Model]) -> list[Facts]:
    if not apps.is_installed("django.contrib.contenttypes"):
        return []
    # Where it isn't installed, its fields can't be imported.
    from django.contrib.contenttypes.fields import GenericRelation

    fields = (field for field in model._meta.private_fields if isinstance(field, GenericRelation))
    return [_generic_relation(model, field) for field in sorted(fields, key=lambda field: field.name)]


def _generic_relation(model: type[Model], field: Any) -> Facts:  # noqa: ANN401 - a GenericRelation, see above
    """Which rows of another table belong to the model's, by a content type and an id (django.contrib.contenttypes)."""
    other = field.related_model._meta
    # Not ContentType.objects.get_for_model, which queries the database.
    owner = model._meta.concrete_model._meta if field.for_concrete_model else model._meta
    return {
        "field": field.name,
        "table": table_key(other.db_table),
        "content_type_column": other.get_field(field.content_type_field_name).column,
        "object_id_column": other.get_field(field.object_id_field_name).column,
        "content_type": [owner.app_label, owner.model_name],
    }


def _is_composite(model: type[Model]) -> bool:
    # Of Django 5.2 and later; no object is an instance of no class.
    return isinstance(model._meta.pk, getattr(models, "CompositePrimaryKey", ()))


def _is_proxy_of(other: type[Model], model: type[Model]) -> bool:
    return other._meta.proxy and other._meta.concrete_model is model
