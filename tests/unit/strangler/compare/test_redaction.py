"""No secret leaves in a report: neither by its name nor by its look, nor when a stack repeats what it was sent."""

import json
import time

import pytest

from strangler.compare.client.response import SideResponse
from strangler.compare.differ import differences
from strangler.compare.redaction import MASK, MAX_LENGTH, MaskedDifference, Masker, is_secret

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoyfQ.c2lnbmF0dXJlc2lnbmF0dXJl"


def report(
    left: object, right: object, *, known: tuple[str, ...] = (), **headers: tuple[str, str]
) -> list[MaskedDifference]:
    answers = [
        SideResponse(
            status=200,
            headers=tuple((name.replace("_", "-"), values[side]) for name, values in headers.items()),
            body=(body if isinstance(body, str) else json.dumps(body)).encode(),
        )
        for side, body in enumerate((left, right))
    ]
    return [Masker(known).reported(each) for each in differences(*answers)]


@pytest.mark.parametrize(
    "name",
    [
        *("password", "old_password", "access", "accessToken", "refresh", "token", "csrftoken", "X-CSRFToken"),
        *("authorization", "Proxy-Authorization", "Set-Cookie", "client_secret", "api-key", "apiKey", "sessionid"),
        *("pw", "db_pw", "pass", "userPass", "pin", "PIN", "sid", "connect.sid", "sig", "passcode", "_csrf", "totp"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "author",
        "title",
        "spin",
        "passage",
        "side",
        "design",
        "accessible",
        "monkey",
        "refreshing",
        "count",
        "www-authenticate",
        "code",
    ],
)
def test_names_of_what_may_be_read(name: str) -> None:
    assert not is_secret(name)


def test_values_below_secret_names_are_masked_however_deep() -> None:
    left = {"user": {"name": "a", "credentials": [{"value": "hidden-left"}]}, "refresh": "hidden-left"}
    right = {"user": {"name": "b", "credentials": [{"value": "hidden-right"}]}, "refresh": None}
    found = report(left, right)
    assert [(each.place, each.left, each.right) for each in found] == [
        ("$.user.name", '"a"', '"b"'),
        ("$.user.credentials[0].value", MASK, MASK),
        ("$.refresh", MASK, MASK),
    ]


def test_a_whole_object_is_shown_without_its_secrets() -> None:
    (found,) = report({"user": {"id": 1, "password": "hidden"}}, {"user": None})
    assert (found.left, found.right) == ('{"id":1,"password":"***"}', "null")


def test_headers_are_masked_by_name() -> None:
    (found,) = report(1, 1, set_cookie=("sessionid=hidden", "sessionid=other"))
    assert (found.place, found.left, found.right) == ("header set-cookie sessionid value", MASK, MASK)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"signed in with {JWT}", f"signed in with {MASK}"),
        ("Bearer abcdefghijklmnop was refused", f"Bearer {MASK} was refused"),
        ("Token is invalid or expired", "Token is invalid or expired"),
        ("/reset/?token=abc&page=2", f"/reset/?token={MASK}&page=2"),
        ("https://h/?page=1&api_key=abc#x", f"https://h/?page=1&api_key={MASK}#x"),
        ("/done/?code=abc&sig=d%2Fe&state=1", f"/done/?code={MASK}&sig={MASK}&state=1"),
        ("/done/#access_token=abc&page=1", f"/done/#access_token={MASK}&page=1"),
        ("/?pass%77ord=abc&user[pw]=it's", f"/?pass%77ord={MASK}&user[pw]={MASK}"),
        ("sid=abc; Path=/", f"sid={MASK} Path=/"),
        ("postgres://app:p@ss@db:5432/x", f"postgres://app:{MASK}@db:5432/x"),
        ("see app:geheim@db and mailto:a@b.org", f"see app:{MASK}@db and mailto:a@b.org"),
        ("pbkdf2_sha256$1000$salt$c3VtLi4u= ok", f"{MASK} ok"),
        ("$2b$12$abcdefghijklmnopqrstuv", MASK),
        ("$argon2id$v=19$m=1,t=2$c2FsdA$aGFzaA", MASK),
        ("key 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", f"key {MASK}"),
        ("sk_live_abcdefghijklmnop", MASK),
        ("a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b", f"a {MASK} b"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", MASK),
        ("at 12:30, 5f3e2c1d and 123e4567-e89b-12d3-a456-426614174000", None),
        ("http://h:80/a:b/?q=1&next=/c@d", None),
    ],
)
def test_secrets_are_reported_by_their_look(text: str, shown: str | None) -> None:
    (found,) = report({"detail": text}, {"detail": ""})
    assert found.left == json.dumps(text if shown is None else shown)


@pytest.mark.parametrize("text", ["a.", "a ", "//a", "a:", "?a", "$2b", "0", "-----BEGIN A-----", "md5"])
def test_a_long_text_is_masked_in_linear_time(text: str) -> None:
    began = time.monotonic()
    Masker().text(text * 100_000)
    assert time.monotonic() - began < 5


def test_what_the_caller_sent_is_masked_wherever_a_stack_repeats_it() -> None:
    (found,) = report({"detail": "no such user: opaque-value-1"}, {}, known=("Opaque opaque-value-1",))
    assert found.left == f'"no such user: {MASK}"'
    assert found.right is None
    (found,) = report(
        {"detail": "session value-of-it, sessionid"}, {}, known=("sessionid=value-of-it; csrftoken=other",)
    )
    assert found.left == f'"session {MASK}, sessionid"'
    (key,) = report({"opaque-value-1": 1}, {}, known=("Opaque opaque-value-1",))
    assert "opaque-value-1" not in key.place


def test_a_body_that_is_no_json_is_reported_by_its_length_only() -> None:
    (found,) = report("<html>hidden-left</html>", "<html>hidden-right</html>")
    assert (found.left, found.right) == tuple(
        f"{length} characters, different from character 14 on" for length in (24, 25)
    )


def test_long_values_are_shortened() -> None:
    (found,) = report({"content": "c" * 10_000}, {"content": ""})
    assert found.left == '"' + "c" * (MAX_LENGTH - 2) + "…"
