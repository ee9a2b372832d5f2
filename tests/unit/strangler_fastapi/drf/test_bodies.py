"""Bodies are read as by DRF's parsers."""

import bz2
import json
import os
import time
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory

from strangler_django.parsers import FormParser, JSONParser, MultiPartParser
from strangler_fastapi.drf.http.bodies import Form, parse_body
from strangler_fastapi.drf.http.limits import LARGEST_BODY
from strangler_fastapi.drf.http.uploads import CHUNK
from strangler_fastapi.errors import ApiError
from tests.unit.fastapi_app.asking import make_request

PART = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhi\r\n'
BASE64 = b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n--x--'
MULTIPART = {
    "two fields": PART % (b"username", b"alice") + PART % (b"password", "é".encode()) + b"--x--\r\n",
    "a field twice": PART % (b"a", b"1") + PART % (b"a", b"2") + b"--x--\r\n",
    "a file": PART % (b"a", b"1") + FILE + b"--x--\r\n",
    "an empty field": PART % (b"a", b"") + b"--x--\r\n",
    "no parts": b"--x--\r\n",
    "no multipart": b"hello",
    "a field of 1.5 MB": PART % (b"a", b"x" * 1_500_000) + b"--x--\r\n",
    "base64": BASE64 % b"aGk=",
    "no base64": BASE64 % b"aGk",
    "a file of no base64": FILE.replace(b"text/plain", b"text/plain\r\nContent-Transfer-Encoding: base64") + b"--x--",
    "a long header": b"--x\r\nX: %b\r\n" % (b"y" * 2000) + PART[5:] % (b"a", b"1") + b"--x--",
    "broken off": PART % (b"a", b"1") + b'--x\r\nContent-Disposition: form-data; name="b"\r\n\r\nhel',
    "a file broken off": PART % (b"a", b"1") + FILE.removesuffix(b"\r\n"),
    "a file of an empty key": FILE.replace(b'name="f"', b'name=""') + b"--x--",
    "no name": b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + PART % (b"a", b"1"),
    "RFC 2231": b"--x\r\nContent-Disposition: form-data; name*=utf-8''%C3%A9\r\n\r\n1\r\n--x--",
    "RFC 2231 in an unknown charset": b"--x\r\nContent-Disposition: form-data; name*=no''%C3%A9\r\n\r\n1\r\n--x--",
    "line ends of one character": PART.replace(b"\r\n", b"\n") % (b"a", b"1") + b"--x--\n",
    "1,000 fields": PART % (b"a", b"1") * 1000 + b"--x--\r\n",
    "1,001 fields": PART % (b"a", b"1") * 1001 + b"--x--\r\n",
    "1,100 fields": PART % (b"a", b"1") * 1100 + b"--x--\r\n",
    "100 files": FILE * 100 + b"--x--\r\n",
    "101 files": FILE * 101 + b"--x--\r\n",
    "a name that is no UTF-8": PART % (b"\xff", b"\xff") + b"--x--\r\n",
}
CONTENT_TYPES = (
    *("application/json", "APPLICATION/JSON; charset=utf-8", "application/json; charset=latin-1", "text/plain", ""),
    *("application/json; charset=bogus", "application/json; charset=utf-16", "application/x-www-form-urlencoded"),
    *("application/json; charset=punycode", "application/json; charset=bz2", "application/json; charset=cp1252"),
    *("application/x-www-form-urlencoded; charset=latin-1", "application/x-www-form-urlencoded; charset=idna"),
    *("application/vnd.api+json", "*/*", "application/*", "multipart/form-data", "a" * 257, "application/json;"),
    'multipart/form-data; boundary="é"',
    "Multipart/Form-Data; boundary=x",
    *(f"multipart/form-data; boundary={'x' * length}" for length in (201, 202, 226, 227)),
)


async def answer(content_type: str, body: bytes) -> Any:
    """What was read, or the status and body of the error; of a form, every text and file of each name."""
    headers = {"content-type": content_type} if content_type else {}
    request = make_request(method="POST", headers=headers, body=body)
    try:
        data = await parse_body(request)
        return plain({name: data.all(name) for name in data}) if isinstance(data, Form) else data
    except ApiError as error:
        return error.status, error.body
    finally:
        request.scope["spool"].close()


