"""Counts attempts to sign in, as FastAPI's `strangler_fastapi.auth.sign_in_attempts` does in the same table."""

from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from shared_schema.sign_in import FAILURES, PRUNED, WINDOW, attempt_digest, prune_until, seconds_left
from strangler_django.sign_in.models import SignInAttempts

# But for those that another attempt has locked.
_PRUNE: Final = (
    "DELETE FROM strangler_sign_in_attempts WHERE digest IN (SELECT digest FROM strangler_sign_in_attempts"
    " WHERE since <= %(until)s LIMIT %(pruned)s FOR UPDATE SKIP LOCKED)"
)
_COUNT: Final = (
    "INSERT INTO strangler_sign_in_attempts AS found (digest, count, since) VALUES (%(digest)s, 1, %(now)s)"
    " ON CONFLICT (digest) DO UPDATE SET"
    " count = CASE WHEN found.since <= %(expired)s THEN 1 ELSE found.count + 1 END,"
    " since = CASE WHEN found.since <= %(expired)s THEN %(now)s ELSE found.since END"
    " WHERE found.since <= %(expired)s OR found.count < %(most)s RETURNING found.count"
)


def attempt_begin(name: str) -> int:
    """Count an attempt before its password is checked; returns how many seconds it has to wait, 0 for none.

    `SIGN_IN_FAILURES` of the settings is how many may fail in 15 minutes, 10 where it is not set.
    """
    digest, now = attempt_digest(name), timezone.now()
    most = getattr(settings, "SIGN_IN_FAILURES", FAILURES)
    values = {"digest": digest, "now": now, "expired": now - WINDOW, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, {"until": prune_until(now), "pruned": PRUNED})
        cursor.execute(_COUNT, values)
        if cursor.fetchone():
            return 0
    row = SignInAttempts.objects.filter(digest=digest).first()
    return seconds_left(row.since if row else now, now)


def attempts_forget(name: str) -> None:
    """The sign-in was successful: nothing counts any more."""
    SignInAttempts.objects.filter(digest=attempt_digest(name)).delete()
