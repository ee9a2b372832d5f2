"""Request bodies: JSON, form-encoded and multipart, parsed only where an endpoint needs them."""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.requests import Request

from shared_schema.charsets import UnsupportedCharsetError, require_text_charset
from strangler_fastapi.drf.limits import LARGEST_BODY, MOST_FIELDS
from strangler_fastapi.drf.multipart import Parameters, header_parameters, multipart_pairs
from strangler_fastapi.drf.negotiation import JSON, media_type_matches
from strangler_fastapi.errors import ParseError, SuspiciousRequest, UnsupportedMediaType

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
PARSED = (JSON, URL_ENCODED, MULTIPART)

_LONGEST_CONTENT_TYPE = 256
# Python makes no number of more.
_MOST_DIGITS = 4300
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
        pattern = re.compile(rf"{re.escape(name)}\[([0-9]{{1,{_MOST_DIGITS}}})\]")
        found = {int(match[1]): self[key] for key in self if (match := pattern.fullmatch(key))}
        return [found[index] for index in sorted(found)]


async def parse_body(request: Request) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    """The body as Python values; an empty one is `{}`, or an empty form where the content type is a form's.

    Raises:
        UnsupportedMediaType: the content type is no JSON and no form.
        ParseError: the body is not what its content type says.
        SuspiciousRequest: it is larger than Django reads, or has more fields.
    """
    body = await _read(request)
    header = request.headers.get("content-type", "")
    if not body:
        return Form(()) if header.split(";", 1)[0].strip().lower() in (URL_ENCODED, MULTIPART) else {}
    if len(header) > _LONGEST_CONTENT_TYPE:
        raise UnsupportedMediaType(header)
    parse = next((parse for kind, parse in _PARSERS.items() if media_type_matches(kind, header)), None)
    if parse is None:
        raise UnsupportedMediaType(header)
    parameters = _parameters(header)
    return parse(body, header, parameters, _charset(parameters))


async def _read(request: Request) -> bytes:
    """The body, which is in memory only as far as it may be.

    Raises:
        SuspiciousRequest: it is too large.
    """
    # Kept, since a request may be handled twice (`strangler_fastapi.drf.view_routes`) and its stream is read once.
    if not hasattr(request.state, "body"):
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise SuspiciousRequest
        request.state.body = bytes(body)
    kept: bytes = request.state.body
    return kept


def _parse_json(body: bytes, _header: str, _parameters: Parameters, charset: str) -> Any:  # noqa: ANN401 - as above
    reader = codecs.getreader(charset)
    try:
        return json.loads(reader(io.BytesIO(body)).read(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"JSON parse error - {error}") from None


def _parse_form(body: bytes, _header: str, _parameters: Parameters, charset: str) -> Form:
    """As Django's QueryDict: what its charset can't say is Latin-1."""
    try:
        text = body.decode(charset)
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    if text.count("&") >= MOST_FIELDS:
        raise SuspiciousRequest
    return Form(parse_qsl(text, keep_blank_values=True, encoding=charset))


def _parse_multipart(body: bytes, header: str, parameters: Parameters, charset: str) -> Form:
    if not header.isascii():
        raise ParseError(f"Multipart form parse error - Invalid non-ASCII Content-Type in multipart: {header}")
    boundary = parameters.get("boundary")
    if not boundary or not _BOUNDARY.fullmatch(boundary):
        raise ParseError(f"Multipart form parse error - Invalid boundary in multipart: {boundary}")
    return Form(multipart_pairs(body, boundary, charset))


_PARSERS = {JSON: _parse_json, URL_ENCODED: _parse_form, MULTIPART: _parse_multipart}


def _parameters(header: str) -> Parameters:
    try:
        return header_parameters(header)[1]
    except ValueError:
        return {}


def _charset(parameters: Parameters) -> str:
    """The charset of the body; one that nobody knows is UTF-8, as in Django.

    Raises:
        ParseError: it is not one that a body may be in.
    """
    try:
        return require_text_charset(parameters.get("charset", "utf-8"))
    except UnsupportedCharsetError as error:
        raise ParseError(str(error)) from None
    except LookupError:
        return "utf-8"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")