def plain(form: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The texts of each name, and of files what they are called, their type and their content."""

    def read(value: Any) -> Any:
        return value if isinstance(value, str) else (value.name, value.content_type, b"".join(value.chunks()))

    return {name: [read(value) for value in values] for name, values in form.items() if values}


def drf_answer(content_type: str, body: bytes) -> Any:
    request = DrfRequest(
        APIRequestFactory().generic("POST", "/", body, content_type=content_type),
        parsers=[JSONParser(), FormParser(), MultiPartParser()],
    )
    try:
        data = request.data
    except APIException as error:
        return error.status_code, {"detail": str(error.detail)}
    except SuspiciousOperation:
        return 400, {"error": "Bad Request (400)"}
    if not isinstance(data, QueryDict):
        return data
    try:
        return plain(dict(data.lists()))
    finally:
        for _, files in request.FILES.lists():
            for file in files:
                file.close()


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


@pytest.mark.parametrize("charset", ["", "; charset=latin-1"])
@pytest.mark.parametrize("body", MULTIPART.values(), ids=MULTIPART.keys())
async def test_multipart_is_read_as_in_drf(body: bytes, charset: str) -> None:
    content_type = f"multipart/form-data; boundary=x{charset}"
    assert await answer(content_type, body) == drf_answer(content_type, body)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "multipart/form-data"])
async def test_an_empty_body_is_an_empty_object(content_type: str) -> None:
    assert await answer(content_type, b"") == {}


async def test_json_nested_too_deeply_is_the_clients_fault() -> None:
    status, body = await answer("application/json", b"[" * 100_000)
    assert status == 400
    assert body["detail"].startswith("JSON parse error - ")


@given(
    pieces=st.lists(
        st.sampled_from(
            [
                *(
                    b"--x",
                    b"--",
                    b"\r\n",
                    b"\n",
                    b"Content-Disposition: form-data",
                    b"; name=a",
                    b'; filename="b"',
                    b":",
                ),
                *(b"Content-Transfer-Encoding: base64", b"\r\n\r\n", b"aGk=", b"--x--", b"\xff", b"x" * 1030),
            ]
        ),
        max_size=20,
    )
)
async def test_broken_multipart_is_read_as_in_drf(pieces: list[bytes]) -> None:
    content_type, body = "multipart/form-data; boundary=x", b"".join(pieces)
    assert await answer(content_type, body) == (drf_answer(content_type, body) if body else {})


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(
    ("charset", "body"),
    [("bz2", bz2.compress(b"0" * 10_000_000)), ("punycode", b"a" * 500_000 + b"-" + b"b" * 500_000)],
)
async def test_a_charset_that_costs_more_than_the_body_is_refused(kind: str, charset: str, body: bytes) -> None:
    content_type = f"{kind}; charset={charset}"
    begun = time.process_time()
    expected = (400, {"detail": f'Unsupported charset "{charset}" in request Content-Type header.'})
    assert await answer(content_type, body) == drf_answer(content_type, body) == expected
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_body_larger_than_django_reads_is_refused(kind: str) -> None:
    assert await answer(kind, b" " * (LARGEST_BODY + 1)) == (400, {"error": "Bad Request (400)"})


@pytest.mark.parametrize("length", [LARGEST_BODY - 3, LARGEST_BODY - 2])
async def test_files_of_multipart_may_be_larger_than_its_fields_together(length: int) -> None:
    file = FILE.replace(b"hi", b"x" * 3_000_000)
    for body in (PART % (b"a", b"x" * length) + file + b"--x--", file * 2 + PART % (b"a", b"1") + b"--x--"):
        content_type = "multipart/form-data; boundary=x"
        assert await answer(content_type, body) == drf_answer(content_type, body)


async def test_a_large_file_is_on_disk_and_read_in_pieces() -> None:
    content = bytes(range(256)) * 12_000
    body = FILE.replace(b"hi", content) + FILE.replace(b"text/plain", b"image/x; charset=a") + b"--x--"
    request = make_request(method="POST", headers={"content-type": "multipart/form-data; boundary=x"}, body=body)
    large, small = (await parse_body(request)).all("f")
    assert request.scope["spool"].is_on_disk
    assert (large.size, max(map(len, large.chunks()))) == (len(content), CHUNK)
    with large.open() as file:
        assert file.read() == content
        assert (file.seek(-3, os.SEEK_END), file.read(9)) == (len(content) - 3, content[-3:])
    assert (small.name, small.content_type, b"".join(small.chunks())) == ("a.txt", "image/x", b"hi")
    request.scope["spool"].close()


@pytest.mark.parametrize("number", [1000, 1001])
async def test_as_many_fields_as_django_reads(number: int) -> None:
    content_type, body = "application/x-www-form-urlencoded", b"&".join([b"a=1"] * number)
    assert await answer(content_type, body) == drf_answer(content_type, body)


async def test_an_index_of_more_digits_than_a_number_has_is_none() -> None:
    assert Form([(f"tags[{'1' * 5000}]", "a"), ("tags[2]", "b")]).rows("tags") == ["b"]
