"""The indexes that FastAPI's statements want: each is built on a clone, and measured there."""

import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Literal

import psycopg
import tomlkit

from shared_schema.catalog import Catalog, CatalogIndex, table_key
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer, SampleQuery
from strangler.databases.connections import Source, connected, live_connection, reason_of, refusals
from strangler.errors import FailedError, UsageError, many
from strangler.handover.rehearsal import fresh_databases, schema_clone
from strangler.handover.steps import quoted
from strangler.modernise.index_candidates import Candidate
from strangler.modernise.index_clone import PlannedStatement, RowClone, StatementCost
from strangler.rollout.atomic_write import write_durably
from strangler.schema.compatibility.sql_text import identifier

_LONGEST_NAME: Final = 63
# A statement that reads less is quick without an index.
_FEWEST_BLOCKS: Final = 16
# What is behind it, up to three characters, makes the name of an operation.
_LONGEST_STEM: Final = 20
_ALIKE: Final = 0.9
_TRIED: Final = "strangler_tried"


@dataclass(frozen=True)
class Gain:
    """A statement of a feature, measured without the index and with it."""

    feature: str
    statement: str
    before: StatementCost
    after: StatementCost

    @property
    def saved(self) -> float:
        """The milliseconds that it saves."""
        return self.before.milliseconds - self.after.milliseconds


@dataclass(frozen=True, kw_only=True)
class IndexAdvice:
    """An index that statements want. `replaces` is one that it makes needless; `size` is in bytes."""

    table: str
    name: str
    definition: str
    replaces: str
    size: int
    seconds: float
    gains: tuple[Gain, ...]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """All indexes that are worth it, how many statements were measured, and those that could not be.

    `slower` are statements that all indexes together make slower.
    """

    indexes: tuple[IndexAdvice, ...]
    slower: tuple[Gain, ...]
    measured: int
    left_out: tuple[str, ...] = ()


def index_advice(source: Source, consumer: Consumer, *, notify: Callable[[str], None]) -> Advice:
    """Measure FastAPI's statements on a clone of the tables that it uses, without and with the indexes they might want.

    :raises UsageError: the consumer file has no statements.
    :raises FailedError: the server refuses, or there is no pg_dump for it.
    """
    queries = {query.sql: (feature, query) for feature, each in consumer.features.items() for query in each.statements}
    if not queries:
        raise UsageError("the consumer file has no statements", "write it anew with the command that makes it")
    with fresh_databases(source, notify=notify, purpose="indexes") as fresh:
        scratch = fresh("clone")
        with live_connection(source.admin_dsn) as reading:
            catalog = read_catalog(reading)
        notify("copying the tables that FastAPI uses, with their rows")
        schema_clone(source, scratch, part=[*_left_out(catalog, consumer)])
        with connected(scratch.reading_dsn) as connection, refusals():
            connection.execute("VACUUM ANALYZE")
            return _advised(RowClone(connection, catalog), queries.values(), notify)


def _left_out(catalog: Catalog, consumer: Consumer) -> Iterator[str]:
    """The options of pg_dump that leave out rows of tables which neither statements nor keys of theirs lead to."""
    kinds: tuple[Literal["reads", "inserts", "updates"], ...] = ("reads", "inserts", "updates")
    wanted = {key for kind in kinds for key in consumer.columns(kind)}
    waiting = [*wanted]
    while waiting:
        table = catalog.tables.get(waiting.pop())
        targets = {each.target for each in table.constraints if each.target} if table else set()
        waiting += targets - wanted
        wanted |= targets
    for key, table in catalog.tables.items():
        if key not in wanted and table.kind in ("table", "partitioned table"):
            yield f"--exclude-table-data={quoted(table.schema, table.name)}"


def _advised(clone: RowClone, queries: Collection[tuple[str, SampleQuery]], notify: Callable[[str], None]) -> Advice:
    left_out: list[str] = []
    before: dict[PlannedStatement, StatementCost] = {}
    notify(f"measuring {many(len(queries), 'statement')}")
    for feature, query in queries:
        try:
            statement = clone.statement(feature, query)
            before[statement] = clone.measure(statement)
        except psycopg.Error as error:
            left_out.append(f"{feature}: {query.name} ({reason_of(error)})")
    chosen = _chosen(before, _tried(clone, before, notify))
    indexes, slower = _proven(clone, chosen, before)
    return Advice(indexes=indexes, slower=slower, measured=len(before), left_out=tuple(left_out))


def _tried(
    clone: RowClone, before: Mapping[PlannedStatement, StatementCost], notify: Callable[[str], None]
) -> dict[Candidate, dict[PlannedStatement, StatementCost]]:
    """What each index brings to the statements that might want it."""
    slow = [statement for statement, measured in before.items() if measured.blocks >= _FEWEST_BLOCKS]
    wanted = sorted(
        {candidate for statement in slow for candidate in statement.wanted if not _is_there(clone, candidate)}
    )
    found: dict[Candidate, dict[PlannedStatement, StatementCost]] = {}
    notify(f"building {len(wanted)} that might be wanted, one after the other")
    for candidate in wanted:
        clone.build(candidate, _TRIED)
        try:
            found[candidate] = {
                statement: clone.measure(statement)
                for statement in slow
                if candidate in statement.wanted and clone.would_use(statement, _TRIED)
            }
        finally:
            clone.drop(candidate.schema, _TRIED)
    return found


