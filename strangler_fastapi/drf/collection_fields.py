"""Fields of several values: dictionaries and selections, as DRF has them under the same names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from strangler_fastapi.drf.bodies import Form
from strangler_fastapi.drf.fields import MISSING, AnyField, CharField, ChoiceField, Field, Scope
from strangler_fastapi.drf.limits import MOST_FIELDS
from strangler_fastapi.drf.validators import Invalid


@dataclass(frozen=True, kw_only=True)
class DictField(Field):
    """An object whose values are each as `child`; a form has them as `name.key` (`serializers.DictField`).

    It takes as many keys as Django takes fields of a form; DRF takes any number.
    """

    child: Field = field(default_factory=AnyField)
    allow_empty: bool = True

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        pattern = re.compile(rf"{re.escape(name)}\.(.+)")
        found = {match[1]: form[key] for key in form if (match := pattern.fullmatch(key))}
        return found or ({} if name in form else MISSING)

    async def convert(self, value: Any, scope: Scope) -> dict[str, Any]:  # noqa: ANN401, D102 - see Field
        if not isinstance(value, dict):
            raise Invalid(f'Expected a dictionary of items but got type "{type(value).__name__}".')
        if not (value or self.allow_empty):
            raise Invalid("This dictionary may not be empty.")
        if len(value) > MOST_FIELDS:
            raise Invalid(f"Ensure this field has no more than {MOST_FIELDS} elements.")
        items: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, item in value.items():
            try:
                items[str(key)] = await self.child.clean(item, scope)
            except Invalid as error:
                errors[str(key)] = error.detail
        if errors:
            raise Invalid(errors)
        return items

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        kind: Any = dict[str, self.child.annotation(request=request)]  # type: ignore[misc] # a type that is computed
        return kind

    def sample(self) -> dict[str, Any]:  # noqa: D102 - see Field
        return {}

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        return super().describe(name) | {"child": self.child.describe(None)}


@dataclass(frozen=True, kw_only=True)
class HStoreField(DictField):
    """An object of texts (`serializers.HStoreField`)."""

    child: Field = field(default_factory=lambda: CharField(allow_blank=True, allow_null=True))


@dataclass(frozen=True, kw_only=True)
class MultipleChoiceField(ChoiceField):
    """Any of the `choices`, each once (`serializers.MultipleChoiceField`)."""

    kind: ClassVar[str] = "multiple choice"
    allow_empty: bool = True

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, D102 - see Field
        return MISSING if partial and name not in form else form.all(name)

    async def convert(self, value: Any, scope: Scope) -> list[Any]:  # noqa: ANN401, D102 - see Field
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise Invalid(f'Expected a list of items but got type "{type(value).__name__}".')
        given = [*value]
        if not (given or self.allow_empty):
            raise Invalid("This selection may not be empty.")
        if len(given) > MOST_FIELDS:
            raise Invalid(f"Ensure this field has no more than {MOST_FIELDS} elements.")
        return [*dict.fromkeys([await super(MultipleChoiceField, self).convert(item, scope) for item in given])]

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        kind: Any = list[super().value_type(request=request)]  # type: ignore[misc] # a type that is computed
        return kind

    def sample(self) -> list[Any]:  # noqa: D102 - see Field
        return [super().sample()]


def grouped(choices: Mapping[Any, Any]) -> dict[Any, str]:
    """Choices whose groups are given as name → choices, as value → what people read."""
    flat: dict[Any, str] = {}
    for value, text in choices.items():
        flat |= text if isinstance(text, Mapping) else {value: text}
    return flat
