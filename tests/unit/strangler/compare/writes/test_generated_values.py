"""Texts that two servers can't write alike."""

import pytest

from strangler.compare.writes.generated_values import (
    hash_parameters,
    hashes_same,
    randoms_alike,
    signed_payload,
    stored_alike,
    time_read,
    token_parts,
)

ARGON = "argon2$argon2id$v=19$m=102400,t=2,p=8$UVhzZGFzZGFzZDEyMw$Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmE"
PBKDF = "pbkdf2_sha256$1000000$abcdefghijklmnopqrstuv$3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_a_hash_is_shown_without_salt_and_sum() -> None:
    assert hash_parameters(ARGON) == "argon2$argon2id$v=19$m=102400,t=2,p=8$***$***"
    assert hash_parameters(PBKDF) == "pbkdf2_sha256$1000000$***$***"


@pytest.mark.parametrize("text", ["", "plain", "costs $5 and $10 more", "a$b$c", "!unusable", "$2b$12$abcdefghijkl"])
def test_another_text_is_no_hash(text: str) -> None:
    assert hash_parameters(text) is None


def test_salt_and_sum_may_differ_and_nothing_else() -> None:
    salted = ARGON.replace("UVhzZGFzZGFzZDEyMw", "QQhzZGFzZGFzZDEyMw")
    assert hashes_same(ARGON, salted)
    for other in (ARGON.replace("t=2", "t=3"), ARGON.replace("argon2id", "argon2i"), ARGON[:-4], PBKDF, "x"):
        assert not hashes_same(ARGON, other)
    assert not hashes_same(PBKDF, PBKDF.replace("1000000", "1200000"))


def test_a_token_is_its_header_and_its_claims() -> None:
    assert token_parts("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl") == [{"alg": "HS256"}, {"sub": "1"}]
    for text in ("eyJhbGciOiJIUzI1NiJ9", "eyJx.eyJx.x", "a.b.c"):
        assert token_parts(text) is None


def test_a_signed_text_is_its_payload() -> None:
    assert signed_payload(".eJxVjDsO:1w3nAb:Ux0vC9O7l0mJw3xY6pTq8sK2dFgHjZ1nRb4cVa5eLQk") == ".eJxVjDsO"
    assert signed_payload("at 12:30:45") is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("7d444840-9dc0-11d1-b245-5ffdce74fad2", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("7d4448409dc011d1b2455ffdce74fad2", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        ("x8f0q3zr1m2k9v4bt7y6w5", "a1b2c3d4e5f6g7h8i9j0k1"),
    ],
)
def test_random_names_of_one_making_are_alike(left: str, right: str) -> None:
    assert randoms_alike(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("7d444840-9dc0-11d1-b245-5ffdce74fad2", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        ("7d4448409dc011d1b2455ffdce74fad2", "7D4448409DC011D1B2455FFDCE74FADG"),
        ("my-first-post-of-the-year-2024", "my-other-post-of-the-year-2025"),
        ("short1a2b", "short3c4d"),
    ],
)
def test_names_that_people_write_are_not(left: str, right: str) -> None:
    assert not randoms_alike(left, right)


@pytest.mark.parametrize("text", ["2024-01-02T03:04:05Z", "2024-01-02 03:04:05+00", "2024-01-02 05:04:05.0+02:00"])
def test_a_moment_is_read_however_it_is_written(text: str) -> None:
    moment = time_read(text)
    assert moment is not None
    assert moment.timestamp() == 1704164645


@pytest.mark.parametrize(
    "text", ["", "2024-01-02", "2024-13-02T03:04:05Z", "infinity", "12:30", "2024-01-02T03:04:05Zx"]
)
def test_another_text_is_no_moment(text: str) -> None:
    assert time_read(text) is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("a b_b7Xk2Lq.txt", "a b_uml45bw.txt", True),
        ("scan_QkZabcd", "scan_holiday", True),
        ("kept_uml45bw.txt", "kept_hY8U39X.txt", True),
        ("kept_uml45bw.txt", "left_hY8U39X.txt", False),
        ("kept_uml45bw.txt", "kept_hY8U39X.pdf", False),
        ("scan_holiday.pdf", "scan_monthly.pdf", False),
        ("scan_holiday.pdf", "scan_2024010.pdf", False),
        ("scan_QkZabc.pdf", "scan_QkZabcd.pdf", False),
        ("scan.pdf", "scan_QkZabcd.pdf", False),
    ],
)
def test_the_letters_behind_a_name_that_is_taken(left: str, right: str, same: bool) -> None:
    assert stored_alike(left, right) is same
