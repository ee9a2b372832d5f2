"""libpq's addresses as SQLAlchemy and asyncpg read them, those of several servers too."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL

_PORT = "5432"
# What asyncpg takes of the options that libpq knows in an address.
OPTIONS = frozenset({"sslmode", "target_session_attrs"})


def asyncpg_address(url: str) -> tuple[URL, dict[str, Any]]:
    """The address as SQLAlchemy's dialect reads it, and further arguments of asyncpg's `connect`.

    Of `a:5432,b:5432` the first is taken that is as `target_session_attrs` wants it: after a fail-over, the other.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    name, _, password = login.partition(":")
    options = dict(parse_qsl(parts.query))
    more = {"target_session_attrs": options.pop("target_session_attrs", None)}
    query: dict[str, str | tuple[str, ...]] = dict(options)
    # `sslmode` is called `ssl` there.
    if (mode := query.pop("sslmode", None)) is not None:
        query["ssl"] = mode
    several = hosts.split(",")
    if len(several) > 1:
        query["host"] = tuple(each if _has_port(each) else f"{each}:{_PORT}" for each in several)
    one = urlsplit(f"//{several[0]}")
    made = URL.create(
        "postgresql+asyncpg",
        username=unquote(name) or None,
        password=unquote(password) or None,
        host=one.hostname if len(several) == 1 else None,
        port=one.port if len(several) == 1 else None,
        database=unquote(parts.path.removeprefix("/")) or None,
        query=query,
    )
    return made, {key: value for key, value in more.items() if value is not None}


def libpq_address(url: str) -> str:
    """The address for asyncpg's own `connect`, without the name of a driver in its scheme."""
    scheme, found, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{found}{rest}"


def _has_port(host: str) -> bool:
    return urlsplit(f"//{host}").port is not None
