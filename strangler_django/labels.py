"""What people read of models and serializers (labels, help texts, names of choices), in the project's languages."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.urls import get_resolver
from django.utils import translation
from django.utils.functional import Promise
from rest_framework.serializers import ChoiceField, Field, Serializer


class Labels:
    """The texts that are marked for translation, by what they are without one; others are the same everywhere."""

    def __init__(self) -> None:
        with translation.override(None):
            marked = (each for each in (*_of_models(), *_of_serializers()) if isinstance(each, Promise))
            self._by_text = {str(each): each for each in marked}

    def translated(self, code: str) -> dict[str, str]:
        """What differs in a language, by the untranslated text."""
        with translation.override(code):
            return {text: str(name) for text, name in self._by_text.items() if text and str(name) != text}


def _of_models() -> Iterator[Any]:
    for model in apps.get_models():
        yield model._meta.verbose_name  # noqa: SLF001 - Django's documented API
        for field in model._meta.get_fields():  # noqa: SLF001 - the same
            if hasattr(field, "verbose_name"):
                yield from (field.verbose_name, field.help_text)
                yield from _of_choices(field.choices)


def _of_serializers() -> Iterator[Any]:
    # Those of the views are imported with them.
    get_resolver().url_patterns  # noqa: B018 - see above
    waiting: list[type] = [Serializer]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        for field in getattr(kind, "_declared_fields", {}).values():
            yield from _of_field(field)
        for settings in getattr(getattr(kind, "Meta", None), "extra_kwargs", {}).values():
            yield from (settings.get("label"), settings.get("help_text"))
            yield from _of_choices(settings.get("choices"))


def _of_field(field: Field) -> Iterator[Any]:
    settings = field._kwargs  # noqa: SLF001 - DRF keeps them under no other name
    yield from (settings.get("label"), settings.get("help_text"))
    if isinstance(field, ChoiceField):
        yield from field.choices.values()
    if isinstance(child := settings.get("child"), Field):
        yield from _of_field(child)


def _of_choices(choices: Any) -> Iterator[Any]:  # noqa: ANN401 - pairs, a mapping, or a function, which asks the database
    pairs = choices.items() if isinstance(choices, Mapping) else choices if isinstance(choices, list | tuple) else ()
    for pair in pairs:
        if isinstance(pair, list | tuple):
            _value, name = pair
            yield from _of_choices(name) if isinstance(name, list | tuple | Mapping) else (name,)
