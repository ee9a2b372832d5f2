"""What a request costs grows as its size does, in time and in memory: nothing of it is read in quadratic time."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import jwt
import pytest
from sqlalchemy import String
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from shared_schema.contract.contract import TokenSettings
from strangler_fastapi.auth.password_validation import password_problems
from strangler_fastapi.auth.signing import BadSignature, sign, unsign
from strangler_fastapi.auth.tokens import TokenError, Tokens
from strangler_fastapi.conditional import _etags
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.bodies import parse_body
from strangler_fastapi.drf.cursor_pagination import decode_cursor
from strangler_fastapi.drf.cursors import read_mark
from strangler_fastapi.drf.fields import BooleanField, CharField, Field, Scope
from strangler_fastapi.drf.languages import Languages
from strangler_fastapi.drf.negotiation import negotiate
from strangler_fastapi.drf.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.text_fields import EmailField, IPAddressField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.errors import ApiError
from tests.unit.fastapi_app.asking import make_request

TIMES: Final = 8
# What eight times the size may cost. In quadratic time it is 64 times as much.
MOST: Final = 3 * TIMES
# Shorter times are the clock's and the collector's.
SHORTEST_SECONDS: Final = 0.003
SMALLEST_BYTES: Final = 50_000
KEY: Final = "a key of the tests, as long as HMAC wants it"
TOKENS: Final = Tokens(KEY, TokenSettings())
PART: Final = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=x"

# By content type and what the body of a size is. nginx lets 2 MB of it through.
BODIES: Final[dict[str, tuple[str, Callable[[int], bytes]]]] = {
    "numbers": (JSON, lambda size: b"[" + b"1," * (size // 2) + b"1]"),
    "names": (JSON, lambda size: json.dumps({f"name{each}": 1 for each in range(size // 12)}).encode()),
    "one name": (JSON, lambda size: b"{" + b'"a":1,' * (size // 6) + b'"a":1}'),
    "lists in lists": (JSON, lambda size: b"[" * size),
    "digits": (JSON, lambda size: b"1" * size),
    "escapes": (JSON, lambda size: b'"' + b"\\u00e9" * (size // 6) + b'"'),
    "spaces": (JSON, lambda size: b" " * size),
    "an open text": (JSON, lambda size: b'"' + b"a" * size),
    "fields": (FORM, lambda size: b"a=1&" * (size // 4)),
    "separators": (FORM, lambda size: b"&" * size),
    "percents": (FORM, lambda size: b"a=" + b"%41" * (size // 3)),
    "half percents": (FORM, lambda size: b"a=" + b"%" * size),
    "parts": (MULTIPART, lambda size: PART % (b"a", b"1") * (size // 60) + b"--x--"),
    "a part": (MULTIPART, lambda size: PART % (b"a", b"1" * size) + b"--x--"),
    "line ends": (MULTIPART, lambda size: PART % (b"a", b"\r\n" * (size // 2)) + b"--x--"),
    "half boundaries": (MULTIPART, lambda size: PART % (b"a", b"\r\n--" * (size // 4)) + b"--x--"),
    "boundaries": (MULTIPART, lambda size: b"--x\r\n" * (size // 5)),
    "no boundary": (MULTIPART, lambda size: b"-" * size),
    "a name": (MULTIPART, lambda size: PART % (b"a" * size, b"1") + b"--x--"),
}
# Each header as the server takes it, up to 8,190 bytes.
HEADERS: Final[dict[str, tuple[str, Callable[[int], str]]]] = {
    "media types": ("accept", lambda size: "a/b," * (size // 4)),
    "parameters": ("accept", lambda size: "a/b" + ";a=b" * (size // 4)),
    "quotes": ("accept", lambda size: 'a/b;a="' + '\\"' * (size // 2)),
    "languages": ("accept-language", lambda size: "de-at;q=0.1," * (size // 12)),
    "a language": ("accept-language", lambda size: "de" + "-a" * (size // 2)),
    "ETags": ("if-none-match", lambda size: '"a",' * (size // 4)),
    "an open ETag": ("if-none-match", lambda size: '"' + "W/" * (size // 2)),
    "cookies": ("cookie", lambda size: "a=b; " * (size // 5)),
    "an open cookie": ("cookie", lambda size: 'a="' + "\\" * size),
    "dots": ("authorization", lambda size: "Bearer " + "." * size),
    "a token": ("authorization", lambda size: "Bearer " + jwt.encode({"a": "b" * size}, KEY)),
    "content types": ("content-type", lambda size: "a/b" + "; charset=a" * (size // 11)),
}
# Texts that regular expressions of e-mails, URLs, addresses and times have been slow at.
TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "letters": lambda size: "a" * size,
    "digits": lambda size: "1" * size,
    "dots": lambda size: "." * size,
    "labels": lambda size: "a@" + "a." * (size // 2),
    "dashes": lambda size: "http://" + "a-" * (size // 2),
    "at signs": lambda size: "@" * size,
    "quoted": lambda size: '"' + "\\a" * (size // 2) + "@a.de",
    "a URL": lambda size: "http://a.de/" + "a/" * (size // 2) + " ",
    "brackets": lambda size: "http://[" + "1:" * (size // 2),
    "colons": lambda size: ":" * size,
    "time": lambda size: "1" + ":1" * (size // 2),
    "spaces": lambda size: " " * size + "a" + " " * size + "a",
    "an exponent": lambda size: "1e" + "9" * size,
}
FIELDS: Final[dict[str, Field]] = {
    "text": CharField(),
    "truth": BooleanField(),
    "e-mail": EmailField(),
    "slug": SlugField(),
    "url": URLField(),
    "uuid": UUIDField(),
    "address": IPAddressField(),
    "number": IntegerField(),
    "float": FloatField(),
    "decimal": DecimalField(max_digits=None, decimal_places=None),
    "date": DateField(),
    "time": TimeField(),
    "moment": DateTimeField(),
    "duration": DurationField(),
}
LANGUAGES: Final = Languages(
    default="en",
    negotiated=True,
    cookie="a",
    supported={"en": True, "de": True},
    fallbacks={},
    messages=(),
    translations={},
)


def require_growth(made: Callable[[int], Any], read: Callable[[Any], object], *, size: int) -> None:
    """Hold what reading one size costs against eight times as much; the least of some, since others share the core."""
    small, large = made(size), made(TIMES * size)
    took, allowed = 0.0, 0.0
    for _ in range(5):
        took, allowed = _seconds(read, large), max(SHORTEST_SECONDS, MOST * _seconds(read, small))
        if took <= allowed:
            break
    assert took <= allowed, "time grows faster"
    assert _bytes(read, large) <= max(SMALLEST_BYTES, MOST * _bytes(read, small)), "memory grows faster"


def _seconds(read: Callable[[Any], object], given: object) -> float:
    took = []
    for _ in range(3):
        began = time.thread_time()
        read(given)
        took.append(time.thread_time() - began)
    return min(took)


def _bytes(read: Callable[[Any], object], given: object) -> int:
    tracemalloc.start()
    try:
        read(given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", BODIES)
def test_a_body(name: str) -> None:
    content_type, made = BODIES[name]

    async def read(body: bytes) -> None:
        request = make_request(method="POST", headers={"content-type": content_type}, body=body)
        try:
            with suppress(ApiError):
                await parse_body(request)
        finally:
            request.scope["spool"].close()

    require_growth(made, lambda body: asyncio.run(read(body)), size=25_000)


@pytest.mark.parametrize("name", HEADERS)
def test_a_header(name: str) -> None:
    header, made = HEADERS[name]

    def read(text: str) -> None:
        headers = Headers({header: text})
        with suppress(ApiError):
            negotiate(make_request(headers={header: text}))
        LANGUAGES.of_request(headers)
        cookie_parser(headers.get("cookie", ""))
        _etags(headers, "if-none-match")
        with suppress(TokenError):
            TOKENS.decode(headers.get("authorization", "").removeprefix("Bearer "))

    require_growth(made, lambda text: [read(text) for _ in range(20)], size=1_000)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_value(name: str, field: str) -> None:
    serializer, scope = Serializer("Made", {"x": FIELDS[field]}), Scope(session=cast("RequestSession", None))

    async def read(text: str) -> None:
        with suppress(ApiError):
            await serializer.validate({"x": text}, scope)

    require_growth(TEXTS[name], lambda text: asyncio.run(read(text)), size=20_000)


@pytest.mark.parametrize("name", TEXTS)
def test_a_password_beside_a_name(name: str) -> None:
    require_growth(
        TEXTS[name], lambda text: password_problems(text, username=text[:150], email=text[:254]), size=10_000
    )


@pytest.mark.parametrize("name", TEXTS)
def test_a_cursor(name: str) -> None:
    def read(text: str) -> None:
        with suppress(ApiError):
            decode_cursor(text, offset_cutoff=1000)
        with suppress(ValueError, ApiError):
            read_mark(String(), text)

    require_growth(TEXTS[name], read, size=20_000)


@pytest.mark.parametrize("value", ["a" * 10, [1, 2], {"a": "b"}])
def test_a_session_that_is_signed(value: Any) -> None:
    def read(text: str) -> None:
        with suppress(BadSignature):
            unsign(text, keys=(KEY,), salt="s")

    require_growth(lambda size: sign([value] * (size // 10), key=KEY, salt="s"), read, size=20_000)


def test_what_grows_faster_is_found() -> None:
    with pytest.raises(AssertionError, match="time grows faster"):
        require_growth(int, lambda size: sum(range(size * size)), size=200)
    with pytest.raises(AssertionError, match="memory grows faster"):
        require_growth(int, lambda size: bytes(size * size), size=1000)
