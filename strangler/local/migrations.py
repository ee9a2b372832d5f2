"""Whether Django's migrations have to be run: asking Django itself costs a second of every start."""

import hashlib
from pathlib import Path

import psycopg

from strangler.settings import ROOT


def migrations_state(dsn: str) -> str | None:
    """A digest of the migrations that the sources hold and of those that the database has had, with their times.

    None while the database has had none. The times tell one database from another, and the lock file the versions
    of the libraries that bring migrations of their own.
    """
    try:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute("SELECT app, name, applied FROM django_migrations ORDER BY id").fetchall()
    except psycopg.errors.UndefinedTable:
        return None
    digest = hashlib.sha256(repr(rows).encode())
    for path in [ROOT / "requirements" / "django.txt", *sorted(ROOT.glob("django_app/*/migrations/*.py"))]:
        digest.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return digest.hexdigest()


class MigrationStamp:
    """Remembers in a file what state a successful run of the migrations led to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_current(self, dsn: str) -> bool:
        """Whether nothing has changed since: neither the sources nor the database's record."""
        return self.path.exists() and self.path.read_text(encoding="ascii") == migrations_state(dsn)

    def renew(self, dsn: str) -> None:
        """Note the state after a successful run."""
        self.path.write_text(migrations_state(dsn) or "", encoding="ascii")
