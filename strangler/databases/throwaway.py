"""Databases that are thrown away: made like another one, named after their run, dropped even after a crash."""

import re
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from strangler.databases.connections import refusals
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

    def role_create(self, name: str, password: str) -> None:
        """Make the role of the database `name`, called like it: it may sign in, and nothing that a server shares.

        :raises psycopg.Error: the server refuses.
        """
        role = sql.Identifier(name)
        encrypted = self._admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        self._admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(encrypted)))
        # A superuser needs no membership; others make, fill and drop the role's database by it.
        self._admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))

    def drop(self, name: str) -> None:
        """Remove a database, the sessions in it and its role.

        :raises FailedError: the server refuses.
        """
        with refusals():
            database_drop(admin_dsn=self._admin_dsn, name=name)
            if self._admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None:
                self._admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def _leftovers_drop(self) -> None:
        """Databases of runs that are gone: their lock is free."""
        pattern = re.compile(rf"{re.escape(self._stem)}_[a-z]+_([0-9a-f]{{8}})")
        names = self._admin.execute("SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles").fetchall()
        for found in filter(None, (pattern.fullmatch(name) for (name,) in names)):
            lock = (self._class, int(found[1], 16))
            row = self._admin.execute("SELECT pg_try_advisory_lock(%s, %s)", lock).fetchone()
            if row and row[0]:
                self.drop(found[0])
                self._admin.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
                self._tell(f"dropped {found[0]}, which a killed run had left behind")


# PostgreSQL cuts names after 63 bytes, and 26 are needed behind it.
_LONGEST_STEM: Final = 37
_DATLOCALE_SINCE: Final = 170_000
_SETTINGS: Final = """
    SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    FROM pg_db_role_setting LEFT JOIN pg_database ON pg_database.oid = setdatabase
    LEFT JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS setting
    WHERE coalesce(rolname, '') = %s AND coalesce(datname, %s) = %s ORDER BY setdatabase
"""
_LOCALES: Final = {
    "c": sql.SQL(""),
    "i": sql.SQL("LOCALE_PROVIDER icu ICU_LOCALE"),
    "b": sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE"),
}


def copy_stem(name: str) -> str:
    """What the names of a database's copies begin with; no two databases share one."""
    encoded = name.encode()
    if len(encoded) <= _LONGEST_STEM:
        return name
    return f"{encoded[: _LONGEST_STEM - 9].decode(errors='ignore')}_{zlib.crc32(encoded):08x}"


def database_create(admin: psycopg.Connection, *, name: str, template: str, like: str) -> None:
    """Make a database from a template, with the owner, the settings and, if that is empty, the locale of `like`.

    :raises psycopg.Error: the server refuses.
    """
    options = _locale(admin, like) if template == "template0" else sql.SQL("")
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template), options))
    _owner_copy(admin, name, like)
    settings_copy(admin, sql.SQL("DATABASE {}").format(sql.Identifier(name)), like=like)


def _locale(admin: psycopg.Connection, like: str) -> sql.Composable:
    """Texts sort in a copy as they do in the real database."""
    column = "datlocale" if admin.info.server_version >= _DATLOCALE_SINCE else "daticulocale"
    query = sql.SQL(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, {} "
        "FROM pg_database WHERE datname = %s"
    ).format(sql.Identifier(column))
    encoding, collate, ctype, provider, locale = admin.execute(query, (like,)).fetchall()[0]
    libc = sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {} {} {}")
    named = sql.SQL("") if locale is None else sql.Literal(locale)
    return libc.format(*map(sql.Literal, (encoding, collate, ctype)), _LOCALES[provider], named)


def _owner_copy(admin: psycopg.Connection, name: str, like: str) -> None:
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s AND pg_has_role(datdba, 'MEMBER')"
    for (owner,) in admin.execute(query, (like,)).fetchall():
        admin.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(owner)),
        )


def settings_copy(admin: psycopg.Connection, subject: sql.Composable, *, like: str, role: str = "") -> None:
    """Give `subject` of an ALTER what `ALTER DATABASE … SET` says of `like`, or ALTER ROLE of `role` there.

    :raises psycopg.Error: the server refuses.
    """
    for setting, value in admin.execute(_SETTINGS, (role, like if role else None, like)).fetchall():
        parts = sql.SQL(".").join(map(sql.Identifier, setting.split(".")))
        # Not SET … TO a literal, which would take a list for one name. What only a superuser may set stays away.
        with suppress(psycopg.errors.InsufficientPrivilege), admin.transaction():
            admin.execute("SELECT set_config(%s, %s, true)", (setting, value))
            admin.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(subject, parts))
