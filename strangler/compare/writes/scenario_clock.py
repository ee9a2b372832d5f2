"""The time at which a scenario is played: that of both sides' servers, of their databases and of the tokens made here.

A server is a process of Python, whose time is set as it starts (`clock_hook`). PostgreSQL has no such setting: its
functions of the time are hidden by others of their names.
"""

import datetime as dt
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from strangler.errors import FailedError

_HOOK: Final = Path(__file__).with_name("clock_hook")
_FUNCTIONS: Final = {
    "now": "STABLE",
    "transaction_timestamp": "STABLE",
    "statement_timestamp": "STABLE",
    "clock_timestamp": "VOLATILE",
}
# Words of SQL, which no function hides: they are replaced where a column's default has them.
_WORDS: Final = {
    "CURRENT_TIMESTAMP": "now()",
    "LOCALTIMESTAMP": "(now())::timestamp",
    "CURRENT_DATE": "(now())::date",
}
_WORD: Final = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_OF_TIME: Final = re.compile(rf"{_WORD.pattern}|\b({'|'.join(_FUNCTIONS)})[(]")
_DEFAULTS: Final = """
    SELECT attrelid::regclass::text, attname, pg_get_expr(adbin, adrelid)
    FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum JOIN pg_class ON pg_class.oid = adrelid
    WHERE attgenerated = '' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
"""


@dataclass(frozen=True)
class ScenarioClock:
    """How far the time of a scenario lies behind the real one, in seconds: what began as one time goes on like it."""

    offset: float = 0.0

    @classmethod
    def at(cls, moment: dt.datetime | None) -> "ScenarioClock":
        """One that shows this moment now; None for the real time."""
        return cls() if moment is None else cls(moment.timestamp() - time.time())

    @property
    def is_real(self) -> bool:
        """Whether it is the real time."""
        return self.offset == 0.0

    def time(self) -> float:
        """Seconds since 1970, as the servers see it."""
        return time.time() + self.offset

    def environment(self, env: Mapping[str, str], *, seen: Path) -> dict[str, str]:
        """A server's environment with this clock; its processes make the file `seen`."""
        path = os.pathsep.join(filter(None, (str(_HOOK), env.get("PYTHONPATH", ""))))
        ours = {"STRANGLER_CLOCK": repr(self.offset), "STRANGLER_CLOCK_SEEN": str(seen), "PYTHONPATH": path}
        return {**env, **ours}

    def database_set(self, admin: psycopg.Connection, name: str, inside: psycopg.Connection) -> None:
        """Have the functions of the time in the database `name` show it; `inside` is connected there.

        :raises psycopg.Error: the server refuses.
        """
        # Later they would be told with the schema of what they call now.
        defaults = inside.execute(_DEFAULTS).fetchall()
        self.path_set(admin, name, inside)
        for function, kind in _FUNCTIONS.items():
            statement = "CREATE FUNCTION {} () RETURNS timestamptz LANGUAGE sql {} AS {}"
            body = f"SELECT pg_catalog.{function}() + interval '{self.offset!r} seconds'"
            names = sql.Identifier(function), sql.SQL(kind), sql.Literal(body)
            inside.execute(sql.SQL(statement).format(*names))
        for table, column, default in defaults:
            if _OF_TIME.search(default):
                anew = _WORD.sub(lambda found: _WORDS[found[1]], default)
                statement = f"ALTER TABLE {table} ALTER COLUMN {{}} SET DEFAULT {anew}"
                inside.execute(sql.SQL(statement).format(sql.Identifier(column)))

    def database_require(self, session: psycopg.Connection) -> None:
        """Check that a service's session sees the clock.

        :raises FailedError: its role finds other functions first.
        """
        ((seconds,),) = session.execute("SELECT extract(epoch FROM now() - pg_catalog.now())").fetchall()
        if abs(float(seconds) - self.offset) > 1:
            hint = "take search_path out of the settings of that role (ALTER ROLE … RESET search_path)"
            raise FailedError(f"PostgreSQL doesn't show the clock of a case file to {_role_of(session)}", hint)

    def path_set(self, admin: psycopg.Connection, name: str, inside: psycopg.Connection) -> None:
        """Have what is called in the database `name` without a schema be looked for in PostgreSQL's own at last."""
        ((path,),) = inside.execute("SELECT current_setting('search_path')").fetchall()
        schemas = [each.strip() for each in path.split(",") if each.strip() not in {"", "pg_catalog"}]
        path = ", ".join([*schemas, "pg_catalog"])
        admin.execute(sql.SQL(f"ALTER DATABASE {{}} SET search_path TO {path}").format(sql.Identifier(name)))
        inside.execute(f"SET search_path TO {path}".encode())


def _role_of(connection: psycopg.Connection) -> str:
    ((role,),) = connection.execute("SELECT current_user").fetchall()
    return str(role)


def clock_require(seen: Path, service: str) -> None:
    """Check that a server's processes have the clock.

    :raises FailedError: it is none of Python, or one that reads no `PYTHONPATH`.
    """
    if not seen.exists():
        hint = "start it by a Python that reads PYTHONPATH (without -I and -E), or take the clock out of the case file"
        raise FailedError(f"{service} doesn't run at the clock of its case file", hint)
