"""The arguments of a field that are others than those which DRF derives from the model."""

# ruff: noqa: SLF001 - a field keeps the arguments that it was made with

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.postgres.fields import RangeField
from rest_framework import serializers
from rest_framework.utils.model_meta import get_field_info

from strangler_django.contract.plain import plain
from strangler_django.endpoints.fields.field_rules import changed_later
from strangler_django.python_source import class_name

# Attributes of DRF's fields that limit or shape a value.
LIMITS: Final = (
    *("max_length", "min_length", "max_value", "min_value", "max_digits", "decimal_places"),
    *("allow_blank", "allow_null", "trim_whitespace", "allow_empty", "allow_unicode", "slug_field", "lookup_field"),
)
# Objects that are made anew each time, and what DRF passes to the fields of a relation.
_NOT_COMPARED: Final = frozenset({"validators", "queryset", "model_field", "child_relation", "many"})


def changed_arguments(serializer: Any, name: str, field: Any, model: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any serializer and field of a project, a model
    """Those of a field by name; None where the project declared the field, or its class is another one."""
    if name in getattr(serializer, "_declared_fields", {}) or not hasattr(serializer, "build_field"):
        return None
    try:
        info = get_field_info(model)
        kind, derived = serializer.build_field(str(field.source), info, model, 0)
        # A serializer's own mapping of columns to fields may be another.
        usual = serializers.ModelSerializer().build_field(str(field.source), info, model, 0)[0]
    except Exception:  # noqa: BLE001 - a source that isn't the model's
        return None
    many = isinstance(field, serializers.ManyRelatedField)
    made = field.child_relation if many else field
    column = info.fields_and_pk.get(field.source)
    is_usual = column is None or (kind is usual and (kind is not serializers.ModelField or _is_range(column)))
    if type(made) is not kind or not kind.__module__.startswith("rest_framework.") or not is_usual:
        return None
    given = dict(field._kwargs) | (dict(made._kwargs) if many else {})
    changed = {
        key: plain(value)
        for key, value in sorted(given.items())
        if key not in _NOT_COMPARED and (key not in derived or _arguments(derived[key]) != _arguments(value))
    }
    same = given.get("read_only") or _kinds(given) == _kinds(derived)
    # What code has done to the field once it was made, as in a `get_fields`.
    later = {key: plain(value) for key, value in changed_later(field, ("required", "read_only", "write_only", *LIMITS))}
    return changed | later if same else changed | later | {"validators": _kinds(given)}


def _is_range(column: Any) -> bool:  # noqa: ANN401 - a model's field
    """Whether that is a field of Django's ranges, which no field of a serializer's own is made of."""
    return isinstance(column, RangeField) and type(column).__module__.startswith("django.")


def _arguments(value: Any) -> Any:  # noqa: ANN401 - an argument of a field
    """An argument in JSON's words; of a field, its own arguments with the classes of its validators."""
    if not isinstance(value, serializers.Field):
        return plain(value)
    own = {key: _arguments(each) for key, each in value._kwargs.items() if key not in _NOT_COMPARED}
    return [class_name(type(value)), own, _kinds(value._kwargs)]


def _kinds(arguments: Mapping[str, Any]) -> list[str]:
    return [type(each).__name__ for each in arguments.get("validators") or ()]
