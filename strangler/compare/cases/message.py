"""Headers and bodies of the requests that are made of case files, recordings and generated values."""

import base64
import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote_plus, urlencode

from strangler.compare.redaction import is_secret, is_secret_parameter

# Headers of the connection, the browser or a proxy, and those that make a response depend on earlier ones.
_DROPPED: Final = frozenset(
    {
        *("accept-encoding", "cache-control", "connection", "content-length", "dnt", "expect", "forwarded", "host"),
        *("keep-alive", "origin", "pragma", "priority", "proxy-connection", "referer", "te", "trailer"),
        *("transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "via"),
        *("x-real-ip", "x-request-id", "x-stack"),
    }
)
_DROPPED_BEGINNINGS: Final = ("if-", "sec-", "x-forwarded-")
# RFC 9110, 5.1 and 5.5; the names that HTTP/2 begins with a colon are none.
NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def kept_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers that belong to the request itself, without credentials; one byte in each character."""
    return tuple((name, _one_byte_each(value)) for name, value in headers if _is_kept(name, value))


def _is_kept(name: str, value: str) -> bool:
    if is_secret(name) or name.lower() in _DROPPED or name.lower().startswith(_DROPPED_BEGINNINGS):
        return False
    return bool(NAME.fullmatch(name) and VALUE.fullmatch(value))


def _one_byte_each(value: str) -> str:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value


JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
_BOUNDARY: Final = "strangler-boundary"
MULTIPART_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY}"


_NO_FIELDS: Final = "write it as a table such as { title = 'a', tags = ['x', 'y'] }"
_NO_FILE: Final = "write a file as { filename = 'a.txt', content = 'text' }, or base64 = '…', and type"


class BodyError(ValueError):
    """The value can't be sent in that way; the message is the hint."""


def json_body(value: object) -> bytes:
    """The value as JSON, its keys in the order given.

    :raises BodyError: it holds a day, a time or a number that JSON can't write.
    """
    _check_json(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def form_body(value: object) -> bytes:
    """The fields as an HTML form sends them; a list is a field that is there several times.

    :raises BodyError: it is no table of texts, numbers, true, false and lists of these.
    """
    return urlencode(list(_fields(value))).encode()


def multipart_body(value: object) -> bytes:
    """The fields as `multipart/form-data` (RFC 7578) of `MULTIPART_TYPE`.

    A table with `filename`, and `content` as a text or `base64`, is a file; `type` is its media type.

    :raises BodyError: as for a form, or a file is incomplete.
    """
    if not isinstance(value, dict):
        raise BodyError(_NO_FIELDS)
    files = {name: each for name, each in value.items() if isinstance(each, dict) and "filename" in each}
    fields = _fields({name: each for name, each in value.items() if name not in files})
    parts = [
        *(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in fields),
        *(_file_part(name, each) for name, each in files.items()),
    ]
    return b"".join(b"--%b\r\n%b\r\n" % (_BOUNDARY.encode(), part) for part in parts) + f"--{_BOUNDARY}--\r\n".encode()


def _file_part(name: str, file: dict[str, object]) -> bytes:
    kinds = [kind for kind in ("content", "base64") if kind in file]
    is_text = all(isinstance(each, str) and (key == "content" or each.isprintable()) for key, each in file.items())
    if not is_text or len(kinds) != 1 or not file.keys() <= {"filename", "type", *kinds}:
        raise BodyError(_NO_FILE)
    text = str(file[kinds[0]])
    try:
        content = text.encode() if kinds[0] == "content" else base64.b64decode(text, validate=True)
    except ValueError:
        raise BodyError(_NO_FILE) from None
    disposition = f'form-data; name="{name}"; filename="{file["filename"]}"'
    media = file.get("type", "application/octet-stream")
    return f"Content-Disposition: {disposition}\r\nContent-Type: {media}\r\n\r\n".encode() + content


def secrets_in(value: object, *, below_secret: bool = False) -> Iterator[str]:
    """The texts that stand anywhere under a secret's name, such as a password that is sent."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from secrets_in(inner, below_secret=below_secret or is_secret(str(name)))
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_in(inner, below_secret=below_secret)
    elif isinstance(value, str) and value and below_secret:
        yield value


def secrets_in_body(text: str) -> Iterator[str]:
    """The secrets of a body as it is sent, JSON or a form."""
    try:
        yield from secrets_in(json.loads(text))
    except (ValueError, RecursionError):
        yield from _secret_fields(text)


def secrets_in_target(target: str) -> Iterator[str]:
    """The secrets in a target's query, as they stand there and without percent-encoding."""
    yield from _secret_fields(target.partition("?")[2])


def without_secrets(target: str) -> str:
    """The target without the credentials in its query, such as `access_token`; the rest as it was sent."""
    path, _mark, query = target.partition("?")
    kept = [field for field in query.split("&") if not is_secret(unquote_plus(field.partition("=")[0]))]
    return f"{path}?{'&'.join(kept)}" if kept and query else path if query else target


def _secret_fields(text: str) -> Iterator[str]:
    for field in text.split("&"):
        name, _equals, value = field.partition("=")
        if value and is_secret_parameter(name):
            yield from {value, unquote_plus(value)}


def _check_json(value: object) -> None:
    if isinstance(value, dt.date | dt.time):
        raise BodyError(f"put {value} into quotes, JSON knows no days and times")
    if isinstance(value, float) and not math.isfinite(value):
        raise BodyError(f"write the JSON as body = '…', {value} is no number in it")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_json(inner)


def _fields(value: object) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        raise BodyError(_NO_FIELDS)
    for name, inner in value.items():
        for each in inner if isinstance(inner, list) else [inner]:
            yield name, _text(each)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise BodyError("give each field a text, a number, true, false or a list of these")
