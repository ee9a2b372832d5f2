"""Where the rows of an endpoint's models are kept, if that isn't the one database whose contract the service knows."""

# ruff: noqa: SLF001 - `_meta` and `_db` are how Django documents to read a model, and nothing else says it

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, router
from rest_framework import serializers

from strangler_django.endpoints.code.sources import related_model
from strangler_django.endpoints.constants.watched_code import state_read

# Backends that choose a schema for each request.
_SCHEMAS: Final = ("django_tenants.", "tenant_schemas.", "django_pgschemas.")


def other_databases(model: Any, rows: Any, serializer: Any) -> list[str]:  # noqa: ANN401 - a model, a queryset and a serializer, or none
    """The databases of a view's rows, and of those that its serializer shows or takes; none where all is in one."""
    models = dict.fromkeys((*([model] if model else []), *_models_of(serializer, model)))
    chosen = getattr(rows, "_db", None)
    named = [f"{model._meta.label} in the database {chosen}"] if chosen and not _is_contracts(chosen) else []
    return list(dict.fromkeys([*_schemas(), *named, *(found for each in models for found in _routed(each))]))


def _models_of(serializer: Any, model: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    single = getattr(serializer, "child", serializer)
    if not isinstance(single, serializers.Serializer):
        return
    model = getattr(getattr(single, "Meta", None), "model", None) or model
    if model is not None:
        yield model
    for field in single.fields.values():
        if (related := related_model(model, str(field.source))) is not None:
            yield related
        if isinstance(field, serializers.BaseSerializer):
            yield from _models_of(field, related)


def _schemas() -> Iterator[str]:
    engine = str(settings.DATABASES.get(DEFAULT_DB_ALIAS, {}).get("ENGINE", ""))
    if engine.startswith(_SCHEMAS):
        yield f"a schema that {engine.partition('.')[0]} chooses for each request"


def routed_elsewhere(model: Any) -> bool:  # noqa: ANN401 - as above
    """Whether DATABASE_ROUTERS may send a model's rows to another database than the contract's."""
    return any(_routed(model))


def _routed(model: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """Where DATABASE_ROUTERS send a model's rows."""
    for choose in (router.db_for_read, router.db_for_write) if settings.DATABASE_ROUTERS else ():

        def alias(choose: Any = choose) -> str:  # noqa: ANN401 - a method of Django's router
            return str(choose(model))

        state = state_read(alias)
        if state is not None:
            yield f"{model._meta.label} in a database that a router chooses by {state}"
        elif not _is_contracts(alias()):
            yield f"{model._meta.label} in the database {alias()}"


def _is_contracts(alias: str) -> bool:
    """Whether it is the database of the contract, or a copy of it, as projects say for Django's tests."""
    mirrored = connections[alias].settings_dict.get("TEST", {}).get("MIRROR") if alias in connections else None
    return DEFAULT_DB_ALIAS in (alias, mirrored)
