"""Whose hash an unknown name is checked against, so that its time tells nothing."""

import psycopg
import pytest

from strangler_fastapi.auth import sign_in
from tests.integration.fastapi_app.conftest import one_loop
from tests.integration.fastapi_app.running import Running

pytestmark = one_loop


@pytest.mark.parametrize(
    ("unknown", "hashed"),
    [
        ("alic", "SELECT password FROM users WHERE username = 'alice'"),
        ("zzzzzz", "SELECT password FROM users ORDER BY username LIMIT 1"),
    ],
)
async def test_an_unknown_name_takes_the_hash_of_the_next_one_and_behind_the_last_that_of_the_first(
    monkeypatch: pytest.MonkeyPatch, running: Running, owner: psycopg.Connection, unknown: str, hashed: str
) -> None:
    checked = []

    async def noted(_password: str, encoded: str) -> bool:
        checked.append(encoded)
        return False

    monkeypatch.setattr(sign_in, "verify_off_loop", noted)
    # Each user's own, so that it can be told whose it is.
    owner.execute("UPDATE users SET password = password || '#' || id")
    try:
        response = await running.client.post("/auth/token/", json={"username": unknown, "password": "x"})
        assert (response.status_code, checked) == (401, [owner.execute(hashed).fetchall()[0][0]])
    finally:
        owner.execute("UPDATE users SET password = split_part(password, '#', 1)")
