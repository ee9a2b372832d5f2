"""How errors and bodies are documented in OpenAPI."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.drf.http.renderers import EVENT_STREAM
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.unported import unported_of

_EXAMPLES: dict[int, tuple[str, Any]] = {
    400: ("The input is not valid: each field's errors, or one `detail`.", {"title": ["This field is required."]}),
    401: ("Not signed in, or the token is not accepted.", {"detail": "Authentication credentials were not provided."}),
    403: ("The caller may not.", {"detail": "You do not have permission to perform this action."}),
    404: ("There is no such thing, or no such page.", {"detail": "Not found."}),
    406: ("The client takes no JSON.", {"detail": "Could not satisfy the request Accept header."}),
    415: ("The body is of an unknown kind.", {"detail": 'Unsupported media type "text/plain" in request.'}),
    429: ("Too many requests; `Retry-After` says when to come back.", {"detail": "Request was throttled."}),
    501: ("A part of Django's endpoint isn't ported yet.", {"detail": "Not ported from Django yet: a method field."}),
    503: ("The service can't answer now; `Retry-After` says when to try again.", {"detail": "The database is away."}),
}


class Detail(BaseModel):
    """An error in one sentence."""

    model_config = ConfigDict(extra="allow")

    detail: str = Field(examples=["Not found."])


class FieldErrors(BaseModel):
    """Sentences for each field that is wrong; `non_field_errors` for the whole body."""

    model_config = ConfigDict(extra="allow")

    non_field_errors: list[str] = []


def document_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for these statuses, each with its model, meaning and an example."""
    documented: dict[int | str, dict[str, Any]] = {}
    for status in sorted(set(statuses)):
        description, example = _EXAMPLES[status]
        model = FieldErrors | Detail | list[str] if status == 400 else Detail
        content = {"application/json": {"example": example}}
        documented[status] = {"model": model, "description": description, "content": content}
    return documented


def document_stream(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for Server-Sent Events whose data is JSON of `model`; as FastAPI documents its own."""
    text = {"type": "string"}
    data = {**text, "contentMediaType": "application/json", "contentSchema": model.model_json_schema()}
    event = {"type": "object", "properties": {"event": text, "data": data, "id": text, "retry": {"type": "integer"}}}
    return {
        200: {"description": "Events, without an end.", "content": {EVENT_STREAM.media_type: {"itemSchema": event}}}
    }


def document_parameters(path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """OpenAPI's parameters: those in the path, and those of the query string, by name → description."""
    text = {"type": "string"}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in re.findall(r"\{(\w+)\}", path)
    ]
    for name, description in query.items():
        parameters.append({"name": name, "in": "query", "required": False, "schema": text, "description": description})
    return {"parameters": parameters} if parameters else {}


def document_body(body: Serializer, media_types: tuple[str, ...], *, partial: bool) -> dict[str, Any]:
    """OpenAPI's request body, for an endpoint that reads the body itself; a `partial` one requires no key."""
    schema = body.request_model.model_json_schema()
    if partial:
        schema.pop("required", None)
    return {
        "requestBody": {"required": True, "content": {media_type: {"schema": schema} for media_type in media_types}}
    }


def document_security(authenticators: Sequence[BaseAuthentication], *, required: bool) -> dict[str, Any]:
    """An operation that takes credentials of one of these kinds, or wants them (`required`).

    Said here, since a FastAPI dependency would cost time at each call.
    """
    names = [kind.security_scheme[0] for kind in authenticators if kind.security_scheme]
    schemes: list[dict[str, list[str]]] = [{name: []} for name in names]
    return {"security": [*schemes, *([] if required else [{}])]} if schemes else {}


class DocumentedApi(FastAPI):
    """An application whose document explains the credentials that its views take."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            schemes: dict[str, Any] = {}
            own = unported_of(getattr(self.state, "error_body", None))
            for route in self.routes:
                view = getattr(route, "view", None)
                if view is not None:
                    (method,) = route.methods  # type: ignore[attr-defined] # a ViewRoute
                    extra = {**(route.openapi_extra or {}), **view.access.document_security(self, method)}  # type: ignore[attr-defined] # as above
                    lacking = dict.fromkeys((*extra.get("x-not-ported", ()), *view.unported(self, method), *own))
                    route.openapi_extra = extra | ({"x-not-ported": [*lacking]} if lacking else {})  # type: ignore[attr-defined] # as above
                    kinds = view.access.authenticators(self)
                    schemes |= dict(kind.security_scheme for kind in kinds if kind.security_scheme)
            document = super().openapi()
            document["components"]["securitySchemes"] = schemes
        return super().openapi()
