"""Requests as the application meets them, without a server."""

from collections.abc import Mapping
from types import SimpleNamespace

from starlette.requests import Request
from starlette.types import Message, Scope

from fastapi_app.config import PREFIXES
from strangler_fastapi.drf.http.urls import ApiPrefixes


def make_scope(
    *,
    method: str = "GET",
    path: str = "/api/v2/feed/",
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
    prefixes: ApiPrefixes = PREFIXES,
) -> Scope:
    """An ASGI scope as uvicorn makes it."""
    given = {"host": "testserver", **(headers or {})}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "scheme": "http",
        "server": ("127.0.0.1", 8002),
        "app": SimpleNamespace(state=SimpleNamespace(prefixes=prefixes)),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
    }


def make_request(
    *,
    method: str = "GET",
    path: str = "/api/v2/feed/",
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    """A request whose body comes in one piece."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(make_scope(method=method, path=path, query=query, headers=headers), receive)
