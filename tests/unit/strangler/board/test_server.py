"""What the board's server does with a request that fails in a way that nobody has thought of."""

import asyncio
import logging
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from strangler.board.server import _failure_log


async def broken(_request: web.Request) -> web.Response:
    raise ZeroDivisionError("of a template")


async def refused(_request: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="no")


def answer(request_id: str) -> web.Response:
    found = asyncio.run(_failure_log(make_mocked_request("GET", "/", headers={"X-Request-ID": request_id}), broken))
    assert isinstance(found, web.Response)
    return found


@pytest.mark.parametrize(("given", "logged"), [("r-1.a", "r-1.a"), ("x\nforged", "[0-9a-f]{16}"), ("", "[0-9a-f]{16}")])
def test_an_unexpected_failure_is_logged_by_the_requests_id(
    given: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    found = answer(given)
    (record,) = caplog.records
    assert re.fullmatch(rf"request {logged} failed", record.getMessage())
    assert record.exc_info is not None
    assert found.status == 500
    assert record.getMessage().split()[1] in str(found.text)
    assert "ZeroDivision" not in str(found.text)


def test_a_refusal_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(web.HTTPForbidden):
        asyncio.run(_failure_log(make_mocked_request("GET", "/"), refused))
    assert caplog.records == []
