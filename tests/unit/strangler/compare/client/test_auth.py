"""Tokens are got once, renewed before they end, from whichever side answers, and shown to nobody."""

import base64
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from strangler.compare.case import Case
from strangler.compare.client.auth import Callers, NotSignedInError
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.client.sign_in import credentials_shown
from strangler.errors import UsageError
from strangler.sections import SignInSection


class Door:
    """Gives tokens that live for 300 seconds, or fails."""

    def __init__(
        self,
        name: str,
        *,
        status: int = 200,
        body: bytes | None = None,
        fails: bool = False,
        cookies: Sequence[str] = (),
    ) -> None:
        self.side = Side(name=name, url=f"http://{name}", links="")
        self.headers = tuple(("set-cookie", text) for text in cookies)
        self.status, self.body, self.fails = status, body, fails
        self.heard: list[Case] = []

    async def send(self, case: Case, *, at_root: bool = False) -> TimedResponse:
        self.heard.append(case)
        self.at_root = at_root
        if self.fails:
            raise RequestError(self.side.name, "does not answer (connection refused)", always=True)
        body = self.body if self.body is not None else json.dumps({"access": token(len(self.heard))}).encode()
        return TimedResponse(answer=SideResponse(status=self.status, headers=self.headers, body=body), seconds=0.1)


def token(number: int, *, life: int = 300) -> str:
    claims = {"iat": 1000 * number, "exp": 1000 * number + life}
    return f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def callers(*doors: Door, clock: Clock | None = None, **sign_in: Any) -> Callers:
    return Callers(
        doors,  # type: ignore[arg-type] # all that they need
        SignInSection(**{"path": "/auth/token/"} | sign_in),
        {"alice": "secret-of-alice"}.get,
        clock=clock or Clock(),
        pause=0,
    )


async def test_nobody_has_no_credentials() -> None:
    door = Door("left")
    assert await callers(door).credentials("") == ()
    assert door.heard == []


async def test_a_token_is_got_once_and_renewed_before_it_ends() -> None:
    door, clock = Door("left"), Clock()
    found = callers(door, clock=clock)
    first = await found.credentials("alice")
    assert first == (("Authorization", f"Bearer {token(1)}"),)
    clock.now = 239
    assert await found.credentials("alice") == first
    clock.now = 241
    assert await found.credentials("alice") == (("Authorization", f"Bearer {token(2)}"),)
    assert json.loads(door.heard[0].body) == {"username": "alice", "password": "secret-of-alice"}
    assert (door.heard[0].method, door.heard[0].target) == ("POST", "/auth/token/")
    assert "secret-of-alice" not in repr(door.heard)


async def test_path_and_fields_are_what_the_project_calls_them() -> None:
    door = Door("left", status=201, body=b'{"data": {"jwt": "opaque"}}')
    body = {"mail": "{user}", "pass": "{password}", "client": "web"}
    names = {"path": "/login", "body": body, "token": "data.jwt", "scheme": "JWT"}
    assert await callers(door, **names).credentials("alice") == (("Authorization", "JWT opaque"),)
    assert (door.heard[0].target, json.loads(door.heard[0].body)) == (
        "/login",
        {"mail": "alice", "pass": "secret-of-alice", "client": "web"},
    )


async def test_where_the_first_side_is_down_the_second_is_asked() -> None:
    down, up = Door("left", fails=True), Door("right")
    assert await callers(down, up).credentials("alice")


async def test_who_is_refused_is_asked_for_once_in_a_while() -> None:
    door, clock = Door("left", status=401, body=b'{"detail":"no"}'), Clock()
    found = callers(door, clock=clock)
    for _ in range(10):
        with pytest.raises(RequestError, match=r"alice in \(status 401\): check the name and STRANGLER_PASSWORD$"):
            await found.credentials("alice")
    assert len(door.heard) == 1
    clock.now = 6
    with pytest.raises(RequestError):
        await found.credentials("alice")
    assert len(door.heard) == 2
    with pytest.raises(UsageError, match="left does not sign alice in"):
        await callers(door).require(["alice"])


