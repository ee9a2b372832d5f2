"""Fields of several values, and of any JSON, as DRF has them under the same names."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final

from annotated_types import MaxLen, MinLen

from strangler_fastapi.drf.fields.fields import MISSING, AnyField, CharField, Field, Scope, Validator
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.limits import MOST_FIELDS
from strangler_fastapi.drf.validators import NO_JSON, NO_LIST, Invalid, at_least, at_most, check_json, check_storable

_NO_DICT: Final = 'Expected a dictionary of items but got type "{input_type}".'


@dataclass(frozen=True, kw_only=True)
class ListField(Field):
    """A list whose items are each as `child` (`serializers.ListField`).

    Without a `max_length` it takes as many items as Django takes fields of a form; DRF takes any number then.
    """

    kind: ClassVar[str] = "list"
    child: Field = field(default_factory=AnyField)
    allow_empty: bool = True
    max_length: int | None = None
    min_length: int | None = None

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return form.all(name) or form.rows(name) or MISSING

    async def convert(self, value: Any, scope: Scope) -> list[Any]:  # noqa: ANN401, D102 - see Field
        if isinstance(value, Form):
            # A list within a list of a form: `name[0][1]`.
            value = value.rows("")
        # As DRF, whatever has items; JSON has but lists.
        if isinstance(value, str | Mapping) or not isinstance(value, Collection):
            raise self.refused("not_a_list", NO_LIST, input_type=type(value).__name__)
        if not (value or self.allow_empty):
            raise self.refused("empty", "This list may not be empty.")
        if self.max_length is None and len(value) > MOST_FIELDS:
            raise Invalid(f"Ensure this field has no more than {MOST_FIELDS} elements.")
        items: list[Any] = []
        errors: dict[str, Any] = {}
        for index, item in enumerate(value):
            try:
                items.append(await self.child.clean(item, scope))
            except Invalid as error:
                errors[str(index)] = error.detail
        if errors:
            raise Invalid(errors)
        return items

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002, D102 - see Field
        write = self.child.representation()
        return None if write is None else lambda items: [None if item is None else write(item) for item in items]

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        too_long, too_short = self.error_messages.get("max_length"), self.error_messages.get("min_length")
        longest = () if self.max_length is None else (at_most(self.max_length, of="elements", message=too_long),)
        shortest = () if self.min_length is None else (at_least(self.min_length, of="elements", message=too_short),)
        return (*longest, *shortest)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        kind: Any = list[self.child.annotation(request=request)]  # type: ignore[misc] # a type that is computed
        bounds = (MinLen(self.min_length or 0), MaxLen(self.max_length or MOST_FIELDS))
        return Annotated[(kind, *bounds)] if request and (self.min_length or self.max_length) else kind

    def sample(self) -> list[Any]:  # noqa: D102 - see Field
        return [self.child.sample()]

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_length": self.min_length, "max_length": self.max_length}
        described = super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}
        return described | {"child": self.child.describe(None)}


@dataclass(frozen=True, kw_only=True)
class DictField(Field):
    """An object whose values are each as `child`; a form has them as `name.key` (`serializers.DictField`).

    It takes as many keys as Django takes fields of a form, and none that PostgreSQL can't hold; DRF takes any.
    """

    kind: ClassVar[str] = "nested object"
    child: Field = field(default_factory=AnyField)
    allow_empty: bool = True

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        pattern = re.compile(rf"{re.escape(name)}\.(.+)")
        found = {match[1]: form[key] for key in form if (match := pattern.fullmatch(key))}
        return found or ({} if name in form else MISSING)

    async def convert(self, value: Any, scope: Scope) -> dict[str, Any]:  # noqa: ANN401, D102 - see Field
        if not isinstance(value, dict):
            raise self.refused("not_a_dict", _NO_DICT, input_type=type(value).__name__)
        if not (value or self.allow_empty):
            raise self.refused("empty", "This dictionary may not be empty.")
        if len(value) > MOST_FIELDS:
            raise Invalid(f"Ensure this field has no more than {MOST_FIELDS} elements.")
        items: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, item in value.items():
            try:
                check_storable(str(key))
                items[str(key)] = await self.child.clean(item, scope)
            except Invalid as error:
                errors[str(key)] = error.detail
        if errors:
            raise Invalid(errors)
        return items

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002, D102 - see Field
        write = self.child.representation()
        if write is None:
            return None
        return lambda given: {str(key): None if item is None else write(item) for key, item in given.items()}

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


class _JsonText(str):
    """What a form holds: JSON as text."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class JSONField(Field):
    """Any JSON; in a form, or where it is `binary`, JSON as text (`serializers.JSONField`)."""

    binary: bool = False

    def extract(self, name: str, data: Mapping[str, Any], *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(data, Form):
            return _JsonText(data[name]) if name in data else MISSING
        return data.get(name, MISSING)

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        try:
            is_text = isinstance(value, _JsonText) or self.binary
            parsed = json.loads(value, parse_constant=_refuse_constant) if is_text else value
        except (TypeError, ValueError, RecursionError):
            raise self.refused("invalid", NO_JSON) from None
        try:
            check_json(parsed)
        except Invalid:
            raise self.refused("invalid", NO_JSON) from None
        return parsed

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002, D102 - see Field
        return json.dumps if self.binary else None

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return {}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
