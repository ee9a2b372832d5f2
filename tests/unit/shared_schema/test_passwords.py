"""Django's hashes without Django. The literals were made by Django 5.2.19's `make_password`."""

import pytest

from shared_schema import passwords
from shared_schema.passwords import hash_password, needs_rehash, verify_password

PASSWORD = "correct horse 9 battery"
DJANGO = {
    "argon2": (
        "argon2$argon2id$v=19$m=102400,t=2,p=8$ZTF5VzIwUEpMMUF0OXZ1WFJTMGljRQ"
        "$ZlhevMLMp65eFu2rmR8IgEWtbA4+/RZyrikgxXSkXrM"
    ),
    "pbkdf2_sha256": ("pbkdf2_sha256$1000000$QzVuKrFj1ZqHKFiVUEVYC7$PT3+RcLTWrKu+vfdATuZvr0ryShdVL0Aa5bR43P6LF4="),
    "pbkdf2_sha1": "pbkdf2_sha1$1000000$ClkGTSgXyleXMufukWyUcr$nJJLMx/4SqREBIJOOb8ALeJooB8=",
}
UNICODE_PASSWORD = "Пароль-密码-🔐"
UNICODE = (
    "argon2$argon2id$v=19$m=102400,t=2,p=8$QkVVd2dvUm93NXg5NUZlVG1jUGxROQ$/ameoLn0c/yZ9g0vDVudtdVQas58n8Up49fLhuqRuG0"
)
UNUSABLE = "!tYSLq4tSeFzt6LA72YmWl8GT9h4o7GWFuA2GgXVs"
GARBAGE = [
    "",
    "argon2",
    "argon2$",
    "argon2$é",
    "argon2$argon2id$v=19$m=1$é$é",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$",
    "pbkdf2_sha256$",
    "pbkdf2_sha256$many$salt$hash",
    "pbkdf2_sha256$1$é$é",
    "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
    "plain text",
]


@pytest.mark.parametrize("algorithm", DJANGO)
def test_djangos_own_hashes_are_verified(algorithm: str) -> None:
    assert verify_password(PASSWORD, DJANGO[algorithm])
    assert not verify_password(f"{PASSWORD} ", DJANGO[algorithm])


def test_a_password_beyond_ascii_is_verified() -> None:
    assert verify_password(UNICODE_PASSWORD, UNICODE)


@pytest.mark.parametrize("encoded", [UNUSABLE, "!", *GARBAGE])
def test_what_is_no_hash_is_no_password_and_no_error(encoded: str) -> None:
    assert not verify_password(PASSWORD, encoded)
    assert not verify_password("", encoded)
    assert needs_rehash(encoded)


@pytest.mark.parametrize("encoded", [UNUSABLE, *GARBAGE])
def test_what_is_no_hash_takes_the_time_of_one(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(passwords, "hash_password", made.append)
    assert not verify_password(PASSWORD, encoded)
    assert len(made) == 1


@pytest.mark.parametrize("algorithm", DJANGO)
def test_a_password_that_is_no_text_is_wrong_and_no_error(algorithm: str) -> None:
    assert not verify_password("\ud800", DJANGO[algorithm])


def test_only_todays_strength_is_kept() -> None:
    argon2 = DJANGO["argon2"]
    assert not needs_rehash(argon2)
    assert needs_rehash(DJANGO["pbkdf2_sha256"])
    assert needs_rehash(argon2.replace("m=102400", "m=51200"))
    assert needs_rehash(argon2.replace("t=2", "t=1"))
    assert needs_rehash(argon2.replace("p=8", "p=1"))
    assert needs_rehash(argon2.replace("argon2id", "argon2i"))


@pytest.mark.parametrize(("salt", "renewed"), [("A" * 30, False), ("A" * 28, True), ("A" * 40, False)])
def test_a_short_salt_is_renewed_and_a_long_one_is_not(salt: str, renewed: bool) -> None:
    """30 characters of base64 are 22 of salt."""
    before, _, digest = DJANGO["argon2"].rpartition("$")
    assert needs_rehash(f"{before.rpartition('$')[0]}${salt}${digest}") is renewed


def test_a_hash_made_here_is_djangos_and_django_does_not_renew_it() -> None:
    from django.contrib.auth.hashers import check_password

    renewed: list[str] = []
    encoded = hash_password(PASSWORD)
    assert check_password(PASSWORD, encoded, setter=renewed.append)
    assert renewed == []
    assert not check_password("another", encoded)
    assert not needs_rehash(encoded)
    assert hash_password(PASSWORD) != encoded


def test_both_renew_a_weaker_hash() -> None:
    from django.contrib.auth.hashers import check_password

    renewed: list[str] = []
    assert check_password(PASSWORD, DJANGO["pbkdf2_sha1"], setter=renewed.append)
    assert renewed == [PASSWORD]
