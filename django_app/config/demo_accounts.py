"""The demo users, whose password is in the documents: none of them may be in production."""

import psycopg
from django.contrib.auth.hashers import check_password

from django_app.config.database import CONNECT_TIMEOUT_S

DEMO_USERNAMES = ("admin", "alice", "bob")


def demo_accounts_left(*, url: str, passwords: frozenset[str]) -> list[str]:
    """The demo users who may still sign in with one of these passwords; none where the database has no tables yet."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            query = "SELECT username, password FROM users WHERE is_active AND username = ANY(%s) ORDER BY username"
            rows = connection.execute(query, (list(DEMO_USERNAMES),)).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
        return []
    return [name for name, encoded in rows if any(check_password(password, encoded) for password in passwords)]
