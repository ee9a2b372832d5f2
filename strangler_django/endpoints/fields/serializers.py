"""The fields of a serializer, as a port to another framework needs them."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import inspect
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.postgres.fields import RangeField
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.settings import api_settings
from rest_framework.utils.model_meta import get_field_info

from strangler_django.contract.plain import plain
from strangler_django.endpoints.addresses import row_address
from strangler_django.endpoints.code.conditions import equal_columns, is_narrowed
from strangler_django.endpoints.code.own_code import (
    AnsweringSerializer,
    answering_serializer,
    code_of,
    is_own,
)
from strangler_django.endpoints.code.own_models import own_creation
from strangler_django.endpoints.code.sources import is_lacking, link_facts, property_name, related_model, text_attribute
from strangler_django.endpoints.constants.watched_code import state_read
from strangler_django.endpoints.expressions.own_values import attribute_value, method_value, string_value
from strangler_django.endpoints.fields.base64_fields import base64_facts
from strangler_django.endpoints.fields.field_rules import (
    caller_default,
    changed_later,
    chosen_by,
    formats,
    unique,
    unique_together,
)
from strangler_django.endpoints.fields.nested_writes import nested_writes
from strangler_django.endpoints.fields.own_rows import shown_rows

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
    *("trim_whitespace", "allow_empty", "allow_unicode", "slug_field", "lookup_field"),
)
# What makes a serializer, and what of it its fields and rules show.
_MADE: Final = frozenset({"__init__", "__new__"})
_BUILT: Final = frozenset(
    {
        *("build_field", "build_standard_field", "build_relational_field", "build_nested_field"),
        *("build_property_field", "build_url_field", "build_unknown_field", "get_fields", "get_field_names"),
        *("get_default_field_names", "get_extra_kwargs", "get_uniqueness_extra_kwargs", "include_extra_kwargs"),
        *("get_validators", "get_unique_together_validators", "get_unique_for_date_validators"),
    }
)
# Objects that are made anew each time, and what DRF passes to the fields of a relation.
_NOT_COMPARED: Final = frozenset({"validators", "queryset", "model_field", "child_relation", "many"})


def serializer_facts(
    serializer: Any,  # noqa: ANN401 - any serializer of a project
    of: Any = None,  # noqa: ANN401 - a model class
    within: tuple[type, ...] = (),
) -> dict[str, Any]:
    """A serializer's class, model and fields; one that names no model shows rows of the model `of`, if there is one.

    `within` are the classes of those that hold it.

    Raises:
        Exception: whatever the project's own code raises when it builds its fields.
    """
    many = isinstance(serializer, serializers.ListSerializer)
    single = serializer.child if many else serializer
    named = getattr(getattr(single, "Meta", None), "model", None)
    model = named or of
    # They are made when they are first asked for.
    state = state_read(lambda: getattr(single, "fields", None))
    fields = single.fields if isinstance(single, serializers.BaseSerializer) and hasattr(single, "fields") else {}
    rules = getattr(single, "validators", ())
    validators = [name for name in dir(type(single)) if name.startswith("validate_") and name[9:] in fields]
    answers, answered = _answers(single, of, within)
    within = (*within, type(single))
    return {
        "class": class_name(type(single)),
        "model": model._meta.label if model else None,
        "table": model._meta.db_table if model else None,
        "plain": named is None,
        "fields": [
            _field(name, field, model, within) | _origin(single, name, field, model, within)
            for name, field in fields.items()
        ],
        "validators": [type(each).__name__ for each in rules if unique_together(single, each) is None],
        "unique_together": [found for each in rules if (found := unique_together(single, each)) is not None],
        "overridden": [
            *_overridden(type(single), answers.method if answers else ""),
            *(["list_serializer_class"] if _is_list_own(serializer, single) else []),
            *(["default_error_messages"] if _has_own_texts(type(single)) else []),
            *([f"what its fields are made by ({state})"] if state else []),
            *sorted(validators),
        ],
        "creates": own_creation(named) if named else None,
        "rows_within": {name: found for name in ("create", "update") if (found := nested_writes(single, name))},
        "nested_writes": [name for name in ("create", "update") if _writes_nested(type(single), name)],
        "answers": answered,
        "answers_items": answers is not None and answers.answers_items,
    }


def _is_list_own(serializer: Any, single: Any) -> bool:  # noqa: ANN401 - any serializer, and that of an item
    """Whether rows are listed by a class of the project's own."""
    named = getattr(getattr(single, "Meta", None), "list_serializer_class", serializers.ListSerializer)
    classes = [named, *([type(serializer)] if serializer is not single else [])]
    return any(not each.__module__.startswith("rest_framework.") for each in classes)


def _has_own_texts(cls: type) -> bool:
    """Whether a serializer's class has texts of errors of its own."""
    own = (each for each in cls.__mro__ if "default_error_messages" in vars(each))
    return any(not each.__module__.startswith("rest_framework.") for each in own)


