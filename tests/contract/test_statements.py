"""Both stacks count statements alike: as many where the work is alike, and FastAPI never more than Django."""

import httpx
import pytest

from tests.shared_stack import DEMO_PASSWORD

ALIKE = ("/users/me/", "/users/3/", "/tags/1/", "/tags/999999/", "/posts/999999/", "/posts")
LISTS = ("/posts/", "/posts/recent/", "/feed/", "/feed/highlights/", "/users/", "/users/2/posts/", "/tags/")


def reported(response: httpx.Response) -> int:
    return int(response.headers["Server-Timing"].removeprefix('sql;desc="').removesuffix('"'))


def numbers(parallel: httpx.Client, path: str, token: str) -> tuple[int, int]:
    headers = {"Authorization": f"Bearer {token}"}
    django, fastapi = (parallel.get(f"{prefix}{path}", headers=headers) for prefix in ("/api", "/api/v2"))
    assert (django.headers["X-Served-By"], fastapi.headers["X-Served-By"]) == ("django", "fastapi")
    assert django.status_code == fastapi.status_code
    return reported(django), reported(fastapi)


@pytest.mark.parametrize("path", ALIKE)
def test_the_same_work_is_the_same_number(parallel: httpx.Client, access_tokens: dict[str, str], path: str) -> None:
    django, fastapi = numbers(parallel, path, access_tokens["alice"])
    assert django == fastapi


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_fastapi_fewer(parallel: httpx.Client, access_tokens: dict[str, str], path: str) -> None:
    django, fastapi = numbers(parallel, path, access_tokens["alice"])
    assert 0 < fastapi < django


def test_signing_in_is_the_same_number(parallel: httpx.Client) -> None:
    body = {"username": "alice", "password": DEMO_PASSWORD}
    django, fastapi = (parallel.post(f"{prefix}/auth/token/", json=body) for prefix in ("/api", "/api/v2"))
    assert reported(django) == reported(fastapi) > 0
