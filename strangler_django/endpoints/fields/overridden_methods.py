"""Which methods of DRF's serializers a project's class has replaced."""

import inspect
from typing import Any, Final

from django.utils.functional import cached_property
from rest_framework import serializers

from strangler_django.endpoints.code.own_code import code_of, is_own

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


def is_list_own(serializer: Any, single: Any) -> bool:  # noqa: ANN401 - any serializer, and that of an item
    """Whether rows are listed by a class of the project's own."""
    named = getattr(getattr(single, "Meta", None), "list_serializer_class", serializers.ListSerializer)
    classes = [named, *([type(serializer)] if serializer is not single else [])]
    return any(not each.__module__.startswith("rest_framework.") for each in classes)


def has_own_texts(cls: type) -> bool:
    """Whether a serializer's class has texts of errors of its own."""
    own = (each for each in cls.__mro__ if "default_error_messages" in vars(each))
    return any(not each.__module__.startswith("rest_framework.") for each in own)


def overridden(cls: type, but: str) -> list[str]:
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
        and not (name == "save" and writes_nested(cls, name))
        and name != but
    ]


def writes_nested(cls: type, name: str) -> bool:
    """Whether a method of a serializer is that of drf-writable-nested, which writes rows within."""
    owner = next((each for each in cls.__mro__ if name in vars(each)), None)
    return owner is not None and owner.__module__.startswith("drf_writable_nested.")


def _reads_context(cls: type, name: str) -> bool:
    """Whether fields may be others for each request."""
    code = getattr(code_of(inspect.getattr_static(cls, name)), "__code__", None)
    return code is None or bool({"context", "_context"} & {*code.co_names})


def _is_code(found: object) -> bool:
    return isinstance(found, property | cached_property | classmethod | staticmethod) or inspect.isroutine(found)
