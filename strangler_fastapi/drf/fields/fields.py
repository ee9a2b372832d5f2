"""Fields of a body: each validates as DRF's does, in the same words, and knows its type in OpenAPI."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from annotated_types import MaxLen, MinLen
from pydantic import Field as PydanticField

from shared_schema.consumer.samples import sample_of
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.languages import Untranslated
from strangler_fastapi.drf.validators import (
    Invalid,
    Pattern,
    at_least,
    at_most,
    check_json,
    storable,
)

if TYPE_CHECKING:
    from strangler_fastapi.drf.serializers import Serializer

MISSING: Final = object()

# What OPTIONS calls a type; a decimal is answered as text (`COERCE_DECIMAL_TO_STRING`).
_READ_ONLY_TYPES: Final[dict[str, Any]] = {
    "boolean": bool,
    "date": date,
    "datetime": datetime,
    "decimal": str,
    "email": str,
    "float": float,
    "integer": int,
    "string": str,
    "time": time,
}
_TRUE = frozenset({"t", "y", "yes", "true", "on", "1", 1})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0", 0})


@dataclass(frozen=True)
class Scope:
    """Where a value is validated: the request's session and caller, and the key of the row that is changed, if any.

    `partial` requires no key, as a PATCH does; `path` are the parameters of the request's path.
    """

    session: RequestSession
    instance_id: Any = None
    caller: Any = None
    partial: bool = False
    path: Mapping[str, str] = field(default_factory=dict)


# Raises Invalid; all of a field's validators run, and their sentences add up. One that asks the database is awaited.
Validator = Callable[[Any, Scope], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One key of a body, of an answer, or of both.

    A `read_only` field is never read from a body, a `write_only` one never answered. `source` is the attribute of the
    mapped class that the key stands for, where it has another name. `default` is the value of a key that is left out,
    or what gives one; such a key is not required. `help_text` is what OPTIONS and OpenAPI say of the field;
    `description` and `example` are for OpenAPI alone. `error_messages` are texts of one's own, by DRF's codes.
    Without a label, one `of_column` has the column's name, which languages may have; any other has its own in all.
    """

    kind: ClassVar[str] = "field"
    # What is said of a key that is required and left out.
    absent: ClassVar[str] = "This field is required."
    hidden: ClassVar[bool] = False
    required: bool = True
    read_only: bool = False
    write_only: bool = False
    allow_null: bool = False
    allow_blank: bool = False
    label: str | None = None
    source: str | None = None
    help_text: str | None = None
    description: str | None = None
    example: Any = None
    default: Any = MISSING
    validators: tuple[Validator, ...] = ()
    error_messages: Mapping[str, str] = field(default_factory=dict)
    of_column: bool = False

    def __post_init__(self) -> None:
        if self.default is not MISSING:
            object.__setattr__(self, "required", False)

    def default_in(self, scope: Scope) -> Any:  # noqa: ANN401 - whatever the field stands for
        """The value of a key that is left out, MISSING where there is none."""
        return default_in(self.default, scope)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: ARG002 - some fields ask
        """What makes a value that is not null that of an answer; None where it is as it is.

        `kind` is the Python type of the values, None where they may be of any.
        """
        return None

    def refused(self, code: str, text: str, **values: object) -> Invalid:
        """What a value is refused with: the text of that code, DRF's or the field's own, with values in its braces."""
        return Invalid(self.error_messages.get(code, text).format(**values), code)

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
            raise self.refused("null", "This field may not be null.")
        converted = await self.convert(value, scope)
        sentences: list[Any] = []
        for validator in self._checks:
            try:
                if (waiting := validator(converted, scope)) is not None:
                    await waiting
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

    @cached_property
    def _checks(self) -> tuple[Validator, ...]:
        return (*self.validators, *self.limits())

    def annotation(self, *, request: bool) -> Any:  # noqa: ANN401 - a type, perhaps with constraints
        """The field's type in a Pydantic model of the request, or of the answer."""
        kind = self.value_type(request=request)
        return kind | None if self.allow_null else kind

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002 - as above
        """The type of a value that is not null; a request's has the limits that only new values must keep to."""
        return Any

    def sample(self) -> Any:  # noqa: ANN401 - whatever the field stands for
        """A cleaned value."""
        raise NotImplementedError

    @property
    def unported(self) -> tuple[str, ...]:
        """What of Django's its answer still lacks (`strangler_fastapi.drf.unported`)."""
        return ()

    def describe(self, name: str | None) -> dict[str, Any]:
        """What OPTIONS says of the field (`rest_framework.metadata`)."""
        facts: dict[str, Any] = {"type": self.kind, "required": self.required and not self.read_only}
        facts["read_only"] = self.read_only
        if self.label:
            facts["label"] = self.label
        elif name is not None:
            label = name.replace("_", " ").capitalize()
            facts["label"] = label if self.of_column else Untranslated(label)
        if self.help_text:
            facts["help_text"] = self.help_text
        return facts


