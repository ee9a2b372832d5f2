"""libpq's addresses, for SQLAlchemy and for asyncpg."""

from strangler_fastapi.db.address import asyncpg_address, libpq_address


def test_one_server() -> None:
    made, more = asyncpg_address("postgresql://me:p%40ss@db.example:6543/blog?sslmode=require")
    assert (made.drivername, made.username, made.password) == ("postgresql+asyncpg", "me", "p@ss")
    assert (made.host, made.port, made.database) == ("db.example", 6543, "blog")
    assert (dict(made.query), more) == ({"ssl": "require"}, {})


def test_the_first_of_several_that_takes_writes() -> None:
    made, more = asyncpg_address("postgresql://me:x@one,two:7/blog?target_session_attrs=read-write")
    assert (made.host, made.port, made.query["host"]) == (None, None, ("one:5432", "two:7"))
    assert more == {"target_session_attrs": "read-write"}


def test_asyncpgs_own_connect_is_given_no_driver() -> None:
    assert libpq_address("postgresql+asyncpg://me@one:1,two:2/blog") == "postgresql://me@one:1,two:2/blog"
    assert libpq_address("postgresql://me@one/blog") == "postgresql://me@one/blog"
