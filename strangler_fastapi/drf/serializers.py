"""What a request's body may hold: fields that validate as DRF's serializer fields do, in the same words and order."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy.exc import IntegrityError
from starlette.requests import Request

from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.bodies import Form, parse_body
from strangler_fastapi.drf.validators import Invalid, Unique, at_least, at_most, storable
from strangler_fastapi.errors import ValidationFailed

MISSING: Final = object()

_TRUE = frozenset({"t", "y", "yes", "true", "on", "1", 1})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0", 0})


@dataclass(frozen=True)
class Scope:
    """Where a value is validated: the request's session, and the row that is being changed, if there is one."""

    session: RequestSession
    instance_id: int | None = None


# Raises Invalid; all of a field's validators are asked, and their sentences add up.
Validator = Callable[[Any, Scope], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One key of a body. A read-only field is described in OPTIONS and never read."""

    kind: ClassVar[str] = "field"
    required: bool = True
    read_only: bool = False
    allow_null: bool = False
    allow_blank: bool = False
    label: str | None = None
    validators: tuple[Validator, ...] = ()

    def extract(self, name: str, data: Mapping[str, Any], *, partial: bool) -> Any:  # noqa: ANN401 - whatever was sent
        """The raw value, MISSING where none was sent."""
        if isinstance(data, Form):
            return self.extract_from_form(name, data, partial=partial)
        return data.get(name, MISSING)

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002 - as above
        """The raw value in a form, where an empty text stands for null or nothing if those are allowed and it isn't."""
        value = form.get(name, MISSING)
        if value != "" or self.allow_blank or not (self.allow_null or not self.required):
            return value
        return None if self.allow_null else MISSING

    async def clean(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - whatever the field stands for
        """The value that a raw one stands for.

        Raises:
            Invalid: it stands for none.
        """
        if value is None:
            if self.allow_null:
                return None
            raise Invalid("This field may not be null.")
        converted = await self.convert(value, scope)
        sentences: list[Any] = []
        for validator in (*self.validators, *self.limits()):
            try:
                await validator(converted, scope)
            except Invalid as error:
                sentences.extend(error.detail)
        if sentences:
            raise Invalid(sentences)
        return converted

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - as above
        """The raw value as the field's type; see `clean`."""
        raise NotImplementedError

    def limits(self) -> tuple[Validator, ...]:
        """The validators that follow from the field's own settings; they come last."""
        return ()

    def describe(self, name: str | None) -> dict[str, Any]:
        """What OPTIONS says of the field (`rest_framework.metadata`)."""
        facts: dict[str, Any] = {"type": self.kind, "required": self.required and not self.read_only}
        facts["read_only"] = self.read_only
        if name is not None:
            facts["label"] = self.label or name.replace("_", " ").capitalize()
        return facts


@dataclass(frozen=True, kw_only=True)
class CharField(Field):
    """Text. Numbers are taken as text (`serializers.CharField`)."""

    kind: ClassVar[str] = "string"
    refusal: ClassVar[str] = "Not a valid string."
    max_length: int | None = None
    min_length: int | None = None
    trim: bool = True

    async def clean(self, value: Any, scope: Scope) -> str | None:  # noqa: ANN401, D102 - see Field
        if value == "" or (self.trim and str(value).strip() == ""):
            if self.allow_blank:
                return ""
            raise Invalid("This field may not be blank.")
        text: str | None = await super().clean(value, scope)
        return text

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid(self.refusal)
        return str(value).strip() if self.trim else str(value)

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        longest = () if self.max_length is None else (at_most(self.max_length),)
        shortest = () if self.min_length is None else (at_least(self.min_length),)
        return (*longest, *shortest, storable)

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_length": self.min_length, "max_length": self.max_length}
        return super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    """True or false, in many spellings. A form that leaves it out says false (`serializers.BooleanField`)."""

    kind: ClassVar[str] = "boolean"

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, D102 - see Field
        if name not in form and not partial:
            return None if self.allow_null else False
        return super().extract_from_form(name, form, partial=partial)

    async def convert(self, value: Any, scope: Scope) -> bool | None:  # noqa: ANN401, ARG002, D102 - see Field
        key = value.lower() if isinstance(value, str) else value
        if self.allow_null and key in ("null", ""):
            return None
        if not isinstance(key, str | int | float):
            raise Invalid("Must be a valid boolean.")
        if key in _TRUE:
            return True
        if key in _FALSE:
            return False
        raise Invalid("Must be a valid boolean.")


@dataclass(frozen=True, kw_only=True)
class ListField(Field):
    """A list whose items are each as `child` (`serializers.ListField`)."""

    kind: ClassVar[str] = "list"
    child: Field

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return form.all(name) or form.indexed(name) or MISSING

    async def convert(self, value: Any, scope: Scope) -> list[Any]:  # noqa: ANN401, D102 - see Field
        if not isinstance(value, list):
            raise Invalid(f'Expected a list of items but got type "{type(value).__name__}".')
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

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        return super().describe(name) | {"child": self.child.describe(None)}


@dataclass(frozen=True, kw_only=True)
class ReadOnlyField(Field):
    """A key of the answer alone; `type` is what OPTIONS calls it, `children` what a nested object holds."""

    type: str
    read_only: bool = True
    children: "Serializer | None" = None

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        facts = super().describe(name) | {"type": self.type}
        return facts if self.children is None else facts | {"children": self.children.describe()}


class Serializer:
    """The keys of a body, in order."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields

    async def validate(self, data: object, scope: Scope, *, partial: bool = False) -> dict[str, Any]:
        """The cleaned values; other keys and read-only ones are ignored, and `partial` requires none.

        Raises:
            ValidationFailed: with every field's error, in order.
        """
        if data is None:
            raise ValidationFailed({"non_field_errors": ["No data provided"]})
        if not isinstance(data, Mapping):
            kind = type(data).__name__
            raise ValidationFailed({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
        cleaned: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.read_only:
                continue
            value = field.extract(name, data, partial=partial)
            try:
                if value is not MISSING:
                    cleaned[name] = await field.clean(value, scope)
                elif field.required and not partial:
                    raise Invalid("This field is required.")
            except Invalid as error:
                errors[name] = error.detail
        if errors:
            raise ValidationFailed(errors)
        return cleaned

    async def read(
        self, request: Request, session: RequestSession, *, instance_id: int | None = None
    ) -> dict[str, Any]:
        """The cleaned values of the request's body; a PATCH requires none.

        Raises:
            ApiError: the body can't be read, or a value is refused.
        """
        data = await parse_body(request)
        return await self.validate(data, Scope(session, instance_id), partial=request.method == "PATCH")

    @contextmanager
    def refuse_duplicates(self) -> Iterator[None]:
        """Answers a unique value that another request took meanwhile as one that was taken before.

        Raises:
            ValidationFailed: that is what happened.
        """
        try:
            yield
        except IntegrityError as error:
            for name, field in self.fields.items():
                for rule in field.validators:
                    if isinstance(rule, Unique) and rule.is_violated_by(error):
                        raise ValidationFailed({name: [rule.message]}) from None
            raise

    def describe(self) -> dict[str, Any]:
        """What OPTIONS says of the body."""
        return {name: field.describe(name) for name, field in self.fields.items()}
