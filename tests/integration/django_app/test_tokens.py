import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from django_app.accounts.models import User
from strangler_django.sign_in import backends
from tests.integration.django_app.conftest import PASSWORD

CREDENTIALS = {"username": "alice", "password": PASSWORD}
BLACKLISTED = {"detail": "Token is blacklisted", "code": "token_not_valid"}


@pytest.fixture
def pair(anonymous: APIClient, alice: User) -> dict[str, str]:
    return anonymous.post("/api/auth/token/", {"username": alice.username, "password": PASSWORD}).json()


def test_a_pair_opens_the_api_and_is_recorded(anonymous: APIClient, pair: dict[str, str], alice: User) -> None:
    assert sorted(pair) == ["access", "refresh"]
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert anonymous.get("/api/users/me/").json()["username"] == "alice"
    assert OutstandingToken.objects.get().user == alice
    alice.refresh_from_db()
    assert alice.last_login is not None


@pytest.mark.parametrize(("unknown", "whose"), [("alic", "alice"), ("zz", "alice"), ("alicf", "bob")])
def test_an_unknown_name_takes_the_hash_of_the_next_one_and_behind_the_last_that_of_the_first(
    monkeypatch: pytest.MonkeyPatch, alice: User, bob: User, unknown: str, whose: str
) -> None:
    checked = []

    def noted(_password: str, encoded: str) -> bool:
        checked.append(encoded)
        return False

    monkeypatch.setattr(backends, "check_password", noted)
    assert authenticate(username=unknown, password=PASSWORD) is None
    assert checked == [{"alice": alice, "bob": bob}[whose].password]


@pytest.mark.parametrize("wrong", [{"username": "nobody"}, {"password": "wrong"}])
@pytest.mark.usefixtures("alice")
def test_bad_credentials_are_one_answer(anonymous: APIClient, wrong: dict[str, str]) -> None:
    response = anonymous.post("/api/auth/token/", CREDENTIALS | wrong)
    assert response.status_code == 401
    assert response.json() == {"detail": "No active account found with the given credentials"}


def test_an_inactive_user_gets_the_same_answer(anonymous: APIClient, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    response = anonymous.post("/api/auth/token/", CREDENTIALS)
    assert response.status_code == 401
    assert response.json() == {"detail": "No active account found with the given credentials"}


def test_a_refresh_rotates(anonymous: APIClient, pair: dict[str, str]) -> None:
    response = anonymous.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    assert (response.status_code, list(response.json())) == (200, ["access", "refresh"])
    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (2, 1)
    repeated = anonymous.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    assert (repeated.status_code, OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (200, 3, 1)
    again = anonymous.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    assert (again.status_code, again.json()) == (401, BLACKLISTED)


def test_a_blacklisted_token_verifies_and_refreshes_no_more(anonymous: APIClient, pair: dict[str, str]) -> None:
    assert anonymous.post("/api/auth/token/verify/", {"token": pair["refresh"]}).json() == {}
    assert anonymous.post("/api/auth/token/blacklist/", {"refresh": pair["refresh"]}).json() == {}
    assert anonymous.post("/api/auth/token/verify/", {"token": pair["refresh"]}).json() == {
        "non_field_errors": ["Token is blacklisted"]
    }
    assert anonymous.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]}).json() == BLACKLISTED


def test_a_deleted_users_refresh_is_401(anonymous: APIClient, pair: dict[str, str], alice: User) -> None:
    alice.delete()
    response = anonymous.post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    assert (response.status_code, response.json()) == (
        401,
        {"detail": "No active account found for the given token."},
    )


def test_a_bad_token_is_401_on_a_public_page_too(anonymous: APIClient) -> None:
    anonymous.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    response = anonymous.get("/api/feed/")
    assert response.status_code == 401
    assert response.json()["code"] == "token_not_valid"


def test_a_weaker_hash_is_replaced_at_sign_in(anonymous: APIClient, alice: User) -> None:
    weak = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    User.objects.filter(pk=alice.pk).update(password=weak)
    assert anonymous.post("/api/auth/token/", CREDENTIALS).status_code == 200
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$")
