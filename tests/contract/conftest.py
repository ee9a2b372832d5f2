"""Both stacks behind one front door, and who asks them."""

import secrets
from collections.abc import Iterator

import httpx
import jwt
import psycopg
import pytest

from tests.contract.comparing import Comparison
from tests.shared_stack import StackAddresses

# Staff and a second user are among the long cases: most of what they get is what the first user gets.
CALLERS = ("anonymous", "alice", *(pytest.param(name, marks=pytest.mark.long) for name in ("bob", "admin")))


@pytest.fixture(scope="session")
def parallel(stack: StackAddresses) -> Iterator[httpx.Client]:
    """A client of the door where Django answers all of v1 and FastAPI all of v2."""
    with httpx.Client(base_url=stack.parallel_url, timeout=30) as client:
        yield client


@pytest.fixture
def comparison(parallel: httpx.Client) -> Iterator[Comparison]:
    """Collects differences; the test fails with all of them at its end."""
    comparison = Comparison(parallel)
    yield comparison
    comparison.show()


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> str:
    """Who asks: nobody, two users, staff."""
    name: str = request.param
    return name


@pytest.fixture
def credentials(caller: str, access_tokens: dict[str, str]) -> dict[str, str]:
    """The caller's headers."""
    return {} if caller == "anonymous" else {"Authorization": f"Bearer {access_tokens[caller]}"}


@pytest.fixture(scope="session")
def refused_tokens(front: httpx.Client, stack: StackAddresses, access_tokens: dict[str, str]) -> dict[str, str]:
    """Access tokens that open nothing: of an inactive user, expired, and tampered with."""
    good = access_tokens["alice"]
    claims = jwt.decode(good, options={"verify_signature": False})
    expired = jwt.encode(claims | {"exp": claims["iat"] - 1}, stack.jwt_signing_key, "HS256")
    return {"inactive": _inactive_token(front, stack), "expired": expired, "tampered": f"{good}x"}


@pytest.fixture(params=[*CALLERS, "inactive", "expired", "tampered"])
def any_credentials(
    request: pytest.FixtureRequest, access_tokens: dict[str, str], refused_tokens: dict[str, str]
) -> dict[str, str]:
    """The headers of every kind of caller, those whose token is refused included."""
    token = (access_tokens | refused_tokens).get(request.param)
    return {"Authorization": f"Bearer {token}"} if token else {}


def _inactive_token(front: httpx.Client, stack: StackAddresses) -> str:
    name = f"inactive{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery staple"}
    user = front.post("/api/users/", json=body).raise_for_status().json()["id"]
    signed_in = front.post("/api/auth/token/", json={"username": name, "password": body["password"]})
    with psycopg.connect(stack.owner_dsn) as connection:
        connection.execute("UPDATE users SET is_active = false WHERE id = %s", (user,))
    token: str = signed_in.raise_for_status().json()["access"]
    return token
