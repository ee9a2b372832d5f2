"""Request bodies: JSON, form-encoded and multipart, read only when an endpoint asks for them."""

import codecs
import json
from email.message import Message
from typing import Any, NoReturn

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from fastapi_app.drf.errors import ParseError, UnsupportedMediaType

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def parse_body(request: Request) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    """The body as Python values; an empty one is `{}`, a form is a dict of each field's last value.

    Raises:
        UnsupportedMediaType: the content type is no JSON and no form.
        ParseError: the body is not what its content type says.
    """
    body = await request.body()
    if not body:
        return {}
    header = request.headers.get("content-type", "")
    content_type = _content_type(header)
    if content_type == "application/json":
        return _parse_json(body, _charset(header))
    if content_type in _FORMS:
        return await _parse_form(request)
    raise UnsupportedMediaType(header)


def _parse_json(body: bytes, charset: str) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    try:
        return json.loads(codecs.decode(body, charset), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"JSON parse error - {error}") from None


async def _parse_form(request: Request) -> dict[str, Any]:
    try:
        async with request.form() as form:
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    except (MultiPartException, ValueError) as error:
        raise ParseError(f"Multipart form parse error - {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


def _content_type(header: str) -> str:
    return header.split(";", 1)[0].strip().lower()


def _charset(header: str) -> str:
    message = Message()
    message["content-type"] = header
    name = message.get_content_charset("utf-8")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"
