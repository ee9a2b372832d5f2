"""Databases that are changed under a running application, and what it answers and logs then."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from tests.databases import PASSWORD, OwnDatabase
from tests.integration.fastapi_app.running import JWT_KEY, USER_PASSWORD, Running


@contextmanager
def changed(broken: OwnDatabase, change: str, back: str) -> Iterator[None]:
    with psycopg.connect(broken.superuser_dsn, autocommit=True) as connection:
        connection.execute(change)  # type: ignore[call-overload] # a statement of the tests
        try:
            yield
        finally:
            connection.execute(back)  # type: ignore[call-overload] # the same


def check_refused(response: httpx.Response) -> str:
    """503 with a sentence and when to come back, and nothing of the inner workings."""
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    if response.request.method == "HEAD":
        return ""
    assert [*response.json()] == ["detail"]
    sentence: str = response.json()["detail"]
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def check_no_secret(running: Running, *secrets: str) -> None:
    log = running.log.getvalue()
    never = (JWT_KEY, PASSWORD, PASSWORD.replace(" ", "%20"), USER_PASSWORD, *secrets)
    assert [secret for secret in never if secret in log] == []
