"""A canary is a share of the people: who is moved, that they stay moved, and how nginx tells them apart."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from strangler.gateway.settings import CallerKey
from strangler.metrics.access_log import AccessLog
from strangler.metrics.clients import ClientCount
from strangler.routes.route import Stage
from tests.callers import bearer, served_by, unsigned_token
from tests.e2e.conftest import MakeGateway
from tests.gateways import Gateway, gateway, logged, marks, routes_at, routes_with
from tests.shared_stack import StackAddresses
from tests.upstreams import upstream

CALLERS = 10_000
HERE = "address:127.0.0.1"


def canary(percent: float, *names: str) -> dict[str, Any]:
    return {"routes": {name: {"stage": Stage.CANARY, "percent": percent} for name in names}}


def moved(url: str, path: str, callers: list[dict[str, str]]) -> set[int]:
    """The numbers of the callers whom FastAPI answers."""
    found = served_by(url, path, callers)
    assert len(found) == len(callers)
    assert set(found) <= {"django", "fastapi"}
    return {number for number, stack in enumerate(found) if stack == "fastapi"}


@pytest.mark.long
def test_a_tenth_of_ten_thousand_users_is_moved_and_stays_moved_when_the_share_grows(
    make_gateway: MakeGateway,
) -> None:
    """Before servers that answer at once: it is the gateway that parts the callers."""
    users = [bearer(str(number)) for number in range(1, CALLERS + 1)]
    with upstream("django") as django, upstream("fastapi") as fastapi:
        stacks = {"django": django, "fastapi": fastapi}
        tenth = moved(make_gateway(**stacks, **canary(10, "posts.list")).url, "/api/posts/", users)
        quarter = moved(make_gateway(**stacks, **canary(25, "posts.list")).url, "/api/posts/", users)
    assert 0.09 * CALLERS <= len(tenth) <= 0.11 * CALLERS
    assert 0.24 * CALLERS <= len(quarter) <= 0.26 * CALLERS
    assert tenth - quarter == set()


@pytest.mark.long
def test_each_route_begins_with_other_people(make_gateway: MakeGateway) -> None:
    users = [bearer(number) for number in range(2000)]
    url = make_gateway(**canary(10, "posts.list", "posts.recent")).url
    first, second = (moved(url, path, users) for path in ("/api/posts/", "/api/posts/recent/"))
    assert 100 < len(first) < 300
    assert 100 < len(second) < 300
    # A tenth of a tenth, were they drawn apart.
    assert len(first & second) < 50


def test_who_has_no_token_is_known_by_the_address(make_gateway: MakeGateway) -> None:
    made = make_gateway(trusted_proxies=("127.0.0.0/8",), **canary(10, "posts.list"))
    addresses = [{"X-Forwarded-For": f"198.51.{high}.{low}"} for high in range(10) for low in range(100)]
    first = moved(made.url, "/api/posts/", addresses)
    assert 60 < len(first) < 140
    assert moved(made.url, "/api/posts", addresses) == first


def test_a_caller_gets_the_same_stack_with_every_request_and_token(
    make_gateway: MakeGateway, access_tokens: dict[str, str], stack: StackAddresses
) -> None:
    made = make_gateway(**canary(50, "users.me"))
    claims = jwt.decode(access_tokens["alice"], options={"verify_signature": False})
    expired = jwt.encode(claims | {"exp": 1}, stack.jwt_signing_key, algorithm="HS256")
    tokens = [access_tokens["alice"], expired, unsigned_token({"user_id": int(claims["user_id"])})]
    answers = [httpx.get(f"{made.url}/api/users/me/", headers={"Authorization": f"Bearer {it}"}) for it in tokens]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert len({marks(answer) for answer in answers}) == 1
    callers = {logged(made.log, answer.headers["X-Request-ID"])["caller"] for answer in answers}
    assert callers == {f"user:{claims['user_id']}"}


@pytest.mark.parametrize(
    ("user_id", "caller"),
    [
        (7, "user:7"),
        ("7", "user:7"),
        (0, "user:0"),
        (-1, "user:-1"),
        ("b9c1-4f", "user:b9c1-4f"),
        ('é "\\\n', 'user:é "\\\n'),
        ("x" * 64, f"user:{'x' * 64}"),
        *[(odd, HERE) for odd in ("x" * 65, "", None, True, 1.5, [7], {"id": 7})],
    ],
)
def test_the_user_is_the_tokens_whatever_its_id_looks_like(user_id: Any, caller: str, odd_gateway: Gateway) -> None:
    response = httpx.get(f"{odd_gateway.url}/api/posts/", headers=bearer(user_id))
    assert response.status_code == 401
    assert logged(odd_gateway.log, response.headers["X-Request-ID"])["caller"] == caller


GOOD = unsigned_token({"user_id": 7})
ODD_HEADERS = {
    f"bearer {GOOD}": "user:7",
    f"BEARER   {GOOD}": "user:7",
    f"Bearer {GOOD}.more": HERE,
    f"Bearer{GOOD}": HERE,
    f"Basic {GOOD}": HERE,
    "Bearer": HERE,
    "Bearer ..": HERE,
    "Bearer a.b.c": HERE,
    "Bearer a.%00.c": HERE,
    f"Bearer {'.' * 1000}": HERE,
    f"Bearer {unsigned_token([1])}": HERE,
    f"Bearer {unsigned_token('text')}": HERE,
    f"Bearer {unsigned_token(None)}": HERE,
    f"Bearer {unsigned_token({'sub': 7})}": HERE,
    f"Bearer {unsigned_token({'user_id': 7, 'more': 'x' * 5_500})}": "user:7",
    f"Bearer {'x' * 8_000}": HERE,
}


@pytest.mark.parametrize("sent", ODD_HEADERS, ids=lambda sent: f"{sent[:20]}…{len(sent)}")
def test_what_is_no_token_of_a_user_counts_as_its_address(sent: str, odd_gateway: Gateway) -> None:
    response = httpx.get(f"{odd_gateway.url}/api/posts/", headers={"Authorization": sent})
    assert response.status_code == 401
    assert logged(odd_gateway.log, response.headers["X-Request-ID"])["caller"] == ODD_HEADERS[sent]
    assert [line for line in odd_gateway.complaints() if "js:" in line] == []


@pytest.fixture(scope="module")
def odd_gateway(stack: StackAddresses) -> Iterator[Gateway]:
    """A gateway whose lists of posts are a canary, for all odd callers."""
    table = routes_with(routes_at({}), "posts.list", stage=Stage.CANARY, percent=50)
    with gateway(table, django=stack.django_url, fastapi=stack.fastapi_url) as made:
        yield made


OPAQUE = CallerKey(claim="", scheme="Token", cookie="sessionid")
SECRETS = [f"{number:040x}" for number in range(400)]


@pytest.fixture(scope="module")
def hashing_gateway(stack: StackAddresses) -> Iterator[Gateway]:
    """A gateway of a project whose tokens say nothing, and whose pages have sessions."""
    table = routes_with(routes_at({}), "posts.list", stage=Stage.CANARY, percent=50)
    with gateway(table, django=stack.django_url, fastapi=stack.fastapi_url, caller=OPAQUE) as made:
        yield made


def hashed(made: Gateway, secret: str) -> str:
    key = (made.folder.parent / "secrets" / "caller_key").read_bytes()
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()[:16]


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Authorization": f"Token {SECRETS[0]}"}, "token"),
        ({"Authorization": f"token  {SECRETS[0]}", "Cookie": "sessionid=another"}, "token"),
        ({"Cookie": f"csrftoken=x; sessionid={SECRETS[0]}"}, "session"),
        ({"Authorization": f"Basic {SECRETS[1]}", "Cookie": f"sessionid={SECRETS[0]}"}, "session"),
    ],
)
def test_a_secret_that_tells_the_caller_is_known_by_its_hash_alone(
    headers: dict[str, str], kind: str, hashing_gateway: Gateway
) -> None:
    response = httpx.get(f"{hashing_gateway.url}/api/posts/", headers=headers)
    line = logged(hashing_gateway.log, response.headers["X-Request-ID"])
    assert line["caller"] == f"{kind}:{hashed(hashing_gateway, SECRETS[0])}"
    count = ClientCount(["posts.list"], since=None)
    count.add(AccessLog().requests(iter([json.dumps(line).encode()]), ["posts.list"]))
    assert [each.caller for each in count.routes["posts.list"].clients] == [line["caller"]]
    assert not any(secret in hashing_gateway.log.read_text() for secret in SECRETS)
    assert [each for each in hashing_gateway.complaints() if "js:" in each] == []


def test_a_token_in_a_cookie_is_its_users_however_often_it_is_renewed(
    stack: StackAddresses, make_gateway: MakeGateway
) -> None:
    caller = CallerKey(cookie="jwt-auth")
    made = make_gateway(django=stack.django_url, fastapi=stack.fastapi_url, caller=caller, **canary(50, "posts.list"))
    for cookies, known in (
        (f"jwt=x; jwt-auth={GOOD}", "user:7"),
        (f"jwt-auth={unsigned_token({'user_id': '7'})}; other=1", "user:7"),
        ("jwt-auth=opaque", f"session:{hashed(made, 'opaque')}"),
        ("jwt-auth=", HERE),
    ):
        response = httpx.get(f"{made.url}/api/posts/", headers={"Cookie": cookies})
        assert logged(made.log, response.headers["X-Request-ID"])["caller"] == known


@pytest.mark.parametrize("headers", [{"Authorization": "Token"}, {"Cookie": "sessionid="}, {"Cookie": "other=1"}, {}])
def test_without_a_secret_the_address_counts(headers: dict[str, str], hashing_gateway: Gateway) -> None:
    response = httpx.get(f"{hashing_gateway.url}/api/posts/", headers=headers)
    assert logged(hashing_gateway.log, response.headers["X-Request-ID"])["caller"] == HERE


@pytest.mark.parametrize("sent", ["Authorization: Token {}", "Cookie: sessionid={}"])
def test_a_canary_parts_sessions_and_opaque_tokens(sent: str, make_gateway: MakeGateway) -> None:
    name, _, value = sent.partition(": ")
    callers = [{name: value.format(secret)} for secret in SECRETS]
    with upstream("django") as django, upstream("fastapi") as fastapi:
        url = make_gateway(django=django, fastapi=fastapi, caller=OPAQUE, **canary(50, "posts.list")).url
        first = moved(url, "/api/posts/", callers)
        assert 150 < len(first) < 250
        assert moved(url, "/api/posts/", callers) == first
