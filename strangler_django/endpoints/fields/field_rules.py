"""What a serializer's fields take and how they write it: rows, unique values, defaults, days and numbers."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from rest_framework import serializers
from rest_framework.settings import api_settings
from rest_framework.validators import UniqueTogetherValidator, UniqueValidator

from strangler_django.endpoints.code.conditions import is_narrowed
from strangler_django.endpoints.constants.rows import rows_state
from strangler_django.endpoints.constants.watched_code import state_read

# The settings that say how fields of these kinds are written and read where they don't.
_FORMATS: Final = {
    serializers.DateTimeField: ("DATETIME_FORMAT", "DATETIME_INPUT_FORMATS"),
    serializers.DateField: ("DATE_FORMAT", "DATE_INPUT_FORMATS"),
    serializers.TimeField: ("TIME_FORMAT", "TIME_INPUT_FORMATS"),
}


def unique_together(serializer: Any, rule: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any serializer, any rule
    """Which fields have to be unique together, and what is said where they aren't; None of any other rule."""
    if type(rule) is not UniqueTogetherValidator or takes_some(asked_rows(rule.queryset.all)):
        return None
    if rows_state(rule.queryset) is not None:
        return None
    conditions = getattr(rule, "condition", None), getattr(rule, "condition_fields", None)
    fields = {name: serializer.fields.get(name) for name in rule.fields}
    is_plain = all(each is not None and not each.read_only and "." not in each.source for each in fields.values())
    if any(conditions) or getattr(rule, "nulls_distinct", None) is False or not is_plain:
        return None
    # The message names them in this order.
    return {"fields": [[name, str(each.source)] for name, each in fields.items()], "message": str(rule.message)}


def asked_rows(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - Django's Query
    """The query of rows that a field or a rule asks for; None where they can't be had without a request.

    Managers of tenants, such as those of django-scopes, refuse then.
    """
    try:
        return ask().query
    except Exception:  # noqa: BLE001 - whatever the project's own code raises
        return None


def takes_some(query: Any) -> bool:  # noqa: ANN401 - as above
    """Whether rows of a query may not be all that there are."""
    return query is None or is_narrowed(query)


def chosen_by(field: Any, model: Any, name: str, queryset: Any) -> str | None:  # noqa: ANN401 - a field, a model and a queryset, or none
    """What the rows that a field may stand for are chosen by, where that may be another at the next request."""
    columns = {each.name: each for each in model._meta.get_fields()} if model else {}
    limit = getattr(getattr(columns.get(str(field.source)), "remote_field", None), "limit_choices_to", None)
    state = state_read(limit) if callable(limit) else None
    serializer = field.parent
    extra = getattr(getattr(serializer, "Meta", None), "extra_kwargs", {}).get(name, {})
    if queryset is None or name in getattr(serializer, "_declared_fields", ()) or "queryset" in extra:
        return state or rows_state(queryset, type(serializer), name)
    # What DRF takes for a relation.
    return state or rows_state(queryset.model._default_manager)


def unique(field: Any, model: Any) -> str | None:  # noqa: ANN401 - any field, and a model
    """What a UniqueValidator says that looks at all rows of the model's own column; None without one."""
    columns = {each.name for each in model._meta.concrete_fields} if model else set()
    for rule in field.validators if str(field.source) in columns else ():
        if type(rule) is UniqueValidator and rule.lookup == "exact" and rule.queryset.model is model:
            is_chosen = rows_state(rule.queryset, type(field.parent), str(field.field_name)) is not None
            return None if is_chosen or takes_some(asked_rows(rule.queryset.all)) else str(rule.message)
    return None


def caller_default(default: Any) -> str | None:  # noqa: ANN401 - whatever a field has
    """Whose default is the caller: `always`, or that of a `new` row alone; None of any other."""
    if type(default) is serializers.CreateOnlyDefault:
        return "new" if caller_default(default.default) == "always" else None
    return "always" if type(default) is serializers.CurrentUserDefault else None


def formats(field: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """How a value is written and read, by the field or else by the project's settings.

    A `format` of "none" leaves moments to the renderer.
    """
    for kind, (written, read) in _FORMATS.items():
        if isinstance(field, kind):
            output = getattr(field, "format", getattr(api_settings, written))
            inputs = getattr(field, "input_formats", getattr(api_settings, read))
            return {"format": "none" if output is None else str(output), "input_formats": list(map(str, inputs))}
    if isinstance(field, serializers.DecimalField):
        return {"coerce_to_string": getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)}
    return {}


def changed_later(field: Any, names: Iterable[str]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    """The attributes of these names, and the validators, that are others than the field's own arguments make."""
    # DRF copies a field by its arguments.
    made = copy.deepcopy(field)
    # Those of a relation are rows.
    for name in (*names, *(("choices",) if isinstance(field, serializers.ChoiceField) else ())):
        if getattr(field, name, None) != getattr(made, name, None):
            yield name, getattr(field, name, None)
    kinds, usual = ([type(rule).__name__ for rule in each.validators] for each in (field, made))
    if kinds != usual and not field.read_only:
        yield "validators", kinds
