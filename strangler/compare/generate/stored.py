"""Values and rows that the project's database holds, from which requests are made that match something."""

import datetime as dt
import decimal
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import psycopg
from psycopg import sql

from shared_schema.contract.contract import Contract, ManyToManyFacts
from strangler.databases.connections import connected, refusals
from strangler.sections import SignInSection

# Enough to see edges and ties, and quick on a table of millions.
_ROWS: Final = 5000
_SUPERUSER: Final = "is_superuser"
_FLAGS: Final = (_SUPERUSER, "is_staff", "is_admin")
_CODENAME: Final = "codename"
_ACTIVE: Final = "is_active"
_NAMES: Final = ("username", "email")
_PASSWORD: Final = "password"  # noqa: S105 - a column

Where = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class UserTable:
    """The table of those who sign in: its key in the contract, the column of the name that is typed, and of the id."""

    key: str
    name: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class StoredUser:
    """A row of the user table; without a usable password nobody can sign in as this user."""

    name: str
    identity: object
    is_staff: bool
    is_superuser: bool
    is_active: bool
    can_sign_in: bool


def user_table_of(contract: Contract, sign_in: SignInSection | None) -> UserTable | None:
    """The table with a password and the column that the sign-in takes the user's name by; None where there is none."""
    wanted = [key for key, text in sign_in.body.items() if "{user}" in text] if sign_in else []
    # A form may call the name otherwise than its column, such as `login`.
    wanted += _NAMES if wanted else ()
    for key, table in contract.tables.items():
        name = next((each for each in wanted if each in table.columns), None)
        if name and _PASSWORD in table.columns and len(table.primary_key) == 1:
            return UserTable(key=key, name=name, identity=table.primary_key[0])
    return None


