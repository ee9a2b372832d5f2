"""Cases from a browser's recording: what was asked of the API, without who asked it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.compare.case import Case
from strangler.compare.cases import har
from strangler.compare.cases.har import cases_from_har
from strangler.errors import UsageError
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
SITE = "https://example.com"
BASES = (f"{SITE}/api", f"{SITE}/api/v2/")


def entry(url: str = f"{SITE}/api/posts/?page=2", method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, "httpVersion": "HTTP/2.0", "headers": [], "cookies": [], **more}}


def headers(**values: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


def read(folder: Path, *entries: object, caller: str = "alice") -> tuple[list[Case], Counter[str]]:
    file = folder / "day.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    skipped: Counter[str] = Counter()
    return list(cases_from_har(file, BASES, TABLE, skipped=skipped, caller=caller)), skipped


def test_a_request_is_a_case_below_any_base_and_asked_by_the_login(tmp_path: Path) -> None:
    cases, skipped = read(tmp_path, entry(), entry(f"{SITE}/api/v2/posts/7/#top", "delete"))
    assert cases == [
        Case(method="GET", target="/posts/?page=2", caller="alice", route="posts.list", source="day.har, request 1"),
        Case(method="DELETE", target="/posts/7/", caller="alice", route="posts.delete", source="day.har, request 2"),
    ]
    assert not skipped


def test_credentials_cookies_and_what_the_browser_adds_stay_behind(tmp_path: Path) -> None:
    recorded = headers(
        Authorization="Bearer s3cret",
        Cookie="sessionid=s3cret",
        X_CSRFToken="s3cret",
        X_Api_Key="s3cret",
        Host="example.com",
        User_Agent="Browser",
        Sec_Fetch_Mode="cors",
        If_None_Match='"s3cret"',
        Accept="application/json",
        Accept_Language="de",
        X_Client_Version="7",
    )
    (case,), _ = read(tmp_path, entry(headers=[{"name": ":authority", "value": "example.com"}, *recorded]))
    assert case.headers == (("Accept", "application/json"), ("Accept-Language", "de"), ("X-Client-Version", "7"))


def test_a_token_in_the_query_stays_behind(tmp_path: Path) -> None:
    url = f"{SITE}/api/posts/?access_token=s3cret&page=2&q=%C3%A4&sig=s3cret&empty="
    cases, _ = read(tmp_path, entry(url), entry(f"{SITE}/api/posts/?token=s3cret"), entry(f"{SITE}/api/posts/?"))
    assert [case.target for case in cases] == ["/posts/?page=2&q=%C3%A4&empty=", "/posts/", "/posts/?"]


def test_the_body_of_a_write_is_kept_and_a_password_in_it_is_a_secret(tmp_path: Path) -> None:
    text = '{"username":"é","password":"s3cret!"}'
    data = {"mimeType": "application/json", "text": text}
    (case,), _ = read(tmp_path, entry(f"{SITE}/api/users/", "POST", postData=data))
    assert case.body == text.encode()
    assert case.headers == (("Content-Type", "application/json"),)
    assert case.secrets == ("s3cret!",)
    assert "s3cret" not in repr(case)


@pytest.mark.parametrize("text", ["user=a&password=s3%2Fcret", '{"login":{"credentials":["s3/cret"]}}'])
def test_secrets_of_a_body_are_known_however_it_is_written(tmp_path: Path, text: str) -> None:
    data = {"mimeType": "text/plain", "text": text}
    (case,), _ = read(tmp_path, entry(f"{SITE}/api/users/", "POST", postData=data))
    assert "s3/cret" in case.secrets


def test_a_form_may_be_recorded_as_its_fields(tmp_path: Path) -> None:
    data = {"params": [{"name": "title", "value": "a b"}, {"name": "tags", "value": "x"}]}
    (case,), _ = read(tmp_path, entry(f"{SITE}/api/posts/", "POST", postData=data))
    assert case.body == b"title=a+b&tags=x"
    assert case.headers == (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        (entry("https://example.com/app.js"), har.ELSEWHERE),
        (entry("https://example.com/apix/posts/"), har.ELSEWHERE),
        (entry("https://example.com.evil.org/api/posts/"), har.ELSEWHERE),
        (entry("http://example.com/api/posts/"), har.ELSEWHERE),
        (entry("https://user@example.com/api/posts/"), har.ELSEWHERE),
        (entry("data:,x"), har.ELSEWHERE),
        (entry(f"{SITE}/api/v2/openapi.json"), har.FIXED),
        (entry(f"{SITE}/api/v2/events/"), har.STREAMING),
        (entry(method="CONNECT"), har.METHOD),
        ({}, har.BROKEN),
        (None, har.BROKEN),
        ({"request": []}, har.BROKEN),
        (entry(url=5), har.BROKEN),  # type: ignore[arg-type]
        (entry(method=None), har.BROKEN),  # type: ignore[arg-type]
        (entry(method="POST", postData="x"), har.BROKEN),
        (entry(method="POST", postData={"mimeType": "multipart/form-data", "params": []}), har.BROKEN),
    ],
)
def test_what_is_no_case_is_counted_by_its_reason(tmp_path: Path, left_out: object, reason: str) -> None:
    cases, skipped = read(tmp_path, entry(), left_out, entry())
    assert len(cases) == 2
    assert skipped == {reason: 1}


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"{bad", "is no HAR: have the browser save all requests as HAR."),
        (b"[]", "is no HAR: have the browser save all requests as HAR."),
        (b"\xff\xfe", "is no HAR: have the browser save all requests as HAR."),
        (b'{"log":{"entries":' + b"[" * 100_000, "is no HAR: have the browser save all requests as HAR."),
        (b'{"log":{"entries":{}}}', "is no HAR, its entries are no list: have the browser save all requests as HAR."),
    ],
)
def test_a_file_that_is_no_har_is_one_sentence(tmp_path: Path, content: bytes, reported: str) -> None:
    file = tmp_path / "x.har"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        list(cases_from_har(file, BASES, TABLE, skipped=Counter()))
    assert str(caught.value) == f"{file} {reported}"


def test_a_file_that_is_not_there_or_too_large_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.har"
    with pytest.raises(UsageError, match=r"can't be read \(No such file or directory\): name a recording in HAR\.$"):
        list(cases_from_har(file, BASES, TABLE, skipped=Counter()))
    monkeypatch.setattr(har, "MAX_BYTES", 1 << 20)
    file.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(UsageError, match=r"is larger than 1 MiB: record less, or without the answers' bodies\.$"):
        list(cases_from_har(file, BASES, TABLE, skipped=Counter()))


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "x.har"
    file.write_text("\ufeff" + json.dumps({"log": {"entries": [entry()]}}))
    assert len(list(cases_from_har(file, BASES, TABLE, skipped=Counter()))) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["GET", f"{SITE}/api/posts/", "é\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["request", "method", "url", "headers", "name", "value", "postData", "text", "params"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.lists(_JSON, max_size=3))
def test_whatever_an_entry_is_it_is_a_case_or_counted(
    tmp_path_factory: pytest.TempPathFactory, entries: list[object]
) -> None:
    cases, skipped = read(tmp_path_factory.mktemp("har"), *entries)
    assert len(cases) + skipped.total() == len(entries)