def class_name(cls: type) -> str:
    """The module and the name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _answers(
    serializer: Any,  # noqa: ANN401 - any serializer of a project
    of: Any,  # noqa: ANN401 - a model class
    within: tuple[type, ...],
) -> tuple[AnsweringSerializer | None, dict[str, Any] | None]:
    """What it answers by, with its facts; None where that doesn't know the request, and has fields that look at it."""
    found = answering_serializer(type(serializer))
    if found is None:
        return None, None
    facts = serializer_facts(found.cls(context=serializer.context), of, (*within, type(serializer)))
    if not found.has_context and (_shows_addresses(found.cls()) or _looks_at_context(facts)):
        return None, None
    return found, facts


def _looks_at_context(facts: Any) -> bool:  # noqa: ANN401 - the facts of a serializer, or none
    """Whether a method of it, or of one within, finds the request there."""
    return any(
        (field.get("computed") or {}).get("in_context") or _looks_at_context(field.get("serializer") or {"fields": ()})
        for field in facts["fields"]
    )


def _shows_addresses(serializer: Any) -> bool:  # noqa: ANN401 - as above
    inner = [getattr(each, "child", getattr(each, "child_relation", each)) for each in serializer.fields.values()]
    return any(
        _shows_addresses(each)
        if isinstance(each, serializers.BaseSerializer)
        else isinstance(each, serializers.FileField | serializers.HyperlinkedRelatedField)
        for each in inner
    )


def _overridden(cls: type, but: str) -> list[str]:
    """The methods and properties of DRF's serializers that the project wrote, `but` one whose result is elsewhere.

    Those that build fields and rules count where they read the context, of which the request is part.
    """
    names = [name for name in dir(serializers.ModelSerializer) if not name.startswith("__") or name in _MADE]
    return [
        name
        for name in names
        if _is_code(inspect.getattr_static(serializers.ModelSerializer, name))
        and is_own(cls, name)
        and not (name in _BUILT and not _reads_context(cls, name))
        # Its `save` passes what its `create` and `update` need.
        and not (name == "save" and _writes_nested(cls, name))
        and name != but
    ]


def _writes_nested(cls: type, name: str) -> bool:
    """Whether a method of a serializer is that of drf-writable-nested, which writes rows within."""
    owner = next((each for each in cls.__mro__ if name in vars(each)), None)
    return owner is not None and owner.__module__.startswith("drf_writable_nested.")


def _reads_context(cls: type, name: str) -> bool:
    """Whether fields may be others for each request."""
    code = getattr(code_of(inspect.getattr_static(cls, name)), "__code__", None)
    return code is None or bool({"context", "_context"} & {*code.co_names})


def _is_code(found: object) -> bool:
    return isinstance(found, property | cached_property | classmethod | staticmethod) or inspect.isroutine(found)


def _field(name: str, field: Any, model: Any, within: tuple[type, ...]) -> dict[str, Any]:  # noqa: ANN401 - any field of a project, a model
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
    facts |= formats(field)
    if field.default is not serializers.empty:
        facts["default"] = "callable" if callable(field.default) else plain(field.default)
        facts["caller_default"] = caller_default(field.default)
        # Which is `list` itself, as of most lists that have one.
        facts["empty_default"] = field.default is list
    inner = field
    if isinstance(field, serializers.ManyRelatedField):
        inner, facts["many"] = field.child_relation, True
    elif isinstance(field, serializers.ListSerializer | serializers.ListField):
        inner, facts["many"] = field.child, True
    if inner is not field:
        facts["kind"], facts["class"] = type(inner).__name__, class_name(type(inner))
        facts |= {key: plain(getattr(inner, key)) for key in ("slug_field",) if getattr(inner, key, None) is not None}
        facts |= formats(_innermost(inner))
    if type(field) is serializers.ListField:
        facts["child"] = _field("", inner, None, within)
    if isinstance(field, serializers.ListSerializer):
        # Of DRF's releases before it had the setting, errors are a list.
        facts["errors_as_dict"] = bool(getattr(api_settings, "LIST_SERIALIZER_ERRORS_AS_DICT", False))
    if isinstance(inner, serializers.BaseSerializer):
        related = related_model(model, str(field.source))
        facts["serializer"] = serializer_facts(field if inner is not field else inner, related, within)
    elif isinstance(inner, serializers.RelatedField):
        queryset = inner.queryset
        facts["model"] = queryset.model._meta.label if queryset is not None else None
        state = chosen_by(field, model, name, queryset)
        query = inner.get_queryset().query if queryset is not None else None
        facts["narrowed"] = query is not None and (state is not None or is_narrowed(query))
        facts["where"] = equal_columns(query) if facts["narrowed"] and state is None else {}
        if isinstance(inner, serializers.HyperlinkedRelatedField):
            facts["address"] = row_address(inner.view_name, inner.lookup_url_kwarg, inner.context.get("request"))
            facts["lookup"] = inner.lookup_field
    elif isinstance(inner, serializers.ChoiceField):
        choices: Mapping[Any, Any] = inner.choices
        facts["choices"] = [plain(value) for value in choices]
    elif isinstance(inner, serializers.SerializerMethodField):
        facts["method"] = inner.method_name
    facts["validators"] = [type(validator).__name__ for validator in field.validators]
    if isinstance(field, serializers.FileField):
        facts |= {
            "base64": base64_facts(field),
            "use_url": bool(getattr(field, "use_url", api_settings.UPLOADED_FILES_USE_URL)),
            "allow_empty_file": field.allow_empty_file,
        }
    if isinstance(field, serializers.JSONField):
        facts |= {"binary": field.binary, "coded": field.encoder is not None or field.decoder is not None}
    if (message := unique(field, model)) is not None:
        facts["unique_message"] = message
    if (zone := field._kwargs.get("default_timezone")) is not None:
        facts["zone"] = str(zone)
    facts |= {key: str(value) for key in ("label", "help_text") if (value := getattr(field, key, None))}
    if messages := field._kwargs.get("error_messages"):
        facts["error_messages"] = plain(messages)
    # Of the same words as the field's own name it may be one that is translated.
    facts["labelled"] = field._kwargs.get("label") is not None
    return facts


