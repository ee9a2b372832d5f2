"""The document that `manage.py export_schema` writes: every table of every installed app."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import json
from collections import defaultdict
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model

from strangler_django.contract.names import table_key
from strangler_django.contract.tables import table_facts
from strangler_django.contract.tokens import token_settings
from strangler_django.contract.unconnected import FROM_MODELS_ALONE, Sql, databases_closed

FORMAT = 2

Facts = dict[str, Any]


class DocumentError(Exception):
    """The models can't be exported; the text is one sentence with a hint."""


def schema_text(alias: str = DEFAULT_DB_ALIAS) -> str:
    """The document as sorted JSON: the same models give the same text.

    :raises DocumentError: see `schema_document`.
    """
    return json.dumps(schema_document(alias), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def schema_document(alias: str = DEFAULT_DB_ALIAS) -> Facts:
    """The tables of all models of that database, M2M tables included, by key, and simplejwt's settings.

    Proxies share another model's table.

    :raises DocumentError: two models claim one table, or the database is no PostgreSQL.
    :raises DatabaseAskedError: a model uses the database.
    """
    if connections[alias].vendor != "postgresql":
        raise DocumentError(
            f"The database {alias} of the settings is no PostgreSQL ({connections[alias].vendor}): "
            "give --database one that is."
        )
    with databases_closed(FROM_MODELS_ALONE):
        sql = Sql(alias)
        tables = {key: table_facts(model, sql) for key, model in _models(alias).items()}
    tokens = token_settings()
    return {"format": FORMAT, "tables": tables, **({} if tokens is None else {"tokens": tokens})}


def _models(alias: str) -> dict[str, type[Model]]:
    by_table: dict[str, list[type[Model]]] = defaultdict(list)
    for model in apps.get_models(include_auto_created=True):
        # A proxy has no table, and with `router` a model may be another database's.
        if not model._meta.proxy and router.allow_migrate_model(alias, model):
            by_table[table_key(model._meta.db_table)].append(model)
    return {key: _owner(key, models) for key, models in by_table.items()}


def _owner(key: str, models: list[type[Model]]) -> type[Model]:
    """The model whose table it is; others on the same table are not managed."""
    managed = [model for model in models if model._meta.managed] or models
    if len(managed) > 1:
        names = " and ".join(sorted(model._meta.label for model in managed))
        raise DocumentError(f"Table {key} is claimed by {names}: give each a db_table of its own.")
    return managed[0]