def _chosen(
    before: Mapping[PlannedStatement, StatementCost],
    trials: Mapping[Candidate, Mapping[PlannedStatement, StatementCost]],
) -> dict[Candidate, list[PlannedStatement]]:
    """The index that saves most, then the one that saves most of what is left, each with its statements."""
    now, taken = dict(before), dict[PlannedStatement, Candidate]()

    def better(candidate: Candidate) -> list[PlannedStatement]:
        return [each for each, measured in trials[candidate].items() if measured.is_better_than(now[each])]

    def saved(candidate: Candidate) -> float:
        return sum(now[each].milliseconds - trials[candidate][each].milliseconds for each in better(candidate))

    while most := max(map(saved, trials), default=0):
        # Of those that save about as much, the one that costs writes least.
        alike = [candidate for candidate in trials if saved(candidate) >= _ALIKE * most]
        best = min(alike, key=lambda each: (len(each.columns), -saved(each)))
        for statement in better(best):
            now[statement], taken[statement] = trials[best][statement], best
    return {
        candidate: [each for each, by in taken.items() if by == candidate]
        for candidate in dict.fromkeys(taken.values())
    }


def _proven(
    clone: RowClone,
    chosen: Mapping[Candidate, Sequence[PlannedStatement]],
    before: Mapping[PlannedStatement, StatementCost],
) -> tuple[tuple[IndexAdvice, ...], tuple[Gain, ...]]:
    """All chosen indexes together, without those that they replace, and the statements that are slower then."""
    if not chosen:
        return (), ()
    seconds = {candidate: clone.build(candidate, _name_of(candidate)) for candidate in chosen}
    replaced: dict[Candidate, str] = {}
    for candidate in chosen:
        replaced[candidate] = _replaced(clone, candidate, without=replaced.values())
        if replaced[candidate]:
            clone.drop(candidate.schema, replaced[candidate])
    gains = {each: Gain(each.feature, each.query.name, was, clone.measure(each)) for each, was in before.items()}

    def advised(candidate: Candidate) -> IndexAdvice:
        name, own = _name_of(candidate), [gains[each] for each in chosen[candidate]]
        return IndexAdvice(
            table=table_key(candidate.schema, candidate.table, default=clone.schema),
            name=name,
            definition=candidate.definition,
            replaces=replaced[candidate],
            size=clone.size(candidate.schema, name),
            seconds=seconds[candidate],
            gains=tuple(sorted(own, key=lambda gain: gain.saved, reverse=True)),
        )

    indexes = sorted(map(advised, chosen), key=lambda each: each.gains[0].saved, reverse=True)
    return tuple(indexes), tuple(gain for gain in gains.values() if gain.before.is_better_than(gain.after))


def _is_there(clone: RowClone, candidate: Candidate) -> bool:
    """Whether an index begins with these columns."""
    indexes = (index for index in _indexes(clone, candidate) if index.valid and not index.partial)
    return any(candidate.is_served_by(_columns_of(index)) for index in indexes)


def _replaced(clone: RowClone, candidate: Candidate, *, without: Collection[str]) -> str:
    """The longest index that has nothing but the first columns of another one; empty if there is none."""
    found = {
        len(columns): index.name
        for index in _indexes(clone, candidate)
        if index.valid and not (index.unique or index.constrains or index.partial) and index.name not in without
        if (columns := _columns_of(index)) and candidate.columns[: len(columns)] == columns
    }
    return found[max(found)] if found else ""


def _indexes(clone: RowClone, candidate: Candidate) -> Sequence[CatalogIndex]:
    place = (candidate.schema, candidate.table)
    return next(table.indexes for table in clone.catalog.tables.values() if (table.schema, table.name) == place)


def _columns_of(index: CatalogIndex) -> tuple[str, ...]:
    """The columns of a plain B-tree as they are spelled; nothing of an index that has expressions."""
    _head, _using, rest = index.definition.partition(" USING btree (")
    columns = rest.partition(")")[0]
    return () if "(" in columns else tuple(columns.split(", "))


def _name_of(candidate: Candidate) -> str:
    words = [candidate.table, *(identifier(column.split(" ")[0]) for column in candidate.columns), "idx"]
    name = re.sub(r"\W", "_", "_".join(words))
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    return f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}_{zlib.crc32(name.encode()):08x}"


def advice_write(folder: Path, advice: IndexAdvice) -> str:
    """Write the operation that makes the index; returns its name. A file that is there is left as it is.

    :raises FailedError: the folder isn't writable.
    """
    stem = re.sub(r"[^a-z0-9_]", "_", f"index_{advice.table}".lower())[:_LONGEST_STEM]
    names = (stem if number == 1 else f"{stem}_{number}" for number in count(1))
    name = next(name for name in names if not (folder / f"{name}.toml").exists())
    document = tomlkit.document()
    table = {"table": advice.table, "name": advice.name, "definition": advice.definition, "replaces": advice.replaces}
    document["replace_index"] = {key: value for key, value in table.items() if value}
    try:
        folder.mkdir(exist_ok=True)
        write_durably(folder / f"{name}.toml", tomlkit.dumps(document).encode())
    except OSError as error:
        raise FailedError(f"{folder} isn't writable ({error.strerror})", "give it to the user who runs this") from error
    return name