def _innermost(field: Any) -> Any:  # noqa: ANN401 - as above
    """What the values of a list are, or of the lists within it."""
    return _innermost(field.child) if isinstance(field, serializers.ListField) else field


def _origin(serializer: Any, name: str, field: Any, model: Any, within: tuple[type, ...]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Where a field comes from: the `link` of its model that it follows, and what a ModelSerializer made of it.

    `changed` are the arguments that are others than those which DRF derives from the model; None where the project
    declared the field, or its class is another one.
    """
    if model is None:
        return {"link": None, "changed": None}
    if isinstance(field, serializers.SerializerMethodField):
        if (rows := _rows_of_method(serializer, field, model, within)) is not None:
            return rows
        return {
            "link": None,
            "changed": None,
            "computed": method_value(type(serializer), str(field.method_name), model),
        }
    if isinstance(getattr(field, "child_relation", None), serializers.StringRelatedField):
        return link_facts(model, str(field.source)) | {
            "changed": None,
            "text": text_attribute(model, str(field.source)),
        }
    if isinstance(field, serializers.StringRelatedField):
        text = text_attribute(model, str(field.source))
        computed = None if text else string_value(model, str(field.source))
        return link_facts(model, str(field.source)) | {"changed": None, "text": text, "computed": computed}
    child = getattr(field, "child_relation", None)
    if isinstance(child, serializers.SlugRelatedField) and field.read_only:
        related = related_model(model, str(field.source))
        # DRF doesn't call what it finds there.
        found = inspect.getattr_static(related, str(child.slug_field), None)
        is_made = isinstance(found, property | cached_property)
        computed = attribute_value(related, str(child.slug_field), type(child).__name__) if is_made else None
        return link_facts(model, str(field.source)) | {"changed": None, "computed": computed}
    facts = link_facts(model, str(field.source)) | {"changed": _changed(serializer, name, field, model)}
    facts |= {"property": property_name(model, str(field.source)), "lacking": is_lacking(model, str(field.source))}
    is_made = facts["property"] or ("." in str(field.source) and facts["changed"] is None)
    computed = attribute_value(model, str(field.source), type(field).__name__) if is_made else None
    return facts | {"computed": computed}


def _rows_of_method(
    serializer: Any,  # noqa: ANN401 - as above
    field: Any,  # noqa: ANN401 - as above
    model: Any,  # noqa: ANN401 - as above
    within: tuple[type, ...],
) -> dict[str, Any] | None:
    """The facts of a method field that shows rows by another serializer; None where it does anything else."""
    found = shown_rows(type(serializer), str(field.method_name), model)
    if found is None or found.cls in within:
        return None
    shown = found.cls(context=serializer.context)
    if not found.has_context and _shows_addresses(shown):
        return None
    inner = serializer_facts(shown, related_model(model, found.source), within)
    if not found.has_context and _looks_at_context(inner):
        return None
    return link_facts(model, found.source) | {
        "source": found.source,
        "many": found.many,
        "changed": None,
        "serializer": inner,
    }


def _changed(serializer: Any, name: str, field: Any, model: Any) -> dict[str, Any] | None:  # noqa: ANN401 - as above
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
    later = {
        key: plain(value) for key, value in changed_later(field, ("required", "read_only", "write_only", *_LIMITS))
    }
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