def default_in(default: Any, scope: Scope) -> Any:  # noqa: ANN401 - a value, or what gives one
    """What a default is in a scope."""
    if not callable(default):
        return default
    return default(scope) if getattr(default, "requires_context", False) else default()


@dataclass(frozen=True, kw_only=True)
class AnyField(Field):
    """Whatever JSON holds: the child of a list or a dictionary that names none."""

    required: bool = True
    allow_null: bool = True

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        check_json(value)
        return value

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return "sample"


@dataclass(frozen=True, kw_only=True)
class ValueField(Field):
    """A field whose values are of one Python type, `python`."""

    python: ClassVar[type]

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return self.python

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return sample_of(self.python)


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
            raise self.refused("blank", "This field may not be blank.")
        text: str | None = await super().clean(value, scope)
        return text

    async def convert(self, value: Any, scope: Scope) -> str:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.refused("invalid", self.refusal)
        return str(value).strip() if self.trim else str(value)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: D102 - see Field
        return None if kind is str else str

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        too_long, too_short = self.error_messages.get("max_length"), self.error_messages.get("min_length")
        longest = () if self.max_length is None else (at_most(self.max_length, message=too_long),)
        shortest = () if self.min_length is None else (at_least(self.min_length, message=too_short),)
        return (*longest, *shortest, storable)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        limits: list[Any] = [] if self.max_length is None else [MaxLen(self.max_length)]
        if request:
            shortest = self.min_length or (0 if self.allow_blank else 1)
            limits += [MinLen(shortest)] if shortest else []
            limits += [PydanticField(json_schema_extra=self.schema())] if self.schema() else []
        return Annotated[(str, *limits)] if limits else str

    def schema(self) -> dict[str, Any]:
        """What JSON Schema says of such a text besides its length."""
        patterns = [rule.schema for rule in self.validators if isinstance(rule, Pattern) and rule.schema]
        return {"pattern": patterns[0]} if patterns else {}

    def sample(self) -> str:  # noqa: D102 - see Field
        return "sample".ljust(self.min_length or 0, "s")[: self.max_length]

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_length": self.min_length, "max_length": self.max_length}
        return super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    """True or false, in many spellings. A form that leaves it out says false (`serializers.BooleanField`)."""

    kind: ClassVar[str] = "boolean"

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, D102 - see Field
        if name not in form and not partial and self.default is MISSING:
            return None if self.allow_null else False
        return super().extract_from_form(name, form, partial=partial)

    async def convert(self, value: Any, scope: Scope) -> bool | None:  # noqa: ANN401, ARG002, D102 - see Field
        known, meant = self._meaning(value)
        if not known:
            raise self.refused("invalid", "Must be a valid boolean.", input=value)
        return meant

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:
        """Of a column of another type, what its value stands for, else whether it is one that is true to Python."""
        return None if kind is bool else self._shown

    def _shown(self, value: object) -> bool | None:
        known, meant = self._meaning(value)
        return meant if known else bool(value)

    def _meaning(self, value: object) -> tuple[bool, bool | None]:
        """Whether the value stands for one of the field's, and for which."""
        key = value.lower() if isinstance(value, str) else value
        if self.allow_null and key in ("null", ""):
            return True, None
        if not isinstance(key, str | int | float):
            return False, None
        return key in _TRUE or key in _FALSE, key in _TRUE

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return bool

    def sample(self) -> bool:  # noqa: D102 - see Field
        return True


@dataclass(frozen=True, kw_only=True)
class ReadOnlyField(Field):
    """A key of the answer alone; `type` is what OPTIONS calls it, `children` what a nested object holds."""

    type: str
    read_only: bool = True
    children: "Serializer | None" = None

    def representation(self, kind: Any = None) -> Callable[[Any], Any] | None:  # noqa: ANN401 - a type; `type` is a field
        """Of a duration, its seconds as text, as DRF's encoder has it."""
        return seconds_text if kind is timedelta else None

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return _READ_ONLY_TYPES.get(self.type, Any) if self.children is None else self.children.response_model

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        facts = super().describe(name) | {"type": self.type}
        return facts if self.children is None else facts | {"children": self.children.describe()}


def seconds_text(duration: timedelta) -> str:
    """A duration as DRF's encoder writes it."""
    return str(duration.total_seconds())
