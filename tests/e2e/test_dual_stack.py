"""What the issue promises of the two stacks over one database, asked from outside."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browsers import chromium
from tests.gateways import marks

STYLESHEET = re.compile(r'<link rel="stylesheet" href="(/static/[^"]+)"')
METHODS = {"get", "post", "put", "patch", "delete"}


def ask_both(client: httpx.Client, path: str, headers: Mapping[str, str] | None = None) -> list[httpx.Response]:
    """The answers of v1 and v2 to the same state: asks again if another test wrote in between.

    Two rounds that are alike: between two requests a post can come and go, so that v1 alone says nothing of it.
    """
    prefixes = ("/api", "/api/v2")
    before = [client.get(f"{prefix}{path}", headers=headers) for prefix in prefixes]
    while True:
        after = [client.get(f"{prefix}{path}", headers=headers) for prefix in prefixes]
        if [each.content for each in before] == [each.content for each in after]:
            return after
        before = after


def as_v1(response: httpx.Response) -> str:
    """The body with the prefix that v1's links carry."""
    return response.text.replace("/api/v2/", "/api/")


@pytest.mark.parametrize("query", ["", "?page_size=100&ordering=title", "?search=a&page=2&page_size=3"])
def test_both_stacks_give_the_same_feed(query: str, front: httpx.Client) -> None:
    v1, v2 = ask_both(front, f"/feed/{query}")
    assert (marks(v1), marks(v2)) == (("django", "feed.list"), ("fastapi", "feed.list"))
    assert v1.json()["results"]
    assert as_v1(v2) == v1.text


@pytest.mark.parametrize(("issuer", "other"), [("/api", "/api/v2"), ("/api/v2", "/api")])
def test_a_token_of_one_stack_opens_the_other(issuer: str, other: str, front: httpx.Client) -> None:
    issued = front.post(f"{issuer}/auth/token/", json={"username": "alice", "password": "strangler-demo"})
    tokens = issued.raise_for_status().json()
    bearer = {"Authorization": f"Bearer {tokens['access']}"}
    v1, v2 = ask_both(front, "/posts/", bearer)
    assert (marks(v1), marks(v2)) == (("django", "posts.list"), ("fastapi", "posts.list"))
    assert (v1.status_code, v1.text) == (200, as_v1(v2))
    assert front.post(f"{other}/auth/token/verify/", json={"token": tokens["access"]}).status_code == 200

    refreshed = front.post(f"{other}/auth/token/refresh/", json={"refresh": tokens["refresh"]})
    rotated = refreshed.raise_for_status().json()["refresh"]
    # Once more, as if the answer had been lost; not twice.
    again = [front.post(f"{issuer}/auth/token/refresh/", json={"refresh": tokens["refresh"]}) for _ in range(2)]
    assert [answer.status_code for answer in again] == [200, 401]
    assert front.post(f"{other}/auth/token/blacklist/", json={"refresh": rotated}).status_code == 200
    assert front.post(f"{issuer}/auth/token/refresh/", json={"refresh": rotated}).status_code == 401


def test_the_documentation_of_both_stacks_loads(front: httpx.Client) -> None:
    for path, stack, script, schema in (
        ("/api/docs/", "django", "/api/docs/?script=", "/api/schema/"),
        ("/api/v2/docs", "fastapi", "/api/v2/docs", "/api/v2/openapi.json"),
    ):
        page = front.get(path).raise_for_status()
        assert page.headers["X-Served-By"] == stack
        assert page.headers["Content-Type"].startswith("text/html")
        assert schema in front.get(script).text
        assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
        assert len(assets) >= 3
        for asset in assets:
            # From this origin, and from no other.
            assert asset == "data:," or front.get(asset).status_code == 200, asset
        policy = page.headers["Content-Security-Policy"]
        assert ("default-src" in policy, policy.count("'unsafe-inline'")) == (True, 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "shown"),
    [("/api/docs/", ".opblock"), ("/api/v2/docs", ".opblock"), ("/admin/login/", "#login-form input[type=submit]")],
)
def test_a_browser_shows_each_page_under_its_policy(front: httpx.Client, tmp_path: Path, path: str, shown: str) -> None:
    said: list[str] = []
    with chromium(tmp_path) as browser:
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(str(front.base_url.join(path)))
        page.wait_for_selector(shown, timeout=20_000)
    assert [text for text in said if "Content Security Policy" in text] == []


def operations(document: dict[str, Any], prefix: str) -> set[str]:
    return {
        f"{method.upper()} {re.sub('{.*?}', '{}', path.removeprefix(prefix))}"
        for path, item in document["paths"].items()
        for method in item.keys() & METHODS
    }


def test_both_openapi_documents_describe_the_same_reads_and_tokens(front: httpx.Client) -> None:
    v1 = front.get("/api/schema/?format=json").raise_for_status().json()
    v2 = front.get("/api/v2/openapi.json").raise_for_status().json()
    assert (v1["openapi"][:2], v2["openapi"][:2]) == ("3.", "3.")
    wanted = {entry for entry in operations(v1, "/api") if entry.startswith("GET ") or "/auth/" in entry}
    wanted -= {"GET /health/", "GET /schema/"}
    assert len(wanted) > 15
    assert wanted - operations(v2, "/api/v2") == set()


def test_the_admin_shows_its_sign_in_with_css(front: httpx.Client) -> None:
    page = front.get("/admin/login/?next=/admin/").raise_for_status()
    assert 'name="csrfmiddlewaretoken"' in page.text
    sheets = STYLESHEET.findall(page.text)
    assert len(sheets) >= 3
    for sheet in sheets:
        answer = front.get(sheet).raise_for_status()
        assert (answer.headers["Content-Type"], marks(answer)) == ("text/css", ("django", "django.static"))
        assert answer.content
