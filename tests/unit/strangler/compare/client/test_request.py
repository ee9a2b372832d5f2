"""What goes over the wire is what the case says, byte for byte; where redirects lead."""

import pytest
from yarl import URL

from strangler.compare.client.client import redirect_target
from strangler.compare.client.errors import UnsendableError
from strangler.compare.client.request import headers_sent, is_json_broken, url_of
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side

FASTAPI = Side(
    name="fastapi",
    url="http://127.0.0.1:8002/api/v2",
    links="/api",
    headers=(("Host", "blog.example"), ("User-Agent", "strangler"), ("X-Forwarded-Prefix", "/api")),
)


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/posts/?page=2&q=%C3%A9", "/api/posts/?page=2&q=%C3%A9"),
        ("/posts/?", "/api/posts/?"),
        ("/posts//../x/./", "/api/posts//../x/./"),
        ("/a?x={1}|[2]'\"<>`^\\", "/api/a?x={1}|[2]'\"<>`^\\"),
        ("/a?x=%zz%2f#b", "/api/a?x=%zz%2f#b"),
        ("/a?x=+%20&&;=", "/api/a?x=+%20&&;="),
        # No byte that would end the line, and none beyond ASCII, stands in a request's first line.
        ("/a b\r\nX: 1", "/api/a%20b%0D%0AX:%201"),
        ("/\xe9", "/api/%E9"),
        ("/\u20ac", "/api/%E2%82%AC"),
    ],
)
def test_a_target_is_sent_as_it_is(target: str, sent: str) -> None:
    for base in ("http://h:1/api", "http://h:1/api/"):
        assert url_of(URL(base), target).raw_path_qs == sent


def test_the_case_is_heard_before_the_side() -> None:
    said = (("user-agent", "mine"), ("X-Two", "1"), ("X-Two", "2"), ("Content-Length", "7"), ("Connection", "close"))
    sent = headers_sent(FASTAPI, said, (("Authorization", "Bearer x"),))
    assert list(sent.items()) == [
        ("user-agent", "mine"),
        ("X-Two", "1"),
        ("X-Two", "2"),
        ("Authorization", "Bearer x"),
        ("Host", "blog.example"),
        ("X-Forwarded-Prefix", "/api"),
        ("Accept-Encoding", "identity"),
    ]


SESSION = (("Cookie", "sessionid=s; csrftoken=c"), ("X-CSRFToken", "c"))


def test_a_cookie_comes_from_a_page_of_the_same_host() -> None:
    sent = headers_sent(FASTAPI, (), SESSION)
    assert (sent["Cookie"], sent["X-CSRFToken"]) == ("sessionid=s; csrftoken=c", "c")
    assert sent["Referer"] == "http://blog.example/"
    assert "Referer" not in headers_sent(FASTAPI, (), (("Authorization", "Bearer x"),))
    plain = Side(name="left", url="https://old.example:8443/api", links="")
    assert headers_sent(plain, (), SESSION)["Referer"] == "https://old.example:8443/"
    # Django checks it where TLS ends in front, which this header says.
    behind_tls = (("X-Forwarded-Proto", "https"),)
    assert headers_sent(FASTAPI, behind_tls, SESSION)["Referer"] == "https://blog.example/"


def test_a_case_may_change_what_its_caller_sends_or_leave_it_out() -> None:
    def sent(**headers: str) -> dict[str, str]:
        return dict(
            headers_sent(FASTAPI, tuple((name.replace("_", "-"), text) for name, text in headers.items()), SESSION)
        )

    assert sent(x_csrftoken="other")["x-csrftoken"] == "other"
    assert "X-CSRFToken" not in sent(X_CSRFToken="")
    assert sent(cookie="theme=dark")["Cookie"] == "sessionid=s; csrftoken=c; theme=dark"
    assert not {"Cookie", "Referer"} & sent(Cookie="").keys()
    assert sent(Referer="http://elsewhere.example/")["Referer"] == "http://elsewhere.example/"


def test_a_header_of_utf_8_is_sent_as_its_bytes_and_another_not_at_all() -> None:
    bytes_of_it = "é".encode().decode("latin-1")
    assert headers_sent(FASTAPI, (("X-Name", bytes_of_it),), ())["X-Name"] == "é"
    with pytest.raises(UnsendableError):
        headers_sent(FASTAPI, (("X-Name", "\xe9"),), ())


@pytest.mark.parametrize(
    ("media", "body", "broken"),
    [
        ("application/json", b'{"a":1}', False),
        ("application/json; charset=utf-8", b'{"a":', True),
        ("application/problem+json", b"NaN", True),
        ("application/json", b"\xff", True),
        ("application/json", b"[" * 100_000, True),
        ("application/json", b"", False),
        ("text/html", b"<h1>", False),
        ("", b"<h1>", False),
    ],
)
def test_json_that_is_none_is_noticed(media: str, body: bytes, *, broken: bool) -> None:
    answer = SideResponse(status=200, headers=(("content-type", media),), body=body)
    assert is_json_broken("GET", answer) is broken
    assert not is_json_broken("HEAD", answer)


def test_json_that_the_other_side_has_sent_too_is_read_once() -> None:
    broken = SideResponse(status=200, headers=(("content-type", "application/json"),), body=b'{"a":')
    assert not is_json_broken("GET", broken, known=broken)
    # As text it was never read.
    assert is_json_broken(
        "GET", broken, known=SideResponse(status=200, headers=(("content-type", "text/html"),), body=broken.body)
    )
    assert is_json_broken("GET", broken, known=SideResponse(status=200, headers=broken.headers, body=b"{}"))


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/api/posts/", "/posts/"),
        ("/api/v2/posts/?page=2", "/posts/?page=2"),
        ("http://blog.example/api/posts/", "/posts/"),
        ("http://127.0.0.1:8002/api/v2/posts/", "/posts/"),
        ("posts/", "/posts/"),
        ("https://elsewhere.example/api/posts/", None),
        ("/admin/", None),
        ("http://[", None),
    ],
)
def test_a_redirect_leads_to_a_target_of_the_same_side_or_nowhere(location: str, found: str | None) -> None:
    answer = SideResponse(status=301, headers=(("location", location),))
    assert redirect_target(FASTAPI, "GET", "/posts", answer) == found
    assert redirect_target(FASTAPI, "POST", "/posts", answer) is None
    assert redirect_target(FASTAPI, "GET", "/posts", SideResponse(status=201, headers=answer.headers)) is None
