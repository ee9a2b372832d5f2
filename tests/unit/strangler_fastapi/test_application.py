"""What an application is given, and what it looks at with each request."""

from typing import Any

import httpx
import pytest
from opentelemetry import trace

from strangler_fastapi.application import create_application
from strangler_fastapi.drf.http.urls import ApiPrefixes


@pytest.mark.parametrize(("options", "looks"), [({}, False), ({"telemetry": {}}, True)])
async def test_opentelemetry_is_looked_for_where_a_project_asks_for_it_only(
    options: dict[str, Any], looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    provider = trace.get_tracer_provider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: looked.append(1) or provider)  # type: ignore[func-returns-value] # or
    prefixes = ApiPrefixes(service="/", v1="/", v2="/v2")

    def database() -> Any:
        raise AssertionError

    app = create_application((), service="shop", prefixes=prefixes, database=database, **options)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        assert (await client.get("/nothing/")).status_code == 404
    assert bool(looked) == looks
