"""Request bodies: JSON, forms and files, parsed only where an endpoint needs them."""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from shared_schema.charsets import UnsupportedCharsetError, require_text_charset
from strangler_fastapi.drf.http.limits import LARGEST_BODY, MOST_FIELDS
from strangler_fastapi.drf.http.multipart import Parameters, header_parameters, multipart_pairs
from strangler_fastapi.drf.http.negotiation import JSON, media_type_matches
from strangler_fastapi.drf.http.uploads import Spool, UploadedFile
from strangler_fastapi.errors import ParseError, SuspiciousRequest, UnsupportedMediaType

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_LONGEST_CONTENT_TYPE = 256
# Python makes no number of more.
_MOST_DIGITS = 4300
# What Django takes for a boundary (`MultiPartParser.boundary_re`).
_UTF_8 = "utf-8"
_BYTE_ORDER_MARK = "\ufeff"
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

    def below(self, name: str) -> "Form":
        """What stands as `name.key`: one object within the form."""
        head = f"{name}."
        found = [(key, value) for key, value in self.pairs() if key.startswith(head) and key != head]
        return Form((key.removeprefix(head), value) for key, value in found)

    def rows(self, name: str) -> list[Any]:
        """What stands as `name[0]key`, or as `name[0]`, by index: objects or lists within the form, or values.

        See `rest_framework.utils.html`.
        """
        pattern = re.compile(rf"{re.escape(name)}\[([0-9]{{1,{_MOST_DIGITS}}})\](.*)")
        found: dict[int, Any] = {}
        for key in self:
            if match := pattern.fullmatch(key):
                index = int(match[1])
                if not match[2]:
                    found[index] = self[key]
                elif isinstance(found.get(index), Form):
                    found[index] = Form([*found[index].pairs(), (match[2], self[key])])
                else:
                    found[index] = Form([(match[2], self[key])])
        return [found[index] for index in sorted(found)]

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Every name with every value."""
        return ((name, value) for name, values in self._values.items() for value in values)


@dataclass(frozen=True)
class Parser:
    """What reads the bodies of a media type, as DRF's class of that name does; one that `spools` reads of any size."""

    media_type: str
    parse: Callable[[Spool, Request, Parameters, str], Any]
    spools: bool = False


async def parse_body(request: Request) -> Any:  # noqa: ANN401 - whatever JSON the client sent
    """The body as Python values; an empty one is `{}`, or an empty form where the content type is a form's.

    Its parsers are those of the view.

    Raises:
        UnsupportedMediaType: the content type is of none of the parsers.
        ParseError: the body is not what its content type says.
        SuspiciousRequest: it is larger than Django reads, or has more fields.
        Unavailable: the disk takes no more files.
    """
    header = request.headers.get("content-type", "")
    parser = next((each for each in parsers_of(request) if media_type_matches(each.media_type, header)), None)
    body = await _read(request, most=None if parser is not None and parser.spools else LARGEST_BODY)
    if not (body.is_on_disk or body.data):
        return Form(()) if header.split(";", 1)[0].strip().lower() in (URL_ENCODED, MULTIPART) else {}
    if len(header) > _LONGEST_CONTENT_TYPE or parser is None:
        raise UnsupportedMediaType(header)
    given = (body, request, *_content_type(header))
    # What is on disk is waited for elsewhere.
    return await run_in_threadpool(parser.parse, *given) if body.is_on_disk else parser.parse(*given)


def parsers_of(request: Request) -> tuple[Parser, ...]:
    """The parsers of the request's view; DRF's own where there is none."""
    view = request.scope.get("view")
    parsers: tuple[Parser, ...] = PARSERS if view is None else view.parsers
    return parsers


async def _read(request: Request, *, most: int | None) -> Spool:
    """The body, of `most` bytes where there is such a bound; on disk, as far as it is more than memory is for.

    Raises:
        SuspiciousRequest: it is too large.
    """
    # Kept, since a request may be handled twice (`drf.views.view_routes`) and its stream is read once.
    if not hasattr(request.state, "body"):
        body, read = Spool(), 0
        # `RequestMiddleware` closes it.
        request.scope["spool"] = body
        async for chunk in request.stream():
            read += len(chunk)
            if most is not None and read > most:
                raise SuspiciousRequest
            await body.add(chunk)
        request.state.body = body
    kept: Spool = request.state.body
    return kept


