"""Models of a test's own, which no app has."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql

MakeModel = Callable[..., type[models.Model]]
Facts = Callable[..., dict[str, Any]]


@pytest.fixture
def make_model() -> Iterator[MakeModel]:
    """A model by the name of its class, its Meta's options, and its fields."""
    with isolate_apps("strangler_django"):
        yield _model


@pytest.fixture
def facts(make_model: MakeModel) -> Facts:
    """What is exported of a model of such fields and options."""

    def tell(fields: dict[str, models.Field] | None = None, **options: Any) -> dict[str, Any]:
        return table_facts(make_model("Thing", fields, **options), Sql())

    return tell


@pytest.fixture
def column(facts: Facts) -> Facts:
    """What is exported of one column, `x`."""

    def tell(field: models.Field) -> dict[str, Any]:
        (found,) = (reported for reported in facts({"x": field})["columns"].values() if reported["field"] == "x")
        return found

    return tell


def _model(name: str, fields: dict[str, models.Field] | None = None, **options: Any) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": "strangler_django", **options})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **(fields or {})})
