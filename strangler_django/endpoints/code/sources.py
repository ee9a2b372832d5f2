"""What the source of a serializer's field is of its model: a column, a relation, a property, or nothing."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import inspect
from functools import partialmethod
from typing import Any, Final

from django.db import models
from django.utils.functional import cached_property

from strangler_django.endpoints.code.own_code import is_own, returned_attribute
from strangler_django.endpoints.code.own_models import changed_rows, own_manager

# Of an attribute that a class lacks: it may be None.
_MISSING: Final = object()
_LINKS: Final = ("many_to_one", "many_to_many", "one_to_one", "one_to_many")


def related_model(model: Any, source: str) -> Any:  # noqa: ANN401 - model classes
    """The model that a relation of that name leads to; None where it is none."""
    return getattr(_field(model, source), "related_model", None) if model else None


def link_facts(model: Any, source: str) -> dict[str, Any]:  # noqa: ANN401 - as above
    """How the model's field of that name leads to other rows (`link`: many_to_one, many_to_many), if it does.

    `pointing` are the table and the field of rows that point back, `other_end` those of a relation that leads here;
    `managed` says that code of the project's own gives the rows: a manager, which may leave some out (of one row the
    model's base manager), or the model, which may change them.
    """
    found = _field(model, source)
    link = next((kind for kind in _LINKS if getattr(found, kind, False)), None)
    facts: dict[str, Any] = {"link": link}
    if link and found.related_model:
        is_one = link in ("many_to_one", "one_to_one")
        manager = getattr(found.related_model, "_base_manager" if is_one else "_default_manager")
        facts["managed"] = own_manager(manager) or any(changed_rows(found.related_model))
    points_back = link == "one_to_many" or isinstance(found, models.OneToOneRel)
    if points_back and hasattr(found, "field") and hasattr(found.field, "attname"):
        facts["pointing"] = {"table": found.related_model._meta.db_table, "field": found.field.name}
    if link == "many_to_many" and isinstance(found, models.ManyToManyRel):
        facts["other_end"] = {"table": found.related_model._meta.db_table, "field": found.field.name}
    return facts


def countable_link(model: Any, source: str) -> dict[str, Any] | None:  # noqa: ANN401 - as above
    """How the rows of a relation are found whose `count()` is that of the tables; None of anything else."""
    facts = link_facts(model, source)
    found = _field(model, source)
    through = getattr(getattr(found, "remote_field", None), "through", None) or getattr(found, "through", None)
    is_known = facts["link"] == "many_to_many" or (facts["link"] == "one_to_many" and "pointing" in facts)
    if not is_known or facts["managed"] or (through is not None and own_manager(through._default_manager)):
        return None
    manager = type(found.related_model._default_manager)
    return None if any(is_own(manager, name) for name in ("count", "exists")) else facts | {"source": source}


def property_name(model: Any, source: str) -> str | None:  # noqa: ANN401 - as above
    """The property or method of the model that a field shows; None where it shows something else."""
    found = None if hasattr(models.Model, source) else inspect.getattr_static(model, source, None)
    if isinstance(found, property | cached_property | partialmethod) or inspect.isfunction(found):
        return f"{model._meta.object_name}.{source}"
    return None


def is_lacking(model: Any, source: str) -> bool:  # noqa: ANN401 - as above
    """Whether rows have no such attribute, unless a queryset annotates them; nor those behind foreign keys (`a.b`)."""
    name, _, rest = source.partition(".")
    if rest:
        found = next((each for each in model._meta.fields if each.name == name), None)
        return found is not None and found.related_model is not None and is_lacking(found.related_model, rest)
    is_made = any(is_own(model, name) for name in ("__getattr__", "__init__", "from_db"))
    return not is_made and source.isidentifier() and inspect.getattr_static(model, source, _MISSING) is _MISSING


def text_attribute(model: Any, source: str) -> str | None:  # noqa: ANN401 - as above
    """The field that `__str__` of the rows returns to which a relation leads; None if it does more."""
    related = related_model(model, source)
    return returned_attribute(related.__str__) if related else None


def _field(model: Any, source: str) -> Any:  # noqa: ANN401 - as above, and a field or a relation to the model
    return next((each for each in model._meta.get_fields() if _accessor(each) == source), None)


def _accessor(field: Any) -> str:  # noqa: ANN401 - as above
    return str(field.get_accessor_name() if hasattr(field, "get_accessor_name") else field.name)
