"""The keys of a body and of an answer, declared once: they validate, and describe themselves to OPTIONS and OpenAPI."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self

import asyncpg
from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as PydanticField
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request

from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import MISSING, Field, Scope
from strangler_fastapi.drf.fields.usual_collections import Usual
from strangler_fastapi.drf.fields.usual_values import usual_of
from strangler_fastapi.drf.http.bodies import parse_body
from strangler_fastapi.drf.parents import ParentRule
from strangler_fastapi.drf.rules import UniqueTogetherValidator
from strangler_fastapi.drf.validators import NO_DICTIONARY, Invalid, Unique
from strangler_fastapi.errors import NON_FIELD_ERRORS, ErrorDetail, ValidationFailed

# Given the cleaned values by `source`, checks them together; raises Invalid.
Rule = Callable[[dict[str, Any], Scope], Awaitable[None]]


class Serializer:
    """Named keys in order, as a class of DRF's serializers has them.

    `name` and `description` are those of the answer in the OpenAPI document. `rules` check all values together, once
    each is good by itself, as a serializer's Meta has `validators`; what they raise is of no field unless it names one.
    """

    def __init__(
        self, name: str, fields: Mapping[str, Field], *, description: str = "", rules: tuple[Rule, ...] = ()
    ) -> None:
        self.rules = rules
        self.name = name
        self.fields = fields
        self.description = description

    @cached_property
    def response_model(self) -> type[BaseModel]:
        """The Pydantic model of the answer: every key that is not write-only."""
        return self._model(request=False)

    @cached_property
    def request_model(self) -> type[BaseModel]:
        """The Pydantic model of the body, for its JSON Schema: every key that is not read-only."""
        return self._model(request=True)

    def without(self, names: Collection[str]) -> Self:
        """The same but for some keys."""
        fields = {name: field for name, field in self.fields.items() if name not in names}
        return type(self)(self.name, fields, description=self.description, rules=self.rules)

    @property
    def unported(self) -> tuple[str, ...]:
        """What of Django's an answer still lacks (`strangler_fastapi.drf.unported`)."""
        return tuple(what for field in self.fields.values() for what in field.unported)

    @cached_property
    def written(self) -> tuple[tuple[str, str, Field, Usual | None], ...]:
        """The fields that a body has: key, source, the field, and what takes its usual values."""
        written = ((name, field) for name, field in self.fields.items() if not field.read_only)
        return tuple((name, field.source or name, field, usual_of(field)) for name, field in written)

    def _model(self, *, request: bool) -> type[BaseModel]:
        keys: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.hidden or (field.read_only if request else field.write_only):
                continue
            facts: dict[str, Any] = {"description": field.description or field.help_text}
            if field.example is not None:
                facts["examples"] = [field.example]
            if request and not field.required:
                # Unlike a default, a factory leaves no value in the document: what is left out keeps the table's.
                facts["default_factory"] = type(None)
            keys[name] = (field.annotation(request=request), PydanticField(**facts))
        config = ConfigDict(from_attributes=True)
        return create_model(self.name, __config__=config, __doc__=None if request else self.description, **keys)

    async def validate(self, data: object, scope: Scope, *, partial: bool = False) -> dict[str, Any]:
        """The cleaned values by `source`; other keys and read-only ones are ignored, and `partial` requires none.

        Raises:
            ValidationFailed: with every field's error, in order.
        """
        if data is None:
            raise ValidationFailed({NON_FIELD_ERRORS: [ErrorDetail("No data provided", "null")]})
        if not isinstance(data, Mapping):
            sentence = NO_DICTIONARY.format(datatype=type(data).__name__)
            raise ValidationFailed({NON_FIELD_ERRORS: [sentence]})
        cleaned: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, source, field, usual in self.written:
            if usual is not None and (taken := usual(data.get(name))) is not MISSING:
                cleaned[source] = taken
                continue
            value = field.extract(name, data, partial=partial)
            try:
                if value is not MISSING:
                    cleaned[source] = await field.clean(value, scope)
                elif (field.default is not MISSING) and not partial:
                    if (default := field.default_in(scope)) is not MISSING:
                        cleaned[source] = default
                elif field.required and not partial:
                    raise field.refused("required", field.absent)
            except Invalid as error:
                errors[name] = error.detail
        if errors:
            raise ValidationFailed(errors)
        for rule in self.rules:
            if errors and isinstance(rule, ParentRule):
                # `validate` of Django's is called once the validators are done, and ends with its first error.
                break
            try:
                await rule(cleaned, scope)
            except Invalid as error:
                if isinstance(error.detail, dict):
                    raise ValidationFailed(error.detail) from None
                errors.setdefault(NON_FIELD_ERRORS, []).extend(error.detail)
        if errors:
            raise ValidationFailed(errors)
        return cleaned

    async def read(
        self,
        request: Request,
        session: RequestSession,
        *,
        instance_id: Any = None,  # noqa: ANN401 - of the key's type
        partial: bool | None = None,
    ) -> dict[str, Any]:
        """The cleaned values of the request's body; one that is `partial`, as of a PATCH, requires none.

        Raises:
            ApiError: the body can't be read, or a value is refused.
        """
        data = await parse_body(request)
        caller = getattr(request.state, "caller", None)
        partial = request.method == "PATCH" if partial is None else partial
        return await self.validate(
            data, Scope(session, instance_id, caller, partial, request.path_params), partial=partial
        )

    @contextmanager
    def refuse_duplicates(self) -> Iterator[None]:
        """Answers a unique value that another request took meanwhile as one that was taken before.

        Raises:
            ValidationFailed: that is what happened.
        """
        try:
            yield
        except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
            for whole in self.rules:
                if isinstance(whole, UniqueTogetherValidator) and whole.is_violated_by(error):
                    raise ValidationFailed({NON_FIELD_ERRORS: [ErrorDetail(whole.refusal, "unique")]}) from None
            for name, field in self.fields.items():
                for rule in field.validators:
                    if isinstance(rule, Unique) and rule.is_violated_by(error):
                        raise ValidationFailed({name: [ErrorDetail(rule.message, "unique")]}) from None
            raise

    def describe(self) -> dict[str, Any]:
        """What OPTIONS says of the body."""
        return {name: field.describe(name) for name, field in self.fields.items() if not field.hidden}