async def test_a_server_that_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Door("left", status=503)
    send = busy.send

    async def answered(case: Case, **_options: object) -> TimedResponse:
        busy.status = 503 if len(busy.heard) < 2 else 200
        return await send(case)

    monkeypatch.setattr(busy, "send", answered)
    assert await callers(busy).credentials("alice")
    assert len(busy.heard) == 3
    refused = Door("left", status=503)
    with pytest.raises(RequestError, match="status 503"):
        await callers(refused).credentials("alice")
    assert len(refused.heard) == 4


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access": 1}', b'{"refresh": "x"}', b"<h1>"])
async def test_an_answer_without_a_token_is_no_sign_in(body: bytes) -> None:
    with pytest.raises(RequestError, match="does not sign alice in"):
        await callers(Door("left", body=body)).credentials("alice")


async def test_a_password_that_nobody_knows_is_reported() -> None:
    with pytest.raises(NotSignedInError):
        await callers(Door("left")).credentials("bob")
    with pytest.raises(UsageError, match="there is no password for bob: set STRANGLER_PASSWORD"):
        await callers(Door("left")).require(["bob"])


async def test_a_side_that_is_down_is_left_to_the_cases_to_find_out() -> None:
    await callers(Door("left", fails=True)).require(["alice"])


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_side_without_a_sign_in_takes_the_others_token(status: int) -> None:
    clock, left, right = Clock(), Door("left"), Door("right", status=status, body=b"{}")
    mine = callers(left, clock=clock)
    theirs = Callers(
        [right],  # type: ignore[list-item] # all that they need
        SignInSection(path="/auth/token/"),
        {"alice": "secret-of-alice"}.get,
        clock=clock,
        instead=mine,
    )
    assert await theirs.credentials("alice") == await mine.credentials("alice")
    assert len(left.heard) == 1
    assert (theirs.is_lent("alice"), mine.is_lent("alice"), theirs.is_lent("bob")) == (True, False, False)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_side_without_a_sign_in_and_without_another_side_needs_one_of_its_own(status: int) -> None:
    """As where a recording stands for Django."""
    with pytest.raises(RequestError, match=rf"alice in \(status {status}\): name an endpoint of its own in \[sign_in"):
        await callers(Door("fastapi", status=status, body=b"{}")).credentials("alice")


async def test_a_side_that_refuses_a_sign_in_takes_no_token_of_another() -> None:
    right = Door("right", status=401, body=b"{}")
    theirs = Callers(
        [right],  # type: ignore[list-item] # all that they need
        SignInSection(path="/auth/token/"),
        {"alice": "secret-of-alice"}.get,
        instead=callers(Door("left")),
    )
    with pytest.raises(RequestError, match=r"does not sign alice in \(status 401\)"):
        await theirs.credentials("alice")


SESSION = {
    "path": "/accounts/login/",
    "outside": True,
    "form": True,
    "token": "",
    "claim": "",
    "cookie": "sessionid",
    "csrf": "csrftoken",
}


async def test_a_form_gives_a_session_and_a_csrf_token() -> None:
    door = Door("left", status=302, body=b"", cookies=("sessionid=s3ss; HttpOnly; Path=/", "csrftoken=rotated; Path=/"))
    headers = await callers(door, **SESSION).credentials("alice")
    assert headers == (("Cookie", "sessionid=s3ss; csrftoken=rotated"), ("X-CSRFToken", "rotated"))
    (asked,) = door.heard
    assert (asked.target, door.at_root) == ("/accounts/login/", True)
    assert asked.body == b"username=alice&password=secret-of-alice"
    sent = dict(asked.headers)
    # Django takes any secret of 32 letters and digits that stands in the cookie and in the header.
    assert sent["Cookie"] == f"csrftoken={sent['X-CSRFToken']}"
    assert len(sent["X-CSRFToken"]) == 32
    assert sent["X-CSRFToken"].isalnum()


async def test_without_a_csrf_cookie_of_its_own_the_one_that_was_sent_stays() -> None:
    door = Door("left", body=b"{}", cookies=("sessionid=s3ss",))
    headers = dict(await callers(door, **SESSION | {"form": False}).credentials("alice"))
    sent = dict(door.heard[0].headers)
    assert headers["Cookie"] == f"sessionid=s3ss; csrftoken={sent['X-CSRFToken']}"
    assert json.loads(door.heard[0].body)["username"] == "alice"


