"""A clone with rows on which statements are measured, with the indexes that are there and with others."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import psycopg
from psycopg.errors import error_from_result

from shared_schema.catalog import Catalog, CatalogTable, table_key
from shared_schema.consumer.consumer import SampleQuery
from strangler.handover.steps import quoted
from strangler.modernise.index_candidates import (
    Candidate,
    candidates,
    comparisons,
    indexes_used,
    nodes_of,
    scanned_relations,
)
from strangler.schema.guard.replay import parameter_text, parameter_types

# Of so many executions the fastest counts; the first one fills the cache.
_EXECUTIONS: Final = 4
_SECONDS: Final = 30
# An index is worth its writes where a statement reads half of the blocks, in two thirds of the time, and saves 1 ms.
_BLOCKS_RATIO: Final = 0.5
_TIME_RATIO: Final = 0.67
_LEAST_MILLISECONDS: Final = 1.0


@dataclass(frozen=True)
class StatementCost:
    """Milliseconds that a statement took, blocks that it read, cached or not, and the indexes in its plan."""

    milliseconds: float
    blocks: int
    indexes: frozenset[str] = frozenset()

    def is_better_than(self, other: "StatementCost") -> bool:
        """Whether the difference is worth an index."""
        longest = min(_TIME_RATIO * other.milliseconds, other.milliseconds - _LEAST_MILLISECONDS)
        return self.blocks <= _BLOCKS_RATIO * other.blocks and self.milliseconds <= longest


@dataclass(frozen=True, eq=False)
class PlannedStatement:
    """A statement of a feature, with the values that it is measured with, and the indexes that it might want."""

    feature: str
    query: SampleQuery
    values: tuple[bytes | None, ...]
    wanted: frozenset[Candidate]
    is_write: bool


@dataclass
class RowClone:
    """The clone, and what was learned of its rows."""

    connection: psycopg.Connection
    catalog: Catalog
    _common: dict[tuple[str, str, bool], str | None] = field(default_factory=dict)

    @cached_property
    def schema(self) -> str:
        """The schema whose tables are called by their names alone."""
        ((schema,),) = self.connection.execute("SELECT current_schema()").fetchall()
        return str(schema)

    def statement(self, feature: str, query: SampleQuery) -> PlannedStatement:
        """A statement with the values that its columns have most often, or in the middle of a range.

        :raises psycopg.Error: PostgreSQL refuses it.
        """
        types = parameter_types(self.connection, query)
        plan = self._generic_plan(query, len(types))
        keys = {alias: table_key(place, name, default=self.schema) for alias, place, name in scanned_relations(plan)}
        tables = {alias: self.catalog.tables[key] for alias, key in keys.items() if key in self.catalog.tables}
        plain = {alias: table for alias, table in tables.items() if table.kind == "table" and not table.part_of}
        values = [parameter_text(value, kind) for value, kind in zip(query.values, types, strict=True)]
        for each in comparisons(plan):
            if each.parameter is None or each.alias not in plain or each.parameter > len(types):
                continue
            common = self._value(plain[each.alias], each.column, equal=each.equal)
            if common is not None:
                kind = types[each.parameter - 1]
                values[each.parameter - 1] = parameter_text([common] if kind.endswith("[]") else common, kind)
        is_write = any(node["Node Type"] == "ModifyTable" for node in nodes_of(plan))
        return PlannedStatement(feature, query, tuple(values), frozenset(candidates(plan, plain)), is_write)

    def measure(self, statement: PlannedStatement) -> StatementCost:
        """Run a statement and roll it back.

        :raises psycopg.Error: PostgreSQL refuses it, or it takes too long.
        """
        measured = [self._run(statement) for _ in range(_EXECUTIONS)]
        if statement.is_write:
            # What was written and rolled back would make others look at each row of those blocks.
            self.connection.execute("VACUUM")
        return min(measured, key=lambda each: each.milliseconds)

    def would_use(self, statement: PlannedStatement, index: str) -> bool:
        """Whether PostgreSQL takes the index for a statement."""
        return index in indexes_used(self._explain("", statement)["Plan"])

    def _run(self, statement: PlannedStatement) -> StatementCost:
        found = self._explain("ANALYZE, BUFFERS, ", statement)
        blocks = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
        return StatementCost(found["Execution Time"], blocks, indexes_used(found["Plan"]))

    def _explain(self, options: str, statement: PlannedStatement) -> dict[str, Any]:
        query = f"EXPLAIN ({options}FORMAT JSON) {statement.query.sql}"
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(f"SET LOCAL statement_timeout = '{_SECONDS}s'".encode())
            self.connection.execute("SET CONSTRAINTS ALL DEFERRED")
            result = self.connection.pgconn.exec_params(query.encode(), statement.values)
            if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
                raise error_from_result(result)
        found: dict[str, Any] = json.loads(result.get_value(0, 0) or b"[{}]")[0]
        return found

    def build(self, candidate: Candidate, name: str) -> float:
        """Build an index; returns the seconds that it took."""
        began = time.monotonic()
        built = f"CREATE INDEX {quoted(name)} ON {candidate.relation} USING {candidate.definition}"
        self.connection.execute(built.encode())
        return time.monotonic() - began

    def drop(self, schema: str, name: str) -> None:
        """Drop an index."""
        self.connection.execute(f"DROP INDEX {quoted(schema, name)}".encode())

    def size(self, schema: str, name: str) -> int:
        """Bytes of an index."""
        query = "SELECT pg_relation_size(to_regclass(%s))"
        ((size,),) = self.connection.execute(query, (quoted(schema, name),)).fetchall()
        return int(size)

    def _generic_plan(self, query: SampleQuery, parameters: int) -> Mapping[str, Any]:
        """The plan for whatever values come."""
        nulls = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        with self.connection.transaction(force_rollback=True):
            self.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            self.connection.execute(f"PREPARE strangler_advice AS {query.sql}".encode())
            try:
                explain = f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE strangler_advice {nulls}"
                (((found,),),) = self.connection.execute(explain.encode()).fetchall()
            finally:
                self.connection.execute("DEALLOCATE strangler_advice")
        plan: Mapping[str, Any] = found["Plan"]
        return plan

    def _value(self, table: CatalogTable, column: str, *, equal: bool) -> str | None:
        """The most common value of a column, or the one in the middle."""
        relation = quoted(table.schema, table.name)
        if (known := (relation, column, equal)) not in self._common:
            query = (
                f"SELECT {column}::text FROM {relation} WHERE {column} IS NOT NULL "  # noqa: S608 - quoted names
                f"GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT 1"
                if equal
                else f"SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY {column}))::text FROM {relation}"  # noqa: S608 - as above
            )
            row = self.connection.execute(query.encode()).fetchone()
            self._common[known] = row[0] if row else None
        return self._common[known]
