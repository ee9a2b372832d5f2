"""Makes a database that is like another one in all that no dump tells."""

import zlib
from typing import Final

import psycopg
from psycopg import sql

# PostgreSQL cuts names after 63 bytes, and 26 are needed behind it.
_LONGEST_STEM: Final = 37
_DATLOCALE_SINCE: Final = 170_000
_SETTINGS: Final = """
    SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting
    WHERE setrole = 0 AND datname = %s
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
    _settings_copy(admin, name, like)


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


def _settings_copy(admin: psycopg.Connection, name: str, like: str) -> None:
    """What `ALTER DATABASE … SET` says; a template doesn't pass it on."""
    for setting, value in admin.execute(_SETTINGS, (like,)).fetchall():
        parts = sql.SQL(".").join(map(sql.Identifier, setting.split(".")))
        # Not SET … TO a literal, which would take a list for one name.
        with admin.transaction():
            admin.execute("SELECT set_config(%s, %s, true)", (setting, value))
            admin.execute(sql.SQL("ALTER DATABASE {} SET {} FROM CURRENT").format(sql.Identifier(name), parts))
