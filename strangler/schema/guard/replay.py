"""Replays the statements of a consumer on a database, as the service sends them, and rolls each back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from shared_schema.consumer.consumer import Consumer, SampleQuery
from strangler.databases.connections import reason_of

_JSON: Final = {"json", "jsonb"}
# Types whose values a driver gives alike.
_ALIKE: Final = {
    "text": "text", "character varying": "text", "character": "text", "citext": "text", "name": "text",
    "smallint": "integer", "bigint": "integer",
    "real": "double precision",
}  # fmt: skip
_TYPES: Final = "SELECT place, format_type(type, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS given (type, place)"


@dataclass(frozen=True)
class ReplayedQuery:
    """The result of one statement of a feature.

    Attributes:
        wrong: PostgreSQL's error for the statement itself, whatever its values; empty if there is none.
        refused: PostgreSQL's error for the statement with its values; empty if there is none.
        columns: name and type of each column of the answer.
    """

    feature: str
    name: str
    wrong: str = ""
    refused: str = ""
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def works(self) -> bool:
        """Whether it was executed."""
        return not (self.wrong or self.refused)


def replay_statements(connection: psycopg.Connection, consumer: Consumer) -> dict[tuple[str, str], ReplayedQuery]:
    """Run every statement with its values and roll it back; the results by feature and name.

    Deferred constraints aren't checked, since the clone lacks the rows that a statement refers to.

    :raises psycopg.Error: the connection is lost.
    """
    results = {}
    for name, feature in consumer.features.items():
        for statement in feature.statements:
            with connection.transaction(force_rollback=True):
                connection.execute("SET CONSTRAINTS ALL DEFERRED")
                results[name, statement.name] = _replay(connection, name, statement)
    return results


def find_failures(
    before: Mapping[tuple[str, str], ReplayedQuery], after: Mapping[tuple[str, str], ReplayedQuery]
) -> Iterator[ReplayedQuery]:
    """The statements that worked better before, with the error that PostgreSQL gives now."""
    for key, now in after.items():
        then = before[key]
        if not then.wrong and (now.wrong or (then.works and now.refused)):
            yield now
        elif not (then.wrong or now.wrong) and _kinds(then.columns) != _kinds(now.columns):
            changed = ", ".join(f"{name} is {kind}" for name, kind in now.columns if (name, kind) not in then.columns)
            yield ReplayedQuery(now.feature, now.name, wrong=f"its answer has other columns: {changed or 'fewer'}")


def _replay(connection: psycopg.Connection, feature: str, statement: SampleQuery) -> ReplayedQuery:
    try:
        described = _prepare(connection.pgconn, statement.sql)
    except psycopg.Error as error:
        return ReplayedQuery(feature, statement.name, wrong=reason_of(error))
    parameters = _types(connection, [described.param_type(place) for place in range(described.nparams)])
    types = _types(connection, [described.ftype(place) for place in range(described.nfields)])
    columns = tuple(
        ((described.fname(place) or b"").decode(), kind) for place, kind in zip(range(len(types)), types, strict=True)
    )
    refused = _execute(connection, statement, parameters)
    return ReplayedQuery(feature, statement.name, refused=refused, columns=columns)


def _prepare(pgconn: pq.abc.PGconn, text: str) -> pq.abc.PGresult:
    """Have PostgreSQL parse the statement, as a driver does, for the types of its parameters and columns."""
    result = pgconn.prepare(b"", text.encode())
    if result.status == pq.ExecStatus.COMMAND_OK:
        result = pgconn.describe_prepared(b"")
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise error_from_result(result)
    return result


def parameter_types(connection: psycopg.Connection, statement: SampleQuery) -> list[str]:
    """The types of a statement's parameters, as PostgreSQL spells them.

    :raises psycopg.Error: PostgreSQL refuses the statement.
    """
    described = _prepare(connection.pgconn, statement.sql)
    return _types(connection, [described.param_type(place) for place in range(described.nparams)])


def _execute(connection: psycopg.Connection, statement: SampleQuery, types: list[str]) -> str:
    """PostgreSQL's error for the statement with its values; empty if there is none."""
    if len(statement.values) != len(types):
        return f"it has {len(types)} parameters and {len(statement.values)} values"
    values = [parameter_text(value, kind) for value, kind in zip(statement.values, types, strict=True)]
    try:
        with connection.transaction():
            result = connection.pgconn.exec_params(statement.sql.encode(), values)
            if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
                raise error_from_result(result)
    except psycopg.Error as error:
        return reason_of(error)
    return ""


def _types(connection: psycopg.Connection, oids: list[int]) -> list[str]:
    return [name for _, name in sorted(connection.execute(_TYPES, (oids,)).fetchall())] if oids else []


def parameter_text(value: Any, kind: str) -> bytes | None:  # noqa: ANN401 - JSON is whatever is in the file
    """A value of the consumer's file in PostgreSQL's own spelling."""
    if value is None:
        return None
    if kind in _JSON:
        return json.dumps(value).encode()
    if isinstance(value, list | tuple):
        return f"{{{','.join(_element(item) for item in value)}}}".encode()
    return (json.dumps(value) if isinstance(value, bool | dict) else str(value)).encode()


def _element(value: Any) -> str:  # noqa: ANN401 - as above
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return f"{{{','.join(map(_element, value))}}}"
    return json.dumps(value if isinstance(value, str) else json.dumps(value), ensure_ascii=False)


def _kinds(columns: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, _ALIKE.get(kind, kind)) for name, kind in columns]
