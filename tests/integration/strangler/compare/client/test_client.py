"""One side is asked through a gateway, which says who answered."""

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import Limits, SideClient
from strangler.compare.client.errors import RequestError
from strangler.compare.client.sides import Side
from tests.bad_servers import http, raw_server

LIMITS = Limits(concurrency=1, timeout=10, body_bytes=1000)


async def asked(route: str, served_by: str) -> int:
    more = f"X-Served-By: {served_by}\r\nX-Route: {route}\r\n"
    with raw_server(lambda _head: [http(b"{}", more=more)]) as url:
        async with SideClient(Side(name="right", url=url, links="/api", stack="fastapi"), LIMITS) as client:
            return (await client.send(Case(method="GET", target="/posts/"))).answer.status


async def test_an_answer_of_the_other_stack_is_not_compared() -> None:
    with pytest.raises(
        RequestError, match=r"right did not answer posts\.list, django did: name this address in STACK_"
    ):
        await asked("posts.list", "django")


@pytest.mark.parametrize(("route", "served_by"), [("posts.list", "fastapi"), ("-", "django"), ("/posts/", "django")])
async def test_the_stack_that_was_asked_and_what_no_route_names(route: str, served_by: str) -> None:
    assert await asked(route, served_by) == 200
