"""The command to copy asks the same, and is safe to paste."""

import shlex

from strangler.compare.case import Case
from strangler.compare.client.sides import Side
from strangler.compare.masked_result import curl_text
from strangler.compare.redaction import Masker

HEADERS = (("Accept", "*/*"), ("X-Forwarded-Prefix", "/api"))
SIDE = Side(name="left", url="http://left/api", links="/api", headers=HEADERS)


def words(case: Case) -> list[str]:
    return shlex.split(curl_text(SIDE, case, Masker()))


def test_a_read() -> None:
    case = Case(method="GET", target="/posts/?q=a'b&c=$(id)", headers=(("accept", "text/html"),), caller="alice")
    assert words(case) == [
        *("curl", "-si", "http://left/api/posts/?q=a'b&c=$(id)"),
        *("-H", "accept: text/html", "-H", "X-Forwarded-Prefix: /api", "-H", "Authorization: Bearer $TOKEN"),
    ]


def test_headers_with_secrets_are_left_out() -> None:
    case = Case(method="GET", target="/", headers=(("X-Api-Key", "hidden"), ("Cookie", "hidden"), ("Accept", "*/*")))
    assert "hidden" not in curl_text(SIDE, case, Masker())


def test_a_head() -> None:
    assert words(Case(method="HEAD", target="/"))[:2] == ["curl", "-sI"]


def test_a_write_with_its_body() -> None:
    headers = (("Content-Type", "application/json"),)
    body = b'{"title": "it\'s", "price": 1.00, "password": "x"}'
    found = words(Case(method="POST", target="/posts/", headers=headers, body=body))
    assert found[2:4] == ["-X", "POST"]
    assert found[-2:] == ["--data-raw", '{"title":"it\'s","price":1.00,"password":"***"}']


def test_a_form_and_what_nobody_can_read() -> None:
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert words(Case(method="POST", target="/", headers=form, body=b"password=x&a=1"))[-1] == "password=***&a=1"
    other = (("content-type", "image/png"),)
    assert words(Case(method="POST", target="/", headers=other, body=b"\x89PNG"))[-1] == "4 bytes of image/png"


def test_a_body_that_begins_with_an_at_sign_names_no_file() -> None:
    plain = (("content-type", "application/x-www-form-urlencoded"),)
    found = words(Case(method="POST", target="/", headers=plain, body=b"@/etc/passwd"))
    assert found[-2:] == ["--data-raw", "@/etc/passwd"]


def test_an_address_with_brackets_or_dots_is_one_address() -> None:
    assert words(Case(method="GET", target="/posts/?id[]={1,2}&a=[1-9]"))[:3] == ["curl", "-si", "-g"]
    assert words(Case(method="GET", target="/posts/../users/"))[:3] == ["curl", "-si", "--path-as-is"]