def _parse_json(body: Spool, _request: Request, _parameters: Parameters, charset: str) -> Any:  # noqa: ANN401 - as above
    try:
        text = _text(body.data[:], charset)
        # With options `loads` makes a decoder for each body, and it says why a text mustn't begin so.
        return json.loads(text) if text.startswith(_BYTE_ORDER_MARK) else _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"JSON parse error - {error}") from None


def _text(sent: bytes, charset: str) -> str:
    """As DRF's JSONParser reads it: what breaks off within a character ends before that, and UTF-16 says its order."""
    if charset == _UTF_8:
        with suppress(UnicodeDecodeError):
            # As nearly all clients send it.
            return sent.decode()
    return codecs.getreader(charset)(io.BytesIO(sent)).read()


def _parse_form(body: Spool, _request: Request, _parameters: Parameters, charset: str) -> Form:
    """As Django's QueryDict: what its charset can't say is Latin-1."""
    sent = body.data[:]
    try:
        text = sent.decode(charset)
    except UnicodeDecodeError:
        text = sent.decode("latin-1")
    if text.count("&") >= MOST_FIELDS:
        raise SuspiciousRequest
    return Form(parse_qsl(text, keep_blank_values=True, encoding=charset))


def _parse_multipart(body: Spool, request: Request, parameters: Parameters, charset: str) -> Form:
    header = request.headers.get("content-type", "")
    if not header.isascii():
        raise ParseError(f"Multipart form parse error - Invalid non-ASCII Content-Type in multipart: {header}")
    if not header.startswith("multipart/"):
        raise ParseError(f"Multipart form parse error - Invalid Content-Type: {header}")
    boundary = parameters.get("boundary")
    if not boundary or not _BOUNDARY.fullmatch(boundary):
        raise ParseError(f"Multipart form parse error - Invalid boundary in multipart: {boundary}")
    # A name that a text and a file have stands for the file, as Django's lists of either are put together.
    return Form(sorted(multipart_pairs(body, boundary, charset), key=lambda pair: isinstance(pair[1], UploadedFile)))


def _parse_file(body: Spool, request: Request, _parameters: Parameters, _charset: str) -> dict[str, UploadedFile]:
    """The whole body as the key `file`, whose name is in the path or in Content-Disposition."""
    name = request.path_params.get("filename")
    if name is None:
        try:
            given = header_parameters(request.headers.get("content-disposition", ""))[1]
        except ValueError:
            given = {}
        name = given.get("filename*") or given.get("filename")
    if not name:
        raise ParseError(
            "Missing filename. Request should include a Content-Disposition header with a filename parameter."
        )
    kind = request.headers.get("content-type", "")
    return {"file": UploadedFile(body.data, 0, len(body.data), name=name, content_type=kind)}


JSONParser = Parser(JSON, _parse_json)
FormParser = Parser(URL_ENCODED, _parse_form)
MultiPartParser = Parser(MULTIPART, _parse_multipart, spools=True)
FileUploadParser = Parser("*/*", _parse_file, spools=True)
PARSERS = (JSONParser, FormParser, MultiPartParser)


@lru_cache(maxsize=64)
def _content_type(header: str) -> tuple[Parameters, str]:
    """Its parameters, and the charset of the body."""
    try:
        parameters = header_parameters(header)[1]
    except ValueError:
        parameters = {}
    return parameters, _charset(parameters)


def _charset(parameters: Parameters) -> str:
    """The charset of the body; one that nobody knows is UTF-8, as in Django.

    Raises:
        ParseError: it is not one that a body may be in.
    """
    try:
        return require_text_charset(parameters.get("charset", _UTF_8))
    except UnsupportedCharsetError as error:
        raise ParseError(str(error)) from None
    except LookupError:
        return _UTF_8


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
