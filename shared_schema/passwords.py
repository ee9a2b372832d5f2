"""Django's password hashes without Django: verify, hash, and decide when a hash should be renewed.

The formats and the preferred strength are Django 5.2's (`django.contrib.auth.hashers`): Argon2id first, PBKDF2 still
accepted. Every function here burns CPU for tens of milliseconds: call it off the event loop.
"""

import contextlib
import secrets
import string
from dataclasses import replace
from typing import Final

import argon2
from passlib.hash import django_pbkdf2_sha1, django_pbkdf2_sha256

_ARGON2_PREFIX: Final = "argon2"
# 22 letters and digits are 131 bits; Django renews a hash whose salt has fewer than 128.
_SALT_LENGTH: Final = 22
_SALT_CHARACTERS: Final = string.ascii_letters + string.digits

_PARAMETERS: Final = argon2.Parameters(
    type=argon2.Type.ID,
    version=argon2.low_level.ARGON2_VERSION,
    time_cost=2,
    memory_cost=102_400,
    parallelism=8,
    hash_len=32,
    salt_len=_SALT_LENGTH,
)
_argon2: Final = argon2.PasswordHasher.from_parameters(_PARAMETERS)
_pbkdf2: Final = {"pbkdf2_sha256": django_pbkdf2_sha256, "pbkdf2_sha1": django_pbkdf2_sha1}


def hash_password(password: str) -> str:
    """A new hash of `password` in Django's preferred format."""
    salt = "".join(secrets.choice(_SALT_CHARACTERS) for _ in range(_SALT_LENGTH))
    return _ARGON2_PREFIX + _argon2.hash(password, salt=salt.encode())


def verify_password(password: str, encoded: str) -> bool:
    """Whether `encoded` is a hash of `password`.

    An unusable, unknown or malformed hash is False after the time of a valid one, so that timing reveals nothing.
    """
    algorithm, _, rest = encoded.partition("$")
    # ValueError: a hash that isn't ASCII, a password that UTF-8 can't hold.
    with contextlib.suppress(argon2.exceptions.VerificationError, ValueError):
        if algorithm == _ARGON2_PREFIX:
            return _verify_argon2(password, f"${rest}")
        if algorithm in _pbkdf2:
            return bool(_pbkdf2[algorithm].verify(password, encoded))
    hash_password("of nobody")
    return False


def needs_rehash(encoded: str) -> bool:
    """Whether Django would store a new hash after this one was verified: another algorithm, or weaker than today's."""
    algorithm, _, rest = encoded.partition("$")
    if algorithm != _ARGON2_PREFIX:
        return True
    try:
        found = argon2.extract_parameters(f"${rest}")
    except argon2.exceptions.InvalidHashError:
        return True
    # A longer salt is fine: Django checks its entropy, argon2-cffi's own check its exact length.
    return found.salt_len < _SALT_LENGTH or replace(found, salt_len=_SALT_LENGTH) != _PARAMETERS


def _verify_argon2(password: str, phc: str) -> bool:
    try:
        return _argon2.verify(phc, password)
    except argon2.exceptions.VerifyMismatchError:
        return False
