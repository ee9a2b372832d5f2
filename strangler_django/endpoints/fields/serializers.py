"""The fields of a serializer, as a port to another framework needs them."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import inspect
from collections.abc import Mapping
from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.settings import api_settings

from strangler_django.contract.plain import plain
from strangler_django.endpoints.addresses import row_address
from strangler_django.endpoints.code.conditions import equal_columns
from strangler_django.endpoints.code.own_code import (
    AnsweringSerializer,
    answering_serializer,
)
from strangler_django.endpoints.code.own_models import own_creation
from strangler_django.endpoints.code.sources import is_lacking, link_facts, property_name, related_model, text_attribute
from strangler_django.endpoints.constants.watched_code import state_read
from strangler_django.endpoints.expressions.own_values import attribute_value, method_value, string_value
from strangler_django.endpoints.fields.base64_fields import base64_facts
from strangler_django.endpoints.fields.changed_arguments import LIMITS, changed_arguments
from strangler_django.endpoints.fields.field_rules import (
    asked_rows,
    caller_default,
    chosen_by,
    formats,
    takes_some,
    unique,
    unique_together,
)
from strangler_django.endpoints.fields.nested_writes import nested_writes
from strangler_django.endpoints.fields.overridden_methods import (
    has_own_texts,
    is_list_own,
    overridden,
    writes_nested,
)
from strangler_django.endpoints.fields.own_rows import shown_rows
from strangler_django.python_source import class_name


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
            *overridden(type(single), answers.method if answers else ""),
            *(["list_serializer_class"] if is_list_own(serializer, single) else []),
            *(["default_error_messages"] if has_own_texts(type(single)) else []),
            *([f"what its fields are made by ({state})"] if state else []),
            *sorted(validators),
        ],
        "creates": own_creation(named) if named else None,
        "rows_within": {name: found for name in ("create", "update") if (found := nested_writes(single, name))},
        "nested_writes": [name for name in ("create", "update") if writes_nested(type(single), name)],
        "answers": answered,
        "answers_items": answers is not None and answers.answers_items,
    }


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
    facts |= {key: plain(getattr(field, key)) for key in LIMITS if getattr(field, key, None) is not None}
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
        query = asked_rows(inner.get_queryset) if queryset is not None else None
        facts["narrowed"] = queryset is not None and (state is not None or takes_some(query))
        facts["where"] = equal_columns(query) if facts["narrowed"] and state is None and query is not None else {}
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
    facts = link_facts(model, str(field.source)) | {"changed": changed_arguments(serializer, name, field, model)}
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
