"""What ends tokens, whichever stack issued them and whichever is asked: a new password, a token that comes again."""

import secrets

import httpx
import jwt
import psycopg
import pytest

from tests.contract.comparing import V1, V2, differences
from tests.shared_stack import StackAddresses

PASSWORD = "correct horse battery staple"
STACKS = (V1, V2)


@pytest.mark.parametrize("changed_by", STACKS)
@pytest.mark.parametrize("issued_by", STACKS)
def test_a_new_password_ends_every_token(parallel: httpx.Client, issued_by: str, changed_by: str) -> None:
    name = f"revoked{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    parallel.post(f"{issued_by}/users/", json=body).raise_for_status()
    credentials = {"username": name, "password": PASSWORD}
    tokens = parallel.post(f"{issued_by}/auth/token/", json=credentials).raise_for_status().json()
    renewed = parallel.post(f"{changed_by}/auth/token/refresh/", json={"refresh": tokens["refresh"]})
    tokens = renewed.raise_for_status().json()
    headers = {"Authorization": f"Bearer {tokens['access']}"}
    assert [parallel.get(f"{api}/users/me/", headers=headers).status_code for api in STACKS] == [200, 200]
    parallel.patch(
        f"{changed_by}/users/me/", json={"password": "another fine horse", "old_password": PASSWORD}, headers=headers
    ).raise_for_status()
    detail = {"detail": "The user's password has been changed.", "code": "password_changed"}
    for asked in (
        [parallel.get(f"{api}/users/me/", headers=headers) for api in STACKS],
        [parallel.get(f"{api}/feed/", headers=headers) for api in STACKS],
        [parallel.post(f"{api}/auth/token/refresh/", json={"refresh": tokens["refresh"]}) for api in STACKS],
    ):
        assert [(answer.status_code, answer.json()) for answer in asked] == [(401, detail)] * 2
        assert not differences(*asked)
    credentials["password"] = "another fine horse"
    access = parallel.post(f"{issued_by}/auth/token/", json=credentials).raise_for_status().json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    assert [parallel.get(f"{api}/users/me/", headers=headers).status_code for api in STACKS] == [200, 200]


def signed_up(parallel: httpx.Client, api: str) -> dict[str, str]:
    """The credentials of a new user."""
    name = f"family{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    parallel.post(f"{api}/users/", json=body).raise_for_status()
    return {"username": name, "password": PASSWORD}


def signed_in(parallel: httpx.Client, api: str, credentials: dict[str, str]) -> str:
    """A refresh token."""
    token: str = parallel.post(f"{api}/auth/token/", json=credentials).raise_for_status().json()["refresh"]
    return token


def grow_old(stack: StackAddresses, *tokens: str) -> None:
    """Have the tokens been exchanged 11 s earlier."""
    ids = [jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens]
    with psycopg.connect(stack.owner_dsn) as connection:
        connection.execute(
            "UPDATE token_blacklist_blacklistedtoken SET blacklisted_at = blacklisted_at - interval '11 s' "
            "WHERE token_id IN (SELECT id FROM token_blacklist_outstandingtoken WHERE jti = ANY(%s))",
            (ids,),
        )


def exchange(parallel: httpx.Client, api: str, token: str) -> httpx.Response:
    return parallel.post(f"{api}/auth/token/refresh/", json={"refresh": token})


@pytest.mark.parametrize("asked", STACKS)
@pytest.mark.parametrize("issued_by", STACKS)
def test_a_token_that_was_exchanged_before_ends_all_that_came_of_it(
    parallel: httpx.Client, stack: StackAddresses, issued_by: str, asked: str
) -> None:
    other = STACKS[1 - STACKS.index(asked)]
    credentials = signed_up(parallel, issued_by)
    elsewhere = signed_in(parallel, issued_by, credentials)
    first = signed_in(parallel, issued_by, credentials)
    second = exchange(parallel, asked, first).raise_for_status().json()["refresh"]
    third = exchange(parallel, other, second).raise_for_status().json()["refresh"]
    grow_old(stack, first)
    blacklisted = (401, {"detail": "Token is blacklisted", "code": "token_not_valid"})
    for token in (first, third, second):
        answer = exchange(parallel, asked, token)
        assert (answer.status_code, answer.json()) == blacklisted
    # Another sign-in of the same user has nothing to do with it.
    assert exchange(parallel, asked, elsewhere).status_code == 200


@pytest.mark.parametrize("asked", STACKS)
def test_an_exchange_whose_answer_was_lost_is_repeated_once(parallel: httpx.Client, asked: str) -> None:
    other = STACKS[1 - STACKS.index(asked)]
    first = signed_in(parallel, asked, signed_up(parallel, asked))
    lost = exchange(parallel, asked, first).raise_for_status().json()["refresh"]
    second = exchange(parallel, other, first).raise_for_status().json()["refresh"]
    assert [exchange(parallel, api, first).status_code for api in STACKS] == [401, 401]
    # Nobody knows which of the two the client has, and a refusal ends nothing so early.
    assert [exchange(parallel, asked, token).status_code for token in (lost, second)] == [200, 200]


@pytest.mark.parametrize("asked", STACKS)
def test_no_exchange_is_repeated_once_its_answer_was_used(parallel: httpx.Client, asked: str) -> None:
    first = signed_in(parallel, asked, signed_up(parallel, asked))
    second = exchange(parallel, asked, first).raise_for_status().json()["refresh"]
    third = exchange(parallel, asked, second).raise_for_status().json()["refresh"]
    assert [exchange(parallel, api, first).status_code for api in STACKS] == [401, 401]
    assert exchange(parallel, asked, third).status_code == 200


@pytest.mark.parametrize("asked", STACKS)
def test_who_has_signed_out_ends_no_other_session(parallel: httpx.Client, stack: StackAddresses, asked: str) -> None:
    credentials = signed_up(parallel, asked)
    here, elsewhere = (signed_in(parallel, asked, credentials) for _ in range(2))
    for _ in range(2):
        parallel.post(f"{asked}/auth/token/blacklist/", json={"refresh": here})
    grow_old(stack, here)
    assert exchange(parallel, asked, here).status_code == 401
    assert exchange(parallel, asked, elsewhere).status_code == 200


@pytest.mark.parametrize("asked", STACKS)
def test_a_token_that_nobody_signed_ends_nothing(parallel: httpx.Client, stack: StackAddresses, asked: str) -> None:
    first = signed_in(parallel, asked, signed_up(parallel, asked))
    second = exchange(parallel, asked, first).raise_for_status().json()["refresh"]
    grow_old(stack, first)
    assert exchange(parallel, asked, f"{first}x").status_code == 401
    assert exchange(parallel, asked, second).status_code == 200


@pytest.mark.parametrize("path", ["/users/me/", "/users/{id}/"])
@pytest.mark.parametrize(
    ("old", "said"),
    [
        ({}, "This field is required."),
        ({"old_password": "wrong"}, "Your old password was entered incorrectly. Please enter it again."),
        ({"old_password": ""}, "This field may not be blank."),
    ],
)
def test_the_own_password_changes_for_who_knows_the_old_one(
    parallel: httpx.Client, path: str, old: dict[str, str], said: str
) -> None:
    name = f"owner{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    made = parallel.post(f"{V1}/users/", json=body).raise_for_status().json()
    access = parallel.post(f"{V1}/auth/token/", json={"username": name, "password": PASSWORD}).json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    answers = [
        parallel.patch(
            f"{api}{path.format(id=made['id'])}", json={"password": "another fine horse"} | old, headers=headers
        )
        for api in STACKS
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(400, {"old_password": [said]})] * 2
    assert not differences(*answers)
