"""JSON is written as by DRF's renderer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from starlette.types import Message

from strangler_fastapi.drf.http.rendering import JsonResponse, header_text
from tests.unit.fastapi_app.asking import make_scope

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\u2028\u2029"), max_size=10)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=6,
)
UTC_TIMES = st.datetimes(timezones=st.just(UTC))


async def sent(response: JsonResponse, *, indent: int | None = None) -> tuple[dict[bytes, bytes], bytes]:
    """The headers and body that reach the client."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    await response({**make_scope(), "indent": indent}, receive, send)
    return dict(messages[0]["headers"]), b"".join(message["body"] for message in messages[1:])


@given(value=VALUES.filter(lambda value: value is not None))
@example(value='\x7f\x00"\\/é😀')
@example(value="\x7f")
@example(value={"b": [], "a": {}})
@example(value=[-5e-7, "5e-7,", {'"\\': 1e-9}])
@example(value=[0.00002, 1000.00005, "0.00005", 1e-10, 1e16, 1e22])
@example(value=["0.00002", "-0.00002", {"-0.00003": -0.00003}])
@example(value=1e-7)
@example(value=0.00001)
@pytest.mark.parametrize("indent", [None, 4])
async def test_the_bytes_are_those_of_drf(indent: int | None, value: Any) -> None:
    headers, body = await sent(JsonResponse(value), indent=indent)
    accepted = "application/json" if indent is None else f"application/json; indent={indent}"
    assert body == JSONRenderer().render(value, accepted)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-type"] == b"application/json"


@pytest.mark.parametrize("indent", [None, 4])
async def test_the_line_ends_of_old_javascript_are_escaped(indent: int | None) -> None:
    _, body = await sent(JsonResponse({"title": "\u2028\u2029"}), indent=indent)
    assert rb'"\u2028\u2029"' in body


@given(moment=UTC_TIMES)
@example(moment=datetime(2025, 1, 2, 3, 4, 5, 120000, UTC))
@example(moment=datetime(2025, 1, 2, 3, 4, 5, 0, UTC))
def test_a_time_is_written_as_in_drf(moment: datetime) -> None:
    expected = serializers.DateTimeField().to_representation(moment)
    assert json.loads(JsonResponse(moment).body) == expected


@pytest.mark.parametrize("indent", [None, 2])
async def test_half_of_a_surrogate_pair_that_an_error_repeats_is_escaped(indent: int | None) -> None:
    errors = {"kind": ['"\ud800" is not a valid choice.']}
    _, body = await sent(JsonResponse(errors, status_code=400), indent=indent)
    assert b"\\ud800" in body
    assert json.loads(body) == errors


@given(value=TEXTS.filter(lambda text: not {"\n", "\r"} & set(text)))
@example(value="https://example.com/ä")
@example(value="https://пример.рф/" + "длинный" * 50)
def test_a_header_is_that_of_django(value: str) -> None:
    assert header_text(value) == HttpResponse(headers={"Location": value})["Location"]


@pytest.mark.parametrize("value", ["/a\r\nSet-Cookie: b", "/п\n"])
def test_no_header_has_two_lines(value: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        header_text(value)
