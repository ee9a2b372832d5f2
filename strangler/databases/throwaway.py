"""Names for databases that are thrown away, and the end of those that a killed run has left behind."""

import re
import secrets
from collections.abc import Callable

import psycopg

from strangler.databases.connecting import refusals
from strangler.databases.creating import copy_stem
from strangler.local.databases import database_drop


class Throwaways:
    """The databases of one run, beside the one that they are like.

    A run that was killed leaves its databases behind, and the next one drops them: a run that lives holds a lock that
    its databases are named after.

    Args:
        admin: the server, as a role that may make databases; its end is the lock's.
        admin_dsn: the address of it.
        like: the name of the database that they are copies of.
        purpose: of the run, a word of at least four ASCII letters; runs of another purpose don't meet.
        tell: receives a sentence for each leftover that is dropped.
    """

    def __init__(
        self, admin: psycopg.Connection, *, admin_dsn: str, like: str, purpose: str, tell: Callable[[str], None]
    ) -> None:
        self._admin = admin
        self._admin_dsn = admin_dsn
        self._stem = f"{copy_stem(like)}_{purpose}"
        self._class = int.from_bytes(purpose[:4].encode("ascii"))
        self._number = secrets.randbits(31)
        self._tell = tell

    def begin(self) -> None:
        """Drop what killed runs have left behind, and keep the next one from dropping this run's.

        :raises FailedError: the server refuses.
        """
        with refusals():
            self._leftovers_drop()
            self._admin.execute("SELECT pg_advisory_lock(%s, %s)", (self._class, self._number))

    def name(self, part: str) -> str:
        """What the run's database for `part` is called."""
        return f"{self._stem}_{part}_{self._number:08x}"

    def drop(self, name: str) -> None:
        """Remove a database and end the sessions in it.

        :raises FailedError: the server refuses.
        """
        with refusals():
            database_drop(admin_dsn=self._admin_dsn, name=name)

    def _leftovers_drop(self) -> None:
        """Databases of runs that are gone: their lock is free."""
        pattern = re.compile(rf"{re.escape(self._stem)}_[a-z]+_([0-9a-f]{{8}})")
        names = self._admin.execute("SELECT datname FROM pg_database").fetchall()
        for found in filter(None, (pattern.fullmatch(name) for (name,) in names)):
            lock = (self._class, int(found[1], 16))
            row = self._admin.execute("SELECT pg_try_advisory_lock(%s, %s)", lock).fetchone()
            if row and row[0]:
                self.drop(found[0])
                self._admin.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
                self._tell(f"dropped {found[0]}, which a killed run had left behind")
