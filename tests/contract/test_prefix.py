"""Where nginx sends v1 to FastAPI too, a client of v1 notices nothing: links, redirects and bodies are v1's."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.bodies import JSON, as_json
from tests.contract.comparing import V1, Ask, differences
from tests.shared_stack import StackAddresses

PATHS = (
    *(
        "/feed/?page=2&page_size=3",
        "/feed/?search=a&ordering=title",
        "/posts/?page_size=2",
        "/posts/?page=last&page_size=3",
    ),
    *("/users/", "/users/active/", "/users/me/", "/tags/?page=2&page_size=7", "/posts", "/posts/1", "/posts/1/?x=1"),
    *(
        "/feed/?cursor=",
        "/feed/?cursor=abc&page=2",
        "/feed/highlights/",
        "/posts/recent/?limit=x",
        "/posts/x/",
        "/nope/",
    ),
)


@pytest.fixture(scope="module")
def migrated(stack: StackAddresses) -> Iterator[httpx.Client]:
    """A client of the door where FastAPI answers v1."""
    with httpx.Client(base_url=stack.migrated_url, timeout=30) as client:
        yield client


def ask_both(front: httpx.Client, migrated: httpx.Client, ask: Ask) -> list[str]:
    """The differences between v1 by Django and v1 by FastAPI, both seen under one name."""
    headers = dict(ask.headers) | {"Host": "localhost:1234"}
    for _ in range(10):
        answers = [
            client.request(ask.method, V1 + ask.path, headers=headers, content=ask.body) for client in (front, migrated)
        ]
        # Other tests write meanwhile; what is a difference is one at each try.
        found = differences(*answers)
        if not found:
            break
    return [f"{ask}: {each}" for each in found]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_v1_by_fastapi_is_v1(
    front: httpx.Client, migrated: httpx.Client, credentials: dict[str, str], method: str
) -> None:
    found = []
    for path in PATHS:
        if method == "POST" and path.startswith(("/users", "/tags", "/posts/?")):
            continue
        found += ask_both(front, migrated, Ask(method, path, credentials))
    assert not found, "\n".join(found)


def test_it_is_fastapi_that_answers(migrated: httpx.Client, access_tokens: dict[str, str]) -> None:
    alice = {"Authorization": f"Bearer {access_tokens['alice']}"}
    for method, path, body in (("GET", "/feed/", b""), ("POST", "/posts/", as_json(title="t", content="c"))):
        answer = migrated.request(method, V1 + path, headers=alice | JSON, content=body)
        assert answer.headers["X-Served-By"] == "fastapi"
        assert answer.is_success
