"""Who may look at the board."""

from http.cookies import SimpleCookie

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from strangler.board.access import COOKIE, Access, is_loopback, token_make
from strangler.errors import UnsafeError
from tests.checkouts import command_run


def test_a_board_for_others_needs_a_token() -> None:
    with pytest.raises(UnsafeError) as refused:
        command_run("board", "--host", "::")
    assert str(refused.value).startswith("others than this machine reach ::: add --token")


async def status_of(access: Access, path: str = "/", **headers: str) -> web.StreamResponse:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="the page")

    request = make_mocked_request("GET", path, headers={"Host": "127.0.0.1:8090", **headers})
    try:
        return await access.middleware(request, handler)
    except web.HTTPException as refused:
        return refused


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8090", 200),
        ("localhost", 200),
        ("[::1]:8090", 200),
        ("evil.example:8090", 403),
        ("127.0.0.1.evil.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_without_a_token_only_names_of_this_machine_lead_here(host: str, status: int) -> None:
    assert (await status_of(Access(token=None), Host=host)).status == status


async def test_a_token_is_exchanged_for_a_cookie_that_is_another_secret() -> None:
    access = Access(token=token_make())
    exchanged = await status_of(access, f"/?token={access.token}", Host="board.example")
    cookie = SimpleCookie(exchanged.headers["Set-Cookie"])[COOKIE]
    assert (exchanged.status, exchanged.headers["Location"]) == (303, "./")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert cookie["path"] == ""
    assert cookie.value != access.token
    assert (await status_of(access, Cookie=f"{COOKIE}={cookie.value}")).status == 200
    assert (await status_of(access, Cookie=f"{COOKIE}={access.token}")).status == 401
    assert (await status_of(access, Authorization=f"Bearer {access.token}")).status == 200
    assert (await status_of(access, Authorization=f"Bearer {cookie.value}")).status == 401


@pytest.mark.parametrize("given", ["", "wrong", "%C3%A9", "%ED%A0%80"])
async def test_what_is_no_token_is_refused(given: str) -> None:
    access = Access(token=token_make())
    for found in (
        await status_of(access),
        await status_of(access, f"/?token={given}"),
        await status_of(access, f"/events?token={given}"),
        await status_of(access, Authorization="Bearer é"),
        await status_of(access, Authorization=access.token or ""),
        await status_of(access, Cookie=f"{COOKIE}="),
    ):
        assert found.status == 401
        assert found.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("Localhost.", True),
        ("192.168.0.1", False),
        ("::", False),
        ("host", False),
    ],
)
def test_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
