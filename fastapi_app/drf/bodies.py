"""Request bodies: JSON, form-encoded and multipart, read only when an endpoint asks for them."""

import codecs
import io
import json
import re
from email.message import Message
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from fastapi_app.drf.errors import ParseError, UnsupportedMediaType
from fastapi_app.drf.negotiation import JSON, media_type_matches

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
PARSED = (JSON, URL_ENCODED, MULTIPART)

_LONGEST_CONTENT_TYPE = 256
# What Django takes for a boundary (`MultiPartParser.boundary_re`).
_BOUNDARY = re.compile(r"[ -~]{0,200}[!-~]")


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
    if len(header) > _LONGEST_CONTENT_TYPE:
        raise UnsupportedMediaType(header)
    if media_type_matches(JSON, header):
        return _parse_json(body, header)
    if media_type_matches(URL_ENCODED, header):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if media_type_matches(MULTIPART, header):
        return await _parse_multipart(request, header)
    raise UnsupportedMediaType(header)


def _parse_json(body: bytes, header: str) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    reader = codecs.getreader(_charset(header))
    try:
        return json.loads(reader(io.BytesIO(body)).read(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"JSON parse error - {error}") from None


async def _parse_multipart(request: Request, header: str) -> dict[str, str]:
    boundary = _parameter(header, "boundary")
    if boundary is None or not _BOUNDARY.fullmatch(boundary):
        raise ParseError(f"Multipart form parse error - Invalid boundary in multipart: {boundary}")
    try:
        async with request.form() as form:
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    except HTTPException:
        # Django takes what it can read of a broken multipart body, which is nothing where it breaks off at once.
        return {}


def _parameter(header: str, name: str) -> str | None:
    message = Message()
    message["content-type"] = header
    value = message.get_param(name)
    return value if isinstance(value, str) else None


def _charset(header: str) -> str:
    name = _parameter(header, "charset") or "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")