class Pages(Door):
    """Signs in by a session that holds the CSRF token, another one from then on; only its page shows it."""

    def __init__(self, page: str, *, status: int = 200) -> None:
        super().__init__("left", status=302, body=b"")
        self.page, self.page_status = page, status

    async def send(self, case: Case, *, at_root: bool = False) -> TimedResponse:
        answer = (await super().send(case, at_root=at_root)).answer
        number = len(self.heard)
        if case.method == "GET":
            body = self.page.replace("TOKEN", f"secret{number}").encode()
            answer = SideResponse(status=self.page_status, headers=answer.headers, body=body)
        cookie = ("set-cookie", f"sessionid=key{number}; HttpOnly")
        return TimedResponse(answer=dataclasses.replace(answer, headers=(cookie,)), seconds=0.1)


IN_SESSION = SESSION | {"csrf": "csrfmiddlewaretoken", "csrf_page": "/accounts/login/"}
FORM = '<form><input name="other"><input type="hidden" name="csrfmiddlewaretoken" value="TOKEN"></form>'


@pytest.mark.parametrize(
    ("page", "names"),
    [(FORM, {}), ('{"data": {"csrf": "TOKEN"}}', {"csrf": "data.csrf", "csrf_page": "/csrf/"})],
)
async def test_a_csrf_token_of_the_session_is_read_on_a_page(page: str, names: dict[str, str]) -> None:
    door = Pages(page)
    headers = await callers(door, **IN_SESSION | names).credentials("alice")
    asked = [(case.method, case.target, dict(case.headers)) for case in door.heard]
    at, form = names.get("csrf_page", "/accounts/login/"), {"Content-Type": "application/x-www-form-urlencoded"}
    assert asked == [
        ("GET", at, {"Accept": "*/*"}),
        ("POST", "/accounts/login/", form | {"Cookie": "sessionid=key1", "X-CSRFToken": "secret1"}),
        ("GET", at, {"Accept": "*/*", "Cookie": "sessionid=key2"}),
    ]
    assert headers == (("Cookie", "sessionid=key3"), ("X-CSRFToken", "secret3"))
    assert credentials_shown(SignInSection(**IN_SESSION)) == (  # type: ignore[arg-type] # of several kinds
        ("Cookie", "sessionid=$COOKIE"),
        ("X-CSRFToken", "$CSRF"),
    )


async def test_a_page_without_the_csrf_token_is_named() -> None:
    with pytest.raises(RequestError, match="left has no csrfmiddlewaretoken at /accounts/login/"):
        await callers(Pages("<p>[]"), **IN_SESSION).credentials("alice")
    with pytest.raises(RequestError, match=r"does not sign alice in \(status 403\)"):
        await callers(Pages(FORM, status=403), **IN_SESSION).credentials("alice")
    with pytest.raises(ValueError, match="the field of the token on the page"):
        SignInSection(**IN_SESSION | {"csrf": ""})  # type: ignore[arg-type] # of several kinds


async def test_a_form_that_comes_again_signs_nobody_in() -> None:
    for cookies in ((), ("sessionid=; Max-Age=0",), ("csrftoken=x",)):
        door = Door("left", body=b"<form>", cookies=cookies)
        with pytest.raises(RequestError, match=r"does not sign alice in \(status 200, no cookie sessionid\)"):
            await callers(door, **SESSION).credentials("alice")


async def test_a_token_in_a_cookie_is_renewed_before_it_ends() -> None:
    door, clock = Door("left", body=b"{}", cookies=(f"jwt-auth={token(1)}; HttpOnly",)), Clock()
    found = callers(door, clock=clock, token="", cookie="jwt-auth")
    assert await found.credentials("alice") == (("Cookie", f"jwt-auth={token(1)}"),)
    clock.now = 241
    await found.credentials("alice")
    assert len(door.heard) == 2


async def test_a_token_beside_a_csrf_cookie_is_sent_with_both() -> None:
    door = Door("left", cookies=("csrftoken=rotated",))
    headers = await callers(door, csrf="csrftoken", scheme="Token").credentials("alice")
    assert headers == (
        ("Authorization", f"Token {token(1)}"),
        ("Cookie", "csrftoken=rotated"),
        ("X-CSRFToken", "rotated"),
    )


def test_a_shell_sends_the_same_with_variables() -> None:
    assert credentials_shown(SignInSection(**{**SESSION, "path": "/"})) == (
        ("Cookie", "sessionid=$COOKIE; csrftoken=$CSRF"),
        ("X-CSRFToken", "$CSRF"),
    )
    assert credentials_shown(SignInSection(path="/", scheme="JWT")) == (("Authorization", "JWT $TOKEN"),)
