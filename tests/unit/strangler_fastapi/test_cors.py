"""Scripts of other origins get the headers of django-cors-headers, as it was seen to answer."""

from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from strangler_fastapi.cors import Cors, CorsMiddleware

SHOP = "https://shop.example"
ALLOWED = {"access-control-allow-origin": SHOP}
PREFLIGHT = {
    "access-control-allow-headers": "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with",
    "access-control-allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
    "access-control-max-age": "86400",
}


async def answer(cors: Cors, headers: dict[str, str], *, method: str = "GET", vary: str = "") -> httpx.Response:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given = {"Vary": vary} if vary else {}
        await Response(b"[]", media_type="application/json", headers=given)(scope, receive, send)

    transport = httpx.ASGITransport(CorsMiddleware(app, cors=cors))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        return await client.request(method, "/posts/", headers=headers)


def control(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize(
    ("settings", "origin", "expected"),
    [
        ({}, SHOP, {}),
        ({"allowed_origins": (SHOP,)}, SHOP, ALLOWED),
        ({"allowed_origins": (SHOP,)}, "http://shop.example", {}),
        ({"allowed_origins": (SHOP,)}, "https://shop.example:444", {}),
        ({"allowed_origins": (SHOP,)}, "null", {}),
        ({"allowed_origins": ("null",)}, "null", {"access-control-allow-origin": "null"}),
        ({"allowed_origin_regexes": (r"^https://\w+\.example$",)}, SHOP, ALLOWED),
        ({"allow_all_origins": True}, SHOP, {"access-control-allow-origin": "*"}),
        ({"allow_all_origins": True}, "http://[", {}),
        (
            {"allow_all_origins": True, "allow_credentials": True},
            SHOP,
            ALLOWED | {"access-control-allow-credentials": "true"},
        ),
        (
            {"allowed_origins": (SHOP,), "expose_headers": ("X-A", "X-B")},
            SHOP,
            ALLOWED | {"access-control-expose-headers": "X-A, X-B"},
        ),
    ],
)
async def test_an_origin_is_told_what_the_settings_allow(
    settings: dict[str, Any], origin: str, expected: dict[str, str]
) -> None:
    got = await answer(Cors(**settings), {"Origin": origin})
    assert (got.status_code, got.content, control(got)) == (200, b"[]", expected)


async def test_a_preflight_is_answered_before_the_service() -> None:
    cors = Cors(allowed_origins=(SHOP,))
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "PUT"}
    got = await answer(cors, asked, method="OPTIONS")
    assert (got.status_code, got.content, control(got)) == (200, b"", ALLOWED | PREFLIGHT)
    # DRF's own OPTIONS is none.
    got = await answer(cors, {"Origin": SHOP}, method="OPTIONS")
    assert (got.content, control(got)) == (b"[]", ALLOWED | PREFLIGHT)
    private = {"Access-Control-Request-Private-Network": "true"}
    got = await answer(Cors(allowed_origins=(SHOP,), allow_private_network=True), asked | private)
    assert control(got) == ALLOWED | {"access-control-allow-private-network": "true"}


@pytest.mark.parametrize(
    ("vary", "expected"),
    [("", "origin"), ("Accept", "Accept, origin"), ("Origin, Accept", "Origin, Accept"), ("*", "*")],
)
async def test_every_answer_depends_on_the_origin(vary: str, expected: str) -> None:
    assert (await answer(Cors(), {}, vary=vary)).headers["vary"] == expected
