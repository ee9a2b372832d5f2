"""The document that `manage.py export_schema` writes: every table of every installed app."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import json
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder

from django_app.contract.names import table_key
from django_app.contract.tables import table_facts

FORMAT = 2

Facts = dict[str, Any]


class FactEncoder(DjangoJSONEncoder):
    """JSON for dates, decimals and so on, and Python's own words for what has no form in JSON."""

    def default(self, o: object) -> object:
        """A value that JSON can hold."""
        try:
            return super().default(o)
        except TypeError:
            return repr(o)


def schema_text() -> str:
    """The document as sorted JSON: the same models give the same text."""
    return json.dumps(schema_document(), indent=2, sort_keys=True, ensure_ascii=False, cls=FactEncoder) + "\n"


def schema_document() -> Facts:
    """The tables of all models, M2M tables included, by key; proxies share another model's table."""
    models = apps.get_models(include_auto_created=True)
    tables = {table_key(model._meta.db_table): table_facts(model) for model in models if not model._meta.proxy}
    return {"format": FORMAT, "tables": tables}
