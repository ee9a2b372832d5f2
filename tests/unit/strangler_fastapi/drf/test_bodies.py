"""Bodies are read as by DRF's parsers."""

import json
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory

from strangler_fastapi.drf.bodies import Form, parse_body
from strangler_fastapi.errors import ApiError
from tests.unit.fastapi_app.asking import make_request

PART = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhi\r\n'
MULTIPART = {
    "two fields": PART % (b"username", b"alice") + PART % (b"password", "é".encode()) + b"--x--\r\n",
    "a field twice": PART % (b"a", b"1") + PART % (b"a", b"2") + b"--x--\r\n",
    "a file": PART % (b"a", b"1") + FILE + b"--x--\r\n",
    "an empty field": PART % (b"a", b"") + b"--x--\r\n",
    "no parts": b"--x--\r\n",
    "no multipart": b"hello",
}
CONTENT_TYPES = (
    *("application/json", "APPLICATION/JSON; charset=utf-8", "application/json; charset=latin-1", "text/plain", ""),
    *("application/json; charset=bogus", "application/json; charset=utf-16", "application/x-www-form-urlencoded"),
    *("application/vnd.api+json", "*/*", "application/*", "multipart/form-data", "a" * 257, "application/json;"),
    'multipart/form-data; boundary="é"',
)


async def answer(content_type: str, body: bytes) -> Any:
    """What was read, or the status and body of the error; of a form, every text of each name."""
    headers = {"content-type": content_type} if content_type else {}
    try:
        data = await parse_body(make_request(method="POST", headers=headers, body=body))
    except ApiError as error:
        return error.status, error.body
    return texts({name: data.all(name) for name in data}) if isinstance(data, Form) else data


def texts(form: dict[str, list[Any]]) -> dict[str, list[str]]:
    """The fields that have texts; files are left out."""
    found = {name: [value for value in values if isinstance(value, str)] for name, values in form.items()}
    return {name: values for name, values in found.items() if values}


def drf_answer(content_type: str, body: bytes) -> Any:
    request = DrfRequest(
        APIRequestFactory().generic("POST", "/", body, content_type=content_type),
        parsers=[JSONParser(), FormParser(), MultiPartParser()],
    )
    try:
        data = request.data
    except APIException as error:
        return error.status_code, {"detail": str(error.detail)}
    return texts(dict(data.lists())) if isinstance(data, QueryDict) else data


JSON_BODIES = st.binary(max_size=20) | st.builds(
    lambda value, extra: json.dumps(value).encode() + extra,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=3), values, max_size=2),
        max_leaves=4,
    ),
    st.sampled_from([b"", b" ", b"x", b","]),
)


@given(body=JSON_BODIES.filter(bool))
@example(body=b'{"a":NaN}')
@example(body=b"-Infinity")
@example(body=b"\xef\xbb\xbf{}")
@example(body=b'{"a":1,"a":2}')
@example(body=b'"\\ud800"')
@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16"])
async def test_json_is_read_as_in_drf(charset: str, body: bytes) -> None:
    content_type = f"application/json; charset={charset}"
    assert await answer(content_type, body) == drf_answer(content_type, body)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("body", [b"{}", b'{"a":"\xc3\xa9"}', b"a=1&a=2&b=&c", "a=é&b=%E9+%00".encode()])
async def test_each_content_type_is_read_or_refused_as_in_drf(content_type: str, body: bytes) -> None:
    assert await answer(content_type, body) == drf_answer(content_type, body)


@given(body=st.binary(max_size=30) | st.text(st.sampled_from(list("ab=&+%41;é\x00")), max_size=20).map(str.encode))
@example(body=b"a=1&a=2&b=&c&=d&&")
@example(body=b"a=%E9&b=\xe9")
async def test_forms_are_read_as_in_drf(body: bytes) -> None:
    content_type = "application/x-www-form-urlencoded"
    assert await answer(content_type, body) == (drf_answer(content_type, body) if body else {})


@pytest.mark.parametrize("body", MULTIPART.values(), ids=MULTIPART.keys())
async def test_multipart_is_read_as_in_drf(body: bytes) -> None:
    content_type = "multipart/form-data; boundary=x"
    assert await answer(content_type, body) == drf_answer(content_type, body)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "multipart/form-data"])
async def test_an_empty_body_is_an_empty_object(content_type: str) -> None:
    assert await answer(content_type, b"") == {}


async def test_json_nested_too_deeply_is_the_clients_fault() -> None:
    status, body = await answer("application/json", b"[" * 100_000)
    assert status == 400
    assert body["detail"].startswith("JSON parse error - ")
