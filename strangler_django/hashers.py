"""Django's hashers with a limit on concurrent hashes: name them in `PASSWORD_HASHERS`.

A hash takes 100 MiB or a large part of a second of a core, and whoever waits for one keeps a thread of the server
from other requests. `HASHES_AT_ONCE` of the settings (half as many as there are cores) are made at once in each process
and `HASHES_WAITING` (2) wait; any more are refused, by 503 and Retry-After. Keep their sum below the threads of a
process. `HashingBusyMiddleware` in MIDDLEWARE refuses so outside REST framework too, in the admin for one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from django.contrib.auth import hashers
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException


class HashingBusy(APIException):
    """Too many passwords are being hashed; REST framework makes `wait` the Retry-After."""

    status_code = 503
    default_detail = "Too many passwords are being checked: try again in a few seconds."
    default_code = "unavailable"
    wait: Final = 5


_AT_ONCE: Final = getattr(settings, "HASHES_AT_ONCE", max(1, (os.cpu_count() or 1) // 2))
_places = BoundedSemaphore(_AT_ONCE)
_entrance = BoundedSemaphore(_AT_ONCE + getattr(settings, "HASHES_WAITING", 2))


@contextmanager
def _place() -> Iterator[None]:
    if not _entrance.acquire(blocking=False):
        raise HashingBusy
    try:
        with _places:
            yield
    finally:
        _entrance.release()


def _refuse_malformed() -> bool:
    hashers.make_password("of nobody")
    return False


def hashing_admit() -> None:
    """Refuse a request that would find no place, before anything is done for it.

    :raises HashingBusy: as many wait as may.
    """
    if not _entrance.acquire(blocking=False):
        raise HashingBusy
    _entrance.release()


class BoundedArgon2PasswordHasher(hashers.Argon2PasswordHasher):
    """The same hashes, a few at once."""

    def encode(self, password: str, salt: str) -> str:
        """See Django."""
        with _place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """See Django; a malformed hash is wrong, after the time of a good one."""
        argon2 = self._load_library()
        try:
            with _place():
                is_correct: bool = argon2.PasswordHasher().verify(encoded.removeprefix(self.algorithm), password)
                return is_correct
        except argon2.exceptions.VerifyMismatchError:
            return False
        except (argon2.exceptions.VerificationError, ValueError):
            return _refuse_malformed()

    def must_update(self, encoded: str) -> bool:
        """See Django; a malformed hash must be."""
        try:
            return super().must_update(encoded)
        except ValueError:
            return True


class _BoundedPBKDF2(hashers.PBKDF2PasswordHasher):
    """Verifies by encoding, so that one limit serves both."""

    def verify(self, password: str, encoded: str) -> bool:
        """See Django; a malformed hash is wrong, after the time of a good one."""
        try:
            return super().verify(password, encoded)
        except (ValueError, OverflowError):
            return _refuse_malformed()

    def must_update(self, encoded: str) -> bool:
        """See Django; a malformed hash must be."""
        try:
            return super().must_update(encoded)
        except ValueError:
            return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """See Django; a malformed hash has had its time."""
        with suppress(ValueError, OverflowError):
            super().harden_runtime(password, encoded)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """See Django."""
        with _place():
            return super().encode(password, salt, iterations)


class BoundedPBKDF2PasswordHasher(_BoundedPBKDF2):
    """The same hashes, a few at once."""


class BoundedPBKDF2SHA1PasswordHasher(_BoundedPBKDF2, hashers.PBKDF2SHA1PasswordHasher):
    """The same hashes, a few at once."""


class HashingBusyMiddleware:
    """Answers 503 where a view outside REST framework would have hashed a password and there was no place."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The refusal, None for any other exception."""
        if not isinstance(exception, HashingBusy):
            return None
        headers = {"Retry-After": str(exception.wait)}
        return HttpResponse(str(exception.detail), status=503, content_type="text/plain", headers=headers)
