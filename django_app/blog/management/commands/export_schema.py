"""`manage.py export_schema`: what the models of a project say about its tables, as sorted JSON.

A database tells columns, types and keys. Defaults, auto_now, choices, `on_delete` and which tables join two others are
only known to Django; whoever reads and writes the tables without Django needs them from here. No database is asked.
"""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Field, ForeignKey, ManyToManyField, Model
from django.db.models.fields import NOT_PROVIDED

FORMAT = 1

Facts = dict[str, Any]


class Command(BaseCommand):
    """Write the schema of every installed app's models."""

    help = "Write tables, columns and what only Django knows about them as JSON."
    # The facts are the models', whatever else is wrong with the project.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; default: standard output")

    def handle(self, *_args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        """Write the document."""
        text = json.dumps(schema_document(), indent=2, sort_keys=True, ensure_ascii=False, cls=FactEncoder) + "\n"
        output = options["output"]
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            msg = f"{output} cannot be written ({error.strerror}): give --output another path."
            raise CommandError(msg) from error


class FactEncoder(DjangoJSONEncoder):
    """JSON for dates, decimals and so on, and Python's own words for what has no form in JSON."""

    def default(self, o: object) -> object:
        """A value that JSON can hold."""
        try:
            return super().default(o)
        except TypeError:
            return repr(o)


def schema_document() -> Facts:
    """The tables of all models, M2M tables included, by name; proxies share another model's table."""
    models = apps.get_models(include_auto_created=True)
    tables = {model._meta.db_table: table_facts(model) for model in models if not model._meta.proxy}
    return {"format": FORMAT, "tables": tables}


def table_facts(model: type[Model]) -> Facts:
    """One table: its model, columns by name, M2M relations by field, unique sets of columns."""
    meta = model._meta
    return {
        "model": meta.label,
        "managed": meta.managed,
        "auto_created": bool(meta.auto_created),
        "ordering": [str(term) for term in meta.ordering],
        "columns": {field.column: column_facts(field) for field in meta.local_concrete_fields},
        "many_to_many": {field.name: many_to_many_facts(field) for field in meta.local_many_to_many},
        "unique_together": sorted(_columns(model, names) for names in _unique_names(model)),
    }


def column_facts(field: Field) -> Facts:
    """One column; a fact that doesn't apply is left out."""
    facts: Facts = {
        "field": field.name,
        "type": field.db_type(connection),
        "null": field.null,
        "primary_key": field.primary_key,
        "unique": field.unique,
    }
    optional = {
        "generated": field.db_type_suffix(connection),
        "max_length": field.max_length,
        "choices": [value for value, _ in field.flatchoices] or None,
        "auto_now": getattr(field, "auto_now", False) or None,
        "auto_now_add": getattr(field, "auto_now_add", False) or None,
        "references": reference_facts(field) if isinstance(field, ForeignKey) else None,
    }
    return facts | default_facts(field) | {name: value for name, value in optional.items() if value is not None}


def default_facts(field: Field) -> Facts:
    """What Django writes where a row names no value: `default`, `default_callable` or `db_default`, or nothing.

    A text column without a default is written as "", even one that a form would insist on.
    """
    facts: Facts = {}
    if field.db_default is not NOT_PROVIDED:
        facts["db_default"] = field.db_default
    if not field.has_default():
        implicit = field.empty_strings_allowed and not field.null and field.get_default() == ""
        return facts | ({"default": ""} if implicit else {})
    if callable(field.default):
        return facts | {"default_callable": f"{field.default.__module__}.{field.default.__qualname__}"}
    return facts | {"default": field.default}


def reference_facts(field: ForeignKey) -> Facts:
    """Where a foreign key points, and what Django does to the row when that is deleted: the database does nothing."""
    relation = field.remote_field
    return {
        "table": relation.model._meta.db_table,
        "column": field.target_field.column,
        "on_delete": relation.on_delete.__name__,
        "related_name": relation.get_accessor_name(),
    }


def many_to_many_facts(field: ManyToManyField) -> Facts:
    """Through which table a relation goes, and by which of its columns."""
    return {
        "table": field.m2m_db_table(),
        "source_column": field.m2m_column_name(),
        "target_column": field.m2m_reverse_name(),
        "target": field.remote_field.model._meta.db_table,
        "related_name": field.remote_field.get_accessor_name(),
    }


def _unique_names(model: type[Model]) -> Iterator[tuple[str, ...]]:
    yield from model._meta.unique_together
    for constraint in model._meta.total_unique_constraints:
        yield tuple(constraint.fields)


def _columns(model: type[Model], names: tuple[str, ...]) -> list[str]:
    return [model._meta.get_field(name).column for name in names]
