"""Request bodies: JSON, form-encoded and multipart, parsed only where an endpoint needs them."""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from strangler_fastapi.drf.negotiation import JSON, media_type_matches
from strangler_fastapi.errors import ParseError, UnsupportedMediaType

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
PARSED = (JSON, URL_ENCODED, MULTIPART)

_LONGEST_CONTENT_TYPE = 256
# What Django takes for a boundary (`MultiPartParser.boundary_re`).
_BOUNDARY = re.compile(r"[ -~]{0,200}[!-~]")


class Form(Mapping[str, Any]):
    """A form's fields. As in Django's QueryDict, a name alone stands for its last value."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self._values: dict[str, list[Any]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a text or a file
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[Any]:
        """Every value of a name, in the order sent."""
        return self._values.get(name, [])

    def indexed(self, name: str) -> list[Any]:
        """The values of `name[0]`, `name[1]` and so on, by index (`rest_framework.utils.html`)."""
        pattern = re.compile(rf"{re.escape(name)}\[([0-9]+)\]")
        found = {int(match[1]): self[key] for key in self if (match := pattern.fullmatch(key))}
        return [found[index] for index in sorted(found)]


async def parse_body(request: Request) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    """The body as Python values; an empty one is `{}`, or an empty form where the content type is a form's.

    Raises:
        UnsupportedMediaType: the content type is no JSON and no form.
        ParseError: the body is not what its content type says.
    """
    body = await request.body()
    header = request.headers.get("content-type", "")
    if not body:
        return Form(()) if header.split(";", 1)[0].strip().lower() in (URL_ENCODED, MULTIPART) else {}
    if len(header) > _LONGEST_CONTENT_TYPE:
        raise UnsupportedMediaType(header)
    if media_type_matches(JSON, header):
        return _parse_json(body, header)
    if media_type_matches(URL_ENCODED, header):
        return Form(parse_qsl(_text(body), keep_blank_values=True))
    if media_type_matches(MULTIPART, header):
        return await _parse_multipart(request, header)
    raise UnsupportedMediaType(header)


def _parse_json(body: bytes, header: str) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    reader = codecs.getreader(_charset(header))
    try:
        return json.loads(reader(io.BytesIO(body)).read(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"JSON parse error - {error}") from None


def _text(body: bytes) -> str:
    """As Django's QueryDict: what is no UTF-8 is Latin-1."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


async def _parse_multipart(request: Request, header: str) -> Form:
    if not header.isascii():
        raise ParseError(f"Multipart form parse error - Invalid non-ASCII Content-Type in multipart: {header}")
    boundary = _parameter(header, "boundary")
    if boundary is None or not _BOUNDARY.fullmatch(boundary):
        raise ParseError(f"Multipart form parse error - Invalid boundary in multipart: {boundary}")
    try:
        async with request.form() as form:
            return Form(form.multi_items())
    except HTTPException:
        # Django takes what it can read of a broken multipart body, which is nothing where it breaks off at once.
        return Form(())


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
