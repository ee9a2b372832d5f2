"""Django's Argon2 with a limit on concurrent hashes: name it first in `PASSWORD_HASHERS`."""

import os
from threading import BoundedSemaphore

from django.contrib.auth import hashers

# A hash takes 100 MiB and several cores; one in every thread of a server would starve other requests.
_SLOTS = BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))


class BoundedArgon2PasswordHasher(hashers.Argon2PasswordHasher):
    """The same hashes, at most half as many at once in each process as there are cores."""

    def encode(self, password: str, salt: str) -> str:
        """See Django."""
        with _SLOTS:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """See Django."""
        with _SLOTS:
            return super().verify(password, encoded)
