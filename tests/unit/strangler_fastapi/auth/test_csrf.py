"""What DRF's SessionAuthentication says of a request that may be another site's, the library says in the same words."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends import signed_cookies
from django.middleware.csrf import _mask_cipher_secret
from django.test import RequestFactory, override_settings
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied as DrfDenied
from starlette.requests import Request

from strangler_fastapi.auth.csrf import SESSION_KEY, CsrfCheck
from strangler_fastapi.auth.session_store import SessionStore
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.errors import PermissionDenied

SECRET = "abcdefghijklmnopqrstuvwxyzABCDEF"
OTHER = "x" * 32
MASKED = _mask_cipher_secret(SECRET)
TRUSTED = ("https://shop.example", "https://*.shops.example", "http://*.plain.example:81")
TOKENS = [SECRET, MASKED, OTHER, _mask_cipher_secret(OTHER), "short", "-" * 32, "é" * 32, ""]
ORIGINS = [
    *(
        "http://testserver",
        "https://testserver",
        "https://shop.example",
        "http://shop.example",
        "https://a.shops.example",
    ),
    *(
        "https://shops.example",
        "https://ashops.example",
        "http://b.plain.example:81",
        "null",
        "",
        "http://[",
        "https://*",
    ),
    *("https://testserver/a?b", "https:///", "https://shop.example:443/", "https://evil.example/x"),
]
CASE = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
        "secure": st.booleans(),
        "origin": st.none() | st.sampled_from(ORIGINS),
        "referer": st.none() | st.sampled_from(ORIGINS),
        "cookie": st.none() | st.sampled_from(TOKENS),
        "header": st.none() | st.sampled_from(TOKENS),
        "field": st.none() | st.sampled_from(TOKENS),
        "use_sessions": st.booleans(),
        "domain": st.sampled_from([None, ".shops.example"]),
    }
)
PASSES = {
    "method": "POST",
    "secure": False,
    "origin": None,
    "referer": None,
    "cookie": MASKED,
    "header": MASKED,
    "field": None,
    "use_sessions": False,
    "domain": None,
}


def of_drf(case: dict[str, Any]) -> str | None:
    headers = {"origin": case["origin"], "referer": case["referer"], "x-csrftoken": case["header"]}
    body = "" if case["field"] is None else urlencode({"csrfmiddlewaretoken": case["field"]})
    request: Any = RequestFactory(headers={name: text for name, text in headers.items() if text is not None}).generic(
        case["method"], "/", body, content_type="application/x-www-form-urlencoded", secure=case["secure"]
    )
    request.session = {} if case["cookie"] is None else {SESSION_KEY: case["cookie"]}
    if case["cookie"] is not None:
        request.COOKIES["csrftoken"] = case["cookie"]
    domains = {"CSRF_COOKIE_DOMAIN": case["domain"], "SESSION_COOKIE_DOMAIN": case["domain"]}
    with override_settings(CSRF_TRUSTED_ORIGINS=[*TRUSTED], CSRF_USE_SESSIONS=case["use_sessions"], **domains):
        try:
            SessionAuthentication().enforce_csrf(request)
        except DrfDenied as error:
            return str(error.detail)
    return None


def of_library(case: dict[str, Any]) -> str | None:
    cookie = None if case["cookie"] is None else f"csrftoken={case['cookie']}"
    headers = {
        "host": "testserver",
        "content-type": "application/x-www-form-urlencoded",
        "origin": case["origin"],
        "referer": case["referer"],
        "x-csrftoken": case["header"],
        "cookie": cookie,
    }
    body = b"" if case["field"] is None else urlencode({"csrfmiddlewaretoken": case["field"]}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request(
        {
            "type": "http",
            "method": case["method"],
            "path": "/",
            "scheme": "https" if case["secure"] else "http",
            "query_string": b"",
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in headers.items() if text is not None],
        },
        receive,
    )
    check = CsrfCheck(trusted_origins=TRUSTED, cookie_domain=case["domain"], use_sessions=case["use_sessions"])
    session = {} if case["cookie"] is None else {SESSION_KEY: case["cookie"]}
    try:
        asyncio.run(check.enforce(request, session))
    except PermissionDenied as error:
        return str(error.body["detail"])
    return None


# A session's secret is Django's own, and never malformed.
@given(case=CASE.filter(lambda case: not case["use_sessions"] or case["cookie"] in (None, SECRET, MASKED, OTHER)))
@example(case=PASSES)
@example(case=PASSES | {"field": SECRET, "header": None})
@example(case=PASSES | {"header": None})
@example(case=PASSES | {"origin": "http://testserver", "secure": True})
@example(case=PASSES | {"secure": True, "referer": "https://a.shops.example"})
@example(case=PASSES | {"secure": True, "referer": "https://testserver/a?b"})
def test_a_request_passes_or_is_refused_as_in_drf(case: dict[str, Any]) -> None:
    assert of_library(case) == of_drf(case)


def test_what_passes_passes() -> None:
    assert of_library(PASSES) is None
    assert of_library(PASSES | {"header": OTHER}) == (
        "CSRF Failed: CSRF token from the 'X-Csrftoken' HTTP header incorrect."
    )


KEYS = ("the secret key of one day", "the one before it")


def kept(cookie: str, **options: Any) -> dict[str, Any]:
    sessions = Sessions(secret_key=KEYS[0], fallbacks=KEYS[1:], **options)
    session: Any = None
    return dict(asyncio.run(sessions.load(cookie, session)))


@given(data=st.dictionaries(st.text(max_size=5), st.text(max_size=80) | st.integers(), max_size=5))
@example(data={"much": "a" * 2000})
def test_a_session_in_a_cookie_is_read_whichever_key_has_signed_it(data: dict[str, Any]) -> None:
    for key in KEYS:
        with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[]):
            store = signed_cookies.SessionStore()
            store.update(data)
            store.save()
            cookie = store.session_key or ""
        assert kept(cookie) == data
        assert kept(cookie[:-1] + ("a" if cookie[-1] != "a" else "b")) == {}
    with override_settings(SECRET_KEY="another"):
        store.save()
        assert kept(store.session_key or "") == {}


def test_a_session_is_too_old_after_the_age_of_its_cookie() -> None:
    with override_settings(SECRET_KEY=KEYS[0]):
        store = signed_cookies.SessionStore()
        store["a"] = 1
        store.save()
    assert kept(store.session_key or "", cookie_age=-1) == {}
    assert kept(store.session_key or "", cookie_age=60) == {"a": 1}


def test_a_session_ends_with_the_password_that_it_began_with() -> None:
    user: Any = get_user_model()(password="argon2$a hash")
    sessions = Sessions(secret_key=KEYS[0], fallbacks=KEYS[1:])
    for key, is_good in ((KEYS[0], True), (KEYS[1], True), ("another", False)):
        for password, expected in ((user.password, is_good), ("argon2$another", False)):
            store = SessionStore(None, age=60)
            store["_auth_user_hash"] = user._get_session_auth_hash(secret=key)
            assert sessions.verify(store, password) is expected
    assert not sessions.verify(SessionStore(None, age=60), user.password)
