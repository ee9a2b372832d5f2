"""Staff changes users, and neither other staff nor superusers: else a password more would be every right."""

import secrets

import httpx
import psycopg
import pytest

from tests.contract.comparing import V1, V2
from tests.shared_stack import StackAddresses

PASSWORD = "correct horse battery staple"


def _account(front: httpx.Client, stack: StackAddresses, *flags: str) -> tuple[int, dict[str, str]]:
    """A new user with these flags: the id and the headers."""
    name = f"ranked{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    user: int = front.post(f"{V1}/users/", json=body).raise_for_status().json()["id"]
    token = front.post(f"{V1}/auth/token/", json={"username": name, "password": PASSWORD}).raise_for_status().json()
    with psycopg.connect(stack.owner_dsn) as connection:
        for flag in flags:
            connection.execute(f"UPDATE users SET {flag} = true WHERE id = %s", (user,))  # noqa: S608 - of this test
    return user, {"Authorization": f"Bearer {token['access']}"}


@pytest.mark.parametrize("prefix", [V1, V2])
def test_nobody_changes_an_account_of_more_rights(parallel: httpx.Client, stack: StackAddresses, prefix: str) -> None:
    user, _ = _account(parallel, stack)
    staff, as_staff = _account(parallel, stack, "is_staff")
    other, _ = _account(parallel, stack, "is_staff")
    root, as_root = _account(parallel, stack, "is_staff", "is_superuser")
    bare, _ = _account(parallel, stack, "is_superuser")

    def statuses(headers: dict[str, str]) -> list[int]:
        asked = (user, staff, other, root, bare)
        body = {"email": f"{secrets.token_hex(4)}@example.com"}
        return [parallel.patch(f"{prefix}/users/{pk}/", json=body, headers=headers).status_code for pk in asked[:1]] + [
            parallel.patch(f"{prefix}/users/{pk}/", json={}, headers=headers).status_code for pk in asked[1:]
        ]

    assert statuses(as_staff) == [200, 200, 403, 403, 403]
    assert statuses(as_root) == [200, 200, 200, 200, 200]
    for pk in (other, root, bare):
        for method, body in (("PATCH", {"password": "another fine horse"}), ("DELETE", None)):
            answer = parallel.request(method, f"{prefix}/users/{pk}/", json=body, headers=as_staff)
            assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    for pk in (user, other, bare, root):
        assert parallel.delete(f"{prefix}/users/{pk}/", headers=as_root).status_code == 204
