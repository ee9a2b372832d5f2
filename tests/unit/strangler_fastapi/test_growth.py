"""What a request costs grows as its size does, in time and in memory: nothing of it is read in quadratic time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import pytest
from sqlalchemy import String
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Message

from fastapi_app.config import PREFIXES
from shared_schema.contract.token_settings import TokenSettings
from strangler_fastapi.application import create_application
from strangler_fastapi.auth.password_validation import password_problems
from strangler_fastapi.auth.signing import BadSignature, sign, unsign
from strangler_fastapi.auth.tokens import TokenError, Tokens
from strangler_fastapi.conditional import _etags
from strangler_fastapi.db.engine import Database
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import BooleanField, CharField, Field, Scope
from strangler_fastapi.drf.fields.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.text_fields import EmailField, IPAddressField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.http.bodies import parse_body
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.negotiation import negotiate
from strangler_fastapi.drf.pagination.cursor_pagination import decode_cursor
from strangler_fastapi.drf.pagination.cursors import read_mark
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.errors import ApiError
from strangler_fastapi.health import health_router
from tests.growth import BODIES, HEADERS, KEY, QUERIES, header_list, require_growth
from tests.unit.fastapi_app.asking import make_request, make_scope

TOKENS: Final = Tokens(KEY, TokenSettings())
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


@pytest.mark.parametrize("name", QUERIES)
def test_a_query(name: str) -> None:
    def read(text: str) -> None:
        request = make_request(query=text.encode())
        with suppress(ApiError):
            negotiate(request)
        with suppress(ApiError, ValueError):
            len(request.query_params)

    require_growth(QUERIES[name], lambda text: [read(text) for _ in range(20)], size=1_000)


def test_a_list_of_headers() -> None:
    application = create_application(
        (health_router(PREFIXES),), service="made", prefixes=PREFIXES, database=lambda: cast("Database", None)
    )

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200

    async def read(headers: dict[str, str]) -> None:
        for _ in range(20):
            scope = make_scope(path="/api/v2/health/live", headers=headers)
            await application({**scope, "root_path": ""}, receive, send)

    require_growth(header_list, lambda headers: asyncio.run(read(headers)), size=10)


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
