"""A datagram of nginx as a request; what is none is refused without a word of what it said."""

import json

import pytest

from strangler.compare.shadow.inbox import MAX_BYTES
from strangler.compare.shadow.sample import SampleError, sample_parse
from tests.shadows import datagram

PUBLIC = {"v1": "/api", "v2": "/api/v2"}


def test_the_request_is_what_follows_the_header_of_syslog() -> None:
    sample = sample_parse(datagram(uri="/api/posts/?page=2", authorization="Bearer abc", accept="*/*"), PUBLIC)
    assert (sample.method, sample.target, sample.route) == ("GET", "/posts/?page=2", "posts.list")
    assert (sample.host, sample.scheme) == ("blog.example", "https")
    assert sample.headers == (("Authorization", "Bearer abc"), ("Accept", "*/*"))
    assert sample.secrets == ("Bearer abc",)


@pytest.mark.parametrize(
    ("api", "uri", "target"),
    [("v1", "/api/posts", "/posts"), ("v2", "/api/v2/posts/1/?a=//b/../c", "/posts/1/?a=//b/../c")],
)
def test_the_prefix_of_either_api_is_taken_off(api: str, uri: str, target: str) -> None:
    assert sample_parse(datagram(api=api, uri=uri), PUBLIC).target == target


def test_bytes_stay_as_they_were_sent() -> None:
    sent = datagram(uri="/api/posts/?q=X", accept='"\\\n').replace(b"q=X", b"q=\xff\xc3\xa9")
    sample = sample_parse(sent, PUBLIC)
    assert sample.target.encode("latin-1") == b"/posts/?q=\xff\xc3\xa9"
    assert dict(sample.headers)["Accept"] == '"\\\n'


def test_the_number_is_what_nginx_has_sent() -> None:
    assert sample_parse(datagram(), PUBLIC).number is None
    assert sample_parse(datagram().replace(b"{", b'{"number":1795000000000001,', 1), PUBLIC).number == 1795000000000001


def test_a_token_is_not_shown_by_accident() -> None:
    assert "hidden" not in repr(sample_parse(datagram(authorization="Bearer hidden"), PUBLIC))


@pytest.mark.parametrize(
    "fields",
    [
        *({"method": "POST"}, {"method": "-"}, {"api": "v3"}, {"api": "-"}, {"route": ""}, {"route": "Posts list"}),
        *({"uri": "/"}, {"uri": "/admin/"}, {"uri": "/apis/posts/"}, {"uri": "*"}, {"uri": "/api/posts/", "api": "v2"}),
        *({"uri": "/api//posts/"}, {"uri": "/api/x/../posts/"}, {"uri": "/api/%2e%2E/admin/"}, {"uri": "/api/a%2Fb/"}),
    ],
)
def test_what_may_not_be_asked_again_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(SampleError):
        sample_parse(datagram(**fields), PUBLIC)


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"<190>shadow: ", b"\xff\xfe\xfd", b"{", b"{}", b"[]", b'{"method":"GET"}', b"{" * 10_000),
        datagram()[:-1],
        datagram(uri="/api/posts/?" + "x" * MAX_BYTES),
        b"<190>shadow: " + json.dumps({"method": 1}).encode(),
    ],
)
def test_what_is_no_sample_is_refused_without_repeating_it(sent: bytes) -> None:
    with pytest.raises(SampleError) as refused:
        sample_parse(sent, PUBLIC)
    assert len(str(refused.value)) < 40
    assert refused.value.__cause__ is None


def test_the_cookie_that_signs_in_is_sent_and_is_a_secret() -> None:
    sample = sample_parse(datagram(cookie="sessionid=hidden-value"), PUBLIC)
    assert ("Cookie", "sessionid=hidden-value") in sample.headers
    assert "sessionid=hidden-value" in sample.secrets
    assert "hidden" not in repr(sample)
