"""A token of either stack is a token of the other, and both leave the same rows."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from psycopg.rows import dict_row

from tests.contract.comparing import V1, V2
from tests.shared_stack import StackAddresses

PASSWORD = "correct horse battery staple"
PREFIXES = [V1, V2]


@dataclass(frozen=True)
class Account:
    """A user made for one test."""

    id: int
    username: str


@pytest.fixture
def rows(stack: StackAddresses) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(stack.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def make_account(front: httpx.Client) -> Any:
    def make() -> Account:
        name = f"rows{secrets.token_hex(4)}"
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return Account(id=front.post(f"{V1}/users/", json=body).raise_for_status().json()["id"], username=name)

    return make


@pytest.fixture
def account(make_account: Any) -> Account:
    made: Account = make_account()
    return made


def post(front: httpx.Client, prefix: str, path: str, **body: str) -> httpx.Response:
    response = front.post(f"{prefix}/auth/token/{path}", json=body)
    assert response.headers["X-Served-By"] == {V1: "django", V2: "fastapi"}[prefix]
    return response


def obtain(front: httpx.Client, prefix: str, account: Account) -> dict[str, str]:
    response = post(front, prefix, "", username=account.username, password=PASSWORD)
    tokens: dict[str, str] = response.raise_for_status().json()
    return tokens


def token_rows(rows: psycopg.Connection[dict[str, Any]], account: Account) -> list[dict[str, Any]]:
    """The account's rows in simplejwt's tables, oldest first, ids and times replaced by what they stand for."""
    found = rows.execute(
        "SELECT o.user_id, o.jti, o.token, o.created_at, o.expires_at, b.blacklisted_at "
        "FROM token_blacklist_outstandingtoken o LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id "
        "WHERE o.user_id = %s ORDER BY o.id",
        (account.id,),
    ).fetchall()
    return [_roles(row) for row in found]


def _roles(row: dict[str, Any]) -> dict[str, Any]:
    claims = jwt.decode(row["token"], options={"verify_signature": False})
    now = datetime.now(UTC)
    return {
        "claims": [*claims],
        "user": claims["user_id"] == str(row["user_id"]),
        "jti": claims["jti"] == row["jti"],
        "created_at": timedelta() <= now - row["created_at"] < timedelta(minutes=1),
        "created_before_its_claim_says": int(row["created_at"].timestamp()) == claims["iat"],
        "expires_at": row["expires_at"] == datetime.fromtimestamp(claims["exp"], UTC),
        "blacklisted": row["blacklisted_at"] is not None and now - row["blacklisted_at"] < timedelta(minutes=1),
    }


def test_the_whole_life_leaves_the_same_rows(
    front: httpx.Client, rows: psycopg.Connection[dict[str, Any]], make_account: Any
) -> None:
    left = {}
    for prefix in PREFIXES:
        account = make_account()
        first = obtain(front, prefix, account)
        second = post(front, prefix, "refresh/", refresh=first["refresh"]).raise_for_status().json()
        # As if the answer had been lost, and once more.
        assert [post(front, prefix, "refresh/", refresh=first["refresh"]).status_code for _ in range(2)] == [200, 401]
        assert post(front, prefix, "verify/", token=second["access"]).json() == {}
        assert post(front, prefix, "blacklist/", refresh=second["refresh"]).json() == {}
        assert post(front, prefix, "blacklist/", refresh=second["refresh"]).status_code == 401
        assert post(front, prefix, "verify/", token=second["refresh"]).status_code == 400
        obtain(front, prefix, account)
        left[prefix] = token_rows(rows, account)
    assert [row["blacklisted"] for row in left[V1]] == [True, True, False, False]
    assert all(value is not False for row in left[V1] for name, value in row.items() if name != "blacklisted")
    assert left[V1] == left[V2]


@pytest.mark.parametrize(("issuer", "user"), [(V1, V2), (V2, V1)], ids=["v1 to v2", "v2 to v1"])
def test_a_token_crosses_over(front: httpx.Client, account: Account, issuer: str, user: str) -> None:
    tokens = obtain(front, issuer, account)
    bearer = {"Authorization": f"Bearer {tokens['access']}"}
    assert front.get(f"{user}/posts/", headers=bearer).json()["count"] == 0
    assert front.get(f"{user}/users/me/", headers=bearer).json()["username"] == account.username
    assert post(front, user, "verify/", token=tokens["access"]).status_code == 200
    renewed = post(front, user, "refresh/", refresh=tokens["refresh"]).raise_for_status().json()
    assert [post(front, issuer, "refresh/", refresh=tokens["refresh"]).status_code for _ in range(2)] == [200, 401]
    assert post(front, issuer, "verify/", token=tokens["refresh"]).status_code == 400
    assert post(front, issuer, "blacklist/", refresh=renewed["refresh"]).status_code == 200
    assert post(front, user, "refresh/", refresh=renewed["refresh"]).status_code == 401


@pytest.mark.parametrize("prefix", PREFIXES)
def test_signing_in_sets_last_login_and_strengthens_an_old_hash(
    front: httpx.Client, rows: psycopg.Connection[dict[str, Any]], account: Account, prefix: str
) -> None:
    old = PBKDF2PasswordHasher().encode(PASSWORD, "abcdefghijklmnopqrstuv", iterations=1000)
    rows.execute("UPDATE users SET password = %s WHERE id = %s", (old, account.id))
    obtain(front, prefix, account)
    user = rows.execute("SELECT password, last_login FROM users WHERE id = %s", (account.id,)).fetchone()
    assert user is not None
    assert user["password"].startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")
    assert check_password(PASSWORD, user["password"])
    assert datetime.now(UTC) - user["last_login"] < timedelta(minutes=1)
    obtain(front, {V1: V2, V2: V1}[prefix], account)
    again = rows.execute("SELECT password FROM users WHERE id = %s", (account.id,)).fetchone()
    assert again == {"password": user["password"]}, "the other stack thought the new hash too weak"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_refused_sign_in_leaves_nothing(
    front: httpx.Client, rows: psycopg.Connection[dict[str, Any]], account: Account, prefix: str
) -> None:
    rows.execute("UPDATE users SET is_active = false WHERE id = %s", (account.id,))
    before = rows.execute("SELECT * FROM users WHERE id = %s", (account.id,)).fetchone()
    for password in (PASSWORD, "wrong"):
        assert post(front, prefix, "", username=account.username, password=password).status_code == 401
    assert rows.execute("SELECT * FROM users WHERE id = %s", (account.id,)).fetchone() == before
    assert token_rows(rows, account) == []


@pytest.mark.parametrize("prefix", PREFIXES)
def test_tokens_of_inactive_and_deleted_users_are_refused(
    front: httpx.Client, rows: psycopg.Connection[dict[str, Any]], account: Account, prefix: str
) -> None:
    tokens = obtain(front, prefix, account)
    bearer = {"Authorization": f"Bearer {tokens['access']}"}
    rows.execute("UPDATE users SET is_active = false WHERE id = %s", (account.id,))
    answers = [_refusals(front, each, bearer, tokens) for each in PREFIXES]
    assert answers[0] == answers[1]
    assert answers[0][0] == (401, {"detail": "User is inactive", "code": "user_inactive"})
    rows.execute("UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = %s", (account.id,))
    rows.execute("DELETE FROM users WHERE id = %s", (account.id,))
    answers = [_refusals(front, each, bearer, tokens) for each in PREFIXES]
    assert answers[0] == answers[1]
    assert answers[0][0] == (401, {"detail": "User not found", "code": "user_not_found"})


def _refusals(
    front: httpx.Client, prefix: str, bearer: dict[str, str], tokens: dict[str, str]
) -> list[tuple[int, object]]:
    used = front.get(f"{prefix}/users/me/", headers=bearer)
    refreshed = post(front, prefix, "refresh/", refresh=tokens["refresh"])
    return [(response.status_code, response.json()) for response in (used, refreshed)]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_of_eight_refreshes_at_once_two_succeed(
    front: httpx.Client, rows: psycopg.Connection[dict[str, Any]], account: Account, prefix: str
) -> None:
    tokens = obtain(front, prefix, account)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(post, front, prefix, "refresh/", refresh=tokens["refresh"]) for _ in range(8)]
        statuses = sorted(job.result().status_code for job in jobs)
    assert statuses == [200] * 2 + [401] * 6
    assert len(token_rows(rows, account)) == 3