class StoredValues:
    """Reads samples; the same rows and the same seed give the same values.

    Args:
        connection: that only reads.
        contract: names tables and columns.
        seed: of what is drawn.
    """

    def __init__(self, connection: psycopg.Connection[Any], contract: Contract, *, seed: int) -> None:
        self._connection = connection
        self._contract = contract
        self._seed = seed
        self._known: dict[tuple[str, str, str], list[object]] = {}

    def users(self, table: UserTable, *, limit: int = _ROWS) -> list[StoredUser]:
        """Users by their id, the oldest first."""
        columns = self._contract.tables[table.key].columns
        flags = [name for name in _FLAGS if name in columns]
        names = [table.identity, table.name, _PASSWORD, *flags, *([_ACTIVE] if _ACTIVE in columns else [])]
        found = []
        for row in self.rows(table.key, names, {}, limit=limit):
            values = dict(zip(names, row, strict=True))
            # What Django writes for none begins so (`make_password(None)`).
            usable = bool(values[_PASSWORD]) and not str(values[_PASSWORD]).startswith("!")
            found.append(
                StoredUser(
                    name=str(values[table.name]),
                    identity=values[table.identity],
                    is_staff=any(bool(values[name]) for name in flags),
                    is_superuser=bool(values.get(_SUPERUSER)),
                    is_active=bool(values.get(_ACTIVE, True)),
                    can_sign_in=usable,
                )
            )
        return found

    def permissions(self, table: UserTable, identity: object) -> set[str]:
        """What a user may do by Django's permissions, own ones and those of groups, such as `change_post`."""
        relations = self._contract.tables[table.key].many_to_many
        found: set[str] = set()
        if (own := relations.get("user_permissions")) is not None:
            found |= self._codenames(own, identity)
        if (groups := relations.get("groups")) is not None:
            of_group = self._contract.tables[groups.target].many_to_many["permissions"]
            for (group,) in self._joined(groups, identity):
                found |= self._codenames(of_group, group)
        return found

    def _codenames(self, relation: ManyToManyFacts, identity: object) -> set[str]:
        rows = (
            self.rows(relation.target, [_CODENAME], {"id": each}, limit=1)
            for (each,) in self._joined(relation, identity)
        )
        return {str(name) for row in rows for (name,) in row}

    def _joined(self, relation: ManyToManyFacts, identity: object) -> list[tuple[Any, ...]]:
        where = {relation.source_column: identity}
        return self.rows(relation.table, [relation.target_column], where, limit=_ROWS)

    def column(self, table: str, column: str, where: Where | None = None) -> list[object]:
        """The column's values by the primary key, with repeats, without nulls."""
        key = table, column, repr(sorted((where or {}).items()))
        if key not in self._known:
            rows = self.rows(table, [column], where or {}, limit=_ROWS)
            self._known[key] = [value for (value,) in rows if value is not None]
        return self._known[key]

    def samples(self, table: str, column: str, where: Where | None = None, *, drawn: int = 1) -> list[object]:
        """Different values: the least, the greatest; one with ties, with capitals, beyond ASCII; `drawn` others."""
        counts = Counter(map(_plain, self.column(table, column, where)))
        values = sorted(counts, key=_order)
        if not values:
            return []
        random = Random(f"{self._seed} {table}.{column}")  # noqa: S311 - repeatable on purpose
        texts = [value for value in values if isinstance(value, str)]
        tied = [value for value in values if counts[value] > 1]
        chosen = [
            values[0],
            values[-1],
            *random.sample(tied, min(1, len(tied))),
            *[text for text in texts if not text.isascii()][:1],
            *[text for text in texts if text != text.lower()][:1],
            *random.sample(values, min(drawn, len(values))),
        ]
        return list(dict.fromkeys(chosen))

    def keys(self, table: str, column: str, where: Where | None = None) -> list[object]:
        """The values of a column that names rows."""
        return [_plain(value) for value in self.column(table, column, where)]

    def rows(self, table: str, columns: Sequence[str], where: Where, *, limit: int) -> list[tuple[Any, ...]]:
        """These columns of the rows that have all values of `where`, by the primary key."""
        facts = self._contract.tables[table]
        name = sql.Identifier(*([facts.schema_name] if facts.schema_name else []), facts.name)
        order = facts.primary_key or tuple(columns)
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}").format(
            _listed(columns),
            name,
            sql.SQL(" AND ").join(
                [*(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in where), sql.SQL("true")]
            ),
            _listed(order),
            sql.Literal(limit),
        )
        return self._connection.execute(query, list(where.values())).fetchall()


@contextmanager
def stored_values(dsn: str, contract: Contract, *, seed: int) -> Iterator[StoredValues]:
    """Opens the database, for reading only.

    :raises FailedError: nobody answers, or the role may not read a table.
    """
    with refusals(hint="let the role of DATABASE_URL read the tables"), connected(dsn) as connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET TIME ZONE 'UTC'")
        yield StoredValues(connection, contract, seed=seed)


def user_password(dsn: str, contract: Contract, table: UserTable, name: str) -> tuple[Any, str] | None:
    """A user's id and stored password; None where there is no such user.

    :raises FailedError: the database doesn't answer.
    """
    with stored_values(dsn, contract, seed=0) as stored:
        rows = stored.rows(table.key, [table.identity, _PASSWORD], {table.name: name}, limit=1)
    return (rows[0][0], str(rows[0][1])) if rows else None


def word_of(texts: Iterable[object], *, random: Random) -> str:
    """A word of one of the texts, one that has letters in both cases where there is one."""
    words = sorted({word for text in texts for word in re.findall(r"\w{3,}", str(text))})
    mixed = [word for word in words if word != word.lower() and word != word.upper()]
    return random.choice(mixed or words) if words else ""


def _listed(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _plain(value: object) -> Any:  # noqa: ANN401 - a value of any column
    """The value as something that can be counted; of an array its values with commas, as filters take them."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, dict | set | bytes | memoryview):
        return str(value)
    return value


def _order(value: object) -> tuple[str, Any]:
    return (
        (type(value).__name__, value)
        if isinstance(value, str | int | float | decimal.Decimal | dt.date | dt.time | dt.timedelta)
        else (type(value).__name__, str(value))
    )
