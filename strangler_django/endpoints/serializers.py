"""The fields of a serializer, as a port to another framework needs them."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from strangler_django.contract.plain import plain

# Attributes of DRF's fields that limit or shape a value.
_LIMITS: Final = (
    *(
        "max_length",
        "min_length",
        "max_value",
        "min_value",
        "max_digits",
        "decimal_places",
        "allow_blank",
        "allow_null",
    ),
    *("trim_whitespace", "allow_empty", "format", "coerce_to_string", "slug_field", "lookup_field"),
)


def serializer_facts(serializer: Any) -> dict[str, Any]:  # noqa: ANN401 - any serializer of a project
    """A serializer's class, model and fields.

    Raises:
        Exception: whatever the project's own code raises when it builds its fields.
    """
    many = isinstance(serializer, serializers.ListSerializer)
    single = serializer.child if many else serializer
    model = getattr(getattr(single, "Meta", None), "model", None)
    fields = single.fields if isinstance(single, serializers.BaseSerializer) and hasattr(single, "fields") else {}
    overridden = [
        name
        for name in ("to_representation", "to_internal_value", "create", "update", "validate", "save")
        if not _is_library(getattr(type(single), name, None))
    ]
    validators = [name for name in dir(type(single)) if name.startswith("validate_") and name[9:] in fields]
    return {
        "class": class_name(type(single)),
        "model": model._meta.label if model else None,
        "table": model._meta.db_table if model else None,
        "fields": [_field(name, field) for name, field in fields.items()],
        "overridden": [*overridden, *sorted(validators)],
    }


def class_name(cls: type) -> str:
    """The module and the name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _field(name: str, field: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a project
    facts: dict[str, Any] = {
        "name": name,
        "kind": type(field).__name__,
        "class": class_name(type(field)),
        "source": str(field.source),
        "required": field.required,
        "read_only": field.read_only,
        "write_only": field.write_only,
    }
    facts |= {key: plain(getattr(field, key)) for key in _LIMITS if getattr(field, key, None) is not None}
    if field.default is not serializers.empty:
        facts["default"] = "callable" if callable(field.default) else plain(field.default)
    inner = field
    if isinstance(field, serializers.ManyRelatedField):
        inner, facts["many"] = field.child_relation, True
    elif isinstance(field, serializers.ListSerializer | serializers.ListField):
        inner, facts["many"] = field.child, True
    if inner is not field:
        facts["kind"], facts["class"] = type(inner).__name__, class_name(type(inner))
        facts |= {key: plain(getattr(inner, key)) for key in ("slug_field",) if getattr(inner, key, None) is not None}
    if isinstance(inner, serializers.BaseSerializer):
        facts["serializer"] = serializer_facts(inner)
    elif isinstance(inner, serializers.RelatedField):
        queryset = inner.queryset
        facts["model"] = queryset.model._meta.label if queryset is not None else None
    elif isinstance(inner, serializers.ChoiceField):
        choices: Mapping[Any, Any] = inner.choices
        facts["choices"] = [plain(value) for value in choices]
    elif isinstance(inner, serializers.SerializerMethodField):
        facts["method"] = inner.method_name
    facts["validators"] = [type(validator).__name__ for validator in field.validators]
    return facts


def _is_library(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith(("rest_framework.", "django."))
