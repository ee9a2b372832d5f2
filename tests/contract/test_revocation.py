"""A new password ends every token of before, whichever stack issued it and whichever changed the password."""

import secrets

import httpx
import pytest

from tests.contract.comparing import V1, V2, differences

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
        f"{changed_by}/users/me/", json={"password": "another fine horse"}, headers=headers
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
