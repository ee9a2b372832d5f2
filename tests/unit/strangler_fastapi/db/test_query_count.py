"""On which answers the number of statements is reported; those of these requests are none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import Response, StreamingResponse

from fastapi_app import main
from fastapi_app.config import Settings
from fastapi_app.main import create_app


@pytest.fixture(autouse=True)
def _no_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's own handler would outlive the test."""
    monkeypatch.setattr(main, "configure_logs", lambda _level: None)


def make_app(*, report_sql: bool) -> FastAPI:
    app = create_app(
        Settings(
            fastapi_database_url="postgresql://nobody@127.0.0.1:1/nowhere",
            jwt_signing_key=SecretStr("the signing key of the tests, long enough"),
            allowed_hosts="testserver",
            report_sql=report_sql,
        )
    )

    @app.get("/api/v2/broken/")
    async def broken() -> None:
        raise LookupError

    @app.get("/api/v2/stream/")
    async def stream() -> Response:
        return StreamingResponse(iter(["data: 1\n\n"]), media_type="text/event-stream")

    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api/v2") as client:
        yield client


PATHS = {"/health/live": 200, "/feed": 301, "/nope/": 404, "/broken/": 500}


async def test_every_answer_reports_refusals_and_errors_too() -> None:
    async with client_of(make_app(report_sql=True)) as client:
        answers = {path: await client.get(path) for path in PATHS}
        answers["another host"] = await client.get("/feed/", headers={"Host": "evil.example"})
    assert {path: answer.status_code for path, answer in answers.items()} == {**PATHS, "another host": 400}
    assert {answer.headers.get("Server-Timing") for answer in answers.values()} == {'sql;desc="0"'}


async def test_a_stream_of_events_reports_nothing() -> None:
    async with client_of(make_app(report_sql=True)) as client:
        answer = await client.get("/stream/")
    assert (answer.status_code, answer.text) == (200, "data: 1\n\n")
    assert "Server-Timing" not in answer.headers


async def test_without_the_setting_nothing_is_reported() -> None:
    async with client_of(make_app(report_sql=False)) as client:
        answers = [await client.get(path) for path in PATHS]
    assert not [answer for answer in answers if "Server-Timing" in answer.headers]


def test_it_is_off_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPORT_SQL", raising=False)
    key = SecretStr("the signing key of the tests, long enough")
    assert not Settings(fastapi_database_url="postgresql://h/d", jwt_signing_key=key).report_sql
