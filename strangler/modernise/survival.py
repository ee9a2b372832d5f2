"""Whether the services that run survive a stage: it is run on a clone of the schema, and the guard compares."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from itertools import permutations

from shared_schema.catalog import SYNC_TRIGGER, Catalog, CatalogConstraint, CatalogIndex, CatalogTable
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer, Feature, Need
from shared_schema.contract.contract import Contract
from shared_schema.drift.consumer import consumer_mismatches
from strangler.databases.connections import Source, connected, live_connection
from strangler.errors import many
from strangler.handover.execution import execute
from strangler.handover.journal import ActionJournal
from strangler.handover.rehearsal import fresh_databases, schema_clone, schema_read
from strangler.handover.schema_text import schema_differences, schema_parts
from strangler.handover.steps import Step, quoted
from strangler.modernise.stages import Synced
from strangler.modernise.sync import names_replaced
from strangler.schema.compatibility import find_breaks
from strangler.schema.compatibility.breaks import Break
from strangler.schema.guard.replay import ReplayedQuery, find_failures, replay_statements
from strangler.schema.guard.scratch import Scratch

DJANGO = "Django"
# The default of a column that our trigger fills: an INSERT may leave it out.
_FILLED = "strangler"


@dataclass(frozen=True, kw_only=True)
class Services:
    """What runs on the database: FastAPI's consumer file, None without one, and Django's contract."""

    consumer: Consumer | None
    contract: Contract

    @property
    def is_nobody(self) -> bool:
        """Whether there is nobody to survive anything."""
        return self.consumer is None and not self.contract.tables

    @property
    def django(self) -> Consumer:
        """Django as a consumer: it reads and writes every column of its tables."""
        tables = {key: facts for key, facts in self.contract.tables.items() if facts.managed}
        columns = {key: tuple(facts.columns) for key, facts in tables.items()}
        written = {
            key: tuple(name for name, column in facts.columns.items() if not (column.identity or column.generated))
            for key, facts in tables.items()
        }
        feature = Feature(reads=columns, inserts=written, updates=written, deletes=tuple(tables))
        needs = {
            key: {name: Need(type="Any", nullable=column.null) for name, column in facts.columns.items()}
            for key, facts in tables.items()
        }
        return Consumer(features={DJANGO: feature}, needs=needs)


@dataclass(frozen=True)
class CloneState:
    """What a stage starts from, or leaves behind, on the clone."""

    catalog: Catalog
    replayed: Mapping[tuple[str, str], ReplayedQuery]


class StageClone:
    """A clone of the live schema, without rows, on which stages are run."""

    def __init__(self, scratch: Scratch, services: Services, synced: Synced) -> None:
        self._scratch = scratch
        self._services = services
        self._synced = synced

    def breaks(self, run: Callable[[], None]) -> list[str]:
        """Sentences on the services that `run` would break."""
        before = self._state()
        run()
        after = self._state()
        found = _breaks(before.catalog, after.catalog, self._services.django, self._synced)
        sentences = [*map(str, found), *self._views_of_django(before.catalog, after.catalog)]
        if (consumer := self._services.consumer) is not None:
            found = _breaks(before.catalog, after.catalog, consumer, self._synced)
            sentences += map(str, found)
            # What a change breaks is said once: readiness and replayed statements show what the catalogs don't.
            known = {mismatch.message for mismatch in consumer_mismatches(consumer, before.catalog)}
            tables, features = {one.table for one in found}, {name for one in found for name in one.features}
            unready = consumer_mismatches(consumer, after.catalog)
            sentences += [str(each) for each in unready if each.message not in known and each.table not in tables]
            sentences += _failures(before, after, without=features)
        return [*dict.fromkeys(sentences)]

    def run(self, steps: tuple[Step, ...], *, back: bool = False) -> None:
        """Run stages, or undo them.

        :raises FailedError: PostgreSQL refuses.
        """
        journal = ActionJournal(steps=steps)
        if back:
            journal = journal.at(len(journal.actions)).turned()
        with connected(self._scratch.dsn) as connection:
            execute(connection, journal, lambda _journal: None)

    def schema(self) -> str:
        """The clone's schema as text."""
        return schema_read(self._scratch.reading_dsn)

    def _state(self) -> CloneState:
        with live_connection(self._scratch.reading_dsn) as reading:
            catalog = read_catalog(reading)
        if self._services.consumer is None:
            return CloneState(catalog, {})
        with connected(self._scratch.reading_dsn) as connection:
            return CloneState(catalog, replay_statements(connection, self._services.consumer))

    def _views_of_django(self, before: Catalog, after: Catalog) -> Iterator[str]:
        """Sentences on models whose table becomes a view: FastAPI's statements are replayed, Django's aren't known."""
        for key in self._synced.views:
            facts, then, now = self._services.contract.tables.get(key), before.tables.get(key), after.tables.get(key)
            # No statement of Django's groups by the key of a table that it made up for a relation.
            if facts is None or facts.auto_created or then is None or now is None:
                continue
            if (then.kind, now.kind) == ("table", "view"):
                yield (
                    f"Table {key} is a view now, whose rows PostgreSQL doesn't group by their key; Django would break "
                    "where it counts: first release models of the new name, or end Django."
                )


@contextmanager
def stage_clone(
    source: Source, services: Services, synced: Synced, *, notify: Callable[[str], None]
) -> Iterator[StageClone]:
    """A clone of the live schema; dropped at the end.

    :raises FailedError: the server refuses.
    """
    with fresh_databases(source, notify=notify, purpose="modernise") as fresh:
        scratch = fresh("clone")
        schema_clone(source, scratch)
        yield StageClone(scratch, services, synced)


def differences(before: str, after: str) -> list[str]:
    """How two schemas differ, in sentences."""
    return schema_differences(schema_parts(before), schema_parts(after), sides=("before", "after undoing"))


def _breaks(before: Catalog, after: Catalog, consumer: Consumer, synced: Synced) -> list[Break]:
    """As the services meet the catalogs: our trigger changes nothing that they see, and fills either column."""
    key = synced.table
    # Without the database's name: that a column is another one of the same name is what the trigger makes up for.
    before, after = replace(before, database=None), replace(after, database=None)
    if synced.views and all(name in catalog.tables for catalog in (before, after) for name in synced.views):
        before, after = _aliased(before, synced.views), _aliased(after, synced.views)
    elif synced.columns and key in before.tables and key in after.tables:
        tables = before.tables[key], after.tables[key]
        in_both = all(map(_is_synced, tables))
        old, new = (_prepared(table, synced, in_both=in_both) for table in tables)
        before = replace(before, tables={**before.tables, key: old})
        after = replace(after, tables={**after.tables, key: new})
    # A name that was missing before is nothing that this change has broken.
    known = {(one.table, one.column, one.kind) for one in find_breaks(before, before, consumer)}
    found = find_breaks(before, after, consumer)
    return [one for one in found if (one.table, one.column, one.kind) not in known]


def _failures(before: CloneState, after: CloneState, *, without: Collection[str]) -> Iterator[str]:
    """A sentence for each feature that has statements which PostgreSQL refuses now, but for those `without`."""
    failed: dict[str, list[ReplayedQuery]] = {}
    for each in find_failures(before.replayed, after.replayed):
        if each.feature not in without:
            failed.setdefault(each.feature, []).append(each)
    for feature, found in failed.items():
        first = found[0]
        yield (
            f"{many(len(found), 'statement')} of FastAPI's {feature} would fail, such as {first.name} "
            f"({first.wrong or first.refused}): first release a version without."
        )


def _aliased(catalog: Catalog, views: tuple[str, ...]) -> Catalog:
    """Both names as the table itself, with all that hangs on it: what is written by the view is written to that."""
    old, new = (catalog.tables[key] for key in views)
    table = old if new.kind == "view" else new
    names = {catalog.tables[key].name: old.name for key in views}

    def canonical(definition: str) -> str:
        head, line, text = definition.partition("\n")
        return (
            names_replaced(head, lambda name: names.get(name, name)).replace(quoted(old.name), old.name) + line + text
        )

    def aliased(found: CatalogTable) -> CatalogTable:
        constraints = [
            replace(each, definition=canonical(each.definition), target=target)
            for each in found.constraints
            for target in (views if each.target in views else [each.target])
        ]
        triggers = {name: canonical(text) for name, text in found.triggers.items()}
        return replace(found, constraints=constraints, triggers=triggers)

    tables = {key: aliased(table if key in views else found) for key, found in catalog.tables.items()}
    return replace(catalog, tables=tables)


def _is_synced(table: CatalogTable) -> bool:
    return any(name.startswith(SYNC_TRIGGER) for name in table.triggers)


def _prepared(table: CatalogTable, synced: Synced, *, in_both: bool) -> CatalogTable:
    names = synced.columns
    # A constraint on either column holds for the other, so that it is none of its own when they change places.
    plain = [replace(each, definition=_unquoted(each.definition, names)) for each in table.constraints]
    pairs = [*permutations(names, 2)] if in_both else []
    mirrored = [_mirrored(constraint, *pair) for constraint in plain for pair in pairs]
    return replace(
        table,
        columns={
            name: replace(column, default=column.default or _FILLED) if name in names else column
            for name, column in table.columns.items()
        },
        constraints=(*plain, *filter(None, mirrored)),
        indexes=(*table.indexes, *(_index_mirrored(index, *pair) for index in table.indexes for pair in pairs)),
        triggers={name: text for name, text in table.triggers.items() if not name.startswith(SYNC_TRIGGER)},
    )


def _mirrored(constraint: CatalogConstraint, old: str, new: str) -> CatalogConstraint | None:
    definition = _renamed(constraint.definition, old, new)
    if constraint.kind == "primary key" or definition == constraint.definition:
        return None
    columns = tuple(new if name == old else name for name in constraint.columns)
    return replace(constraint, name=f"{constraint.name} of {new}", definition=definition, columns=columns)


def _index_mirrored(index: CatalogIndex, old: str, new: str) -> CatalogIndex:
    """The same index of the other column: a copy of it refuses no row that the first one doesn't."""
    columns = tuple(_renamed(text, old, new) for text in index.columns)
    definition = _renamed(index.definition, old, new)
    return replace(index, name=f"{index.name} of {new}", columns=columns, definition=definition)


def _renamed(definition: str, old: str, new: str) -> str:
    return _unquoted(names_replaced(definition, lambda name: new if name == old else name), (old, new))


def _unquoted(definition: str, names: Iterable[str]) -> str:
    """A definition without the quotes of these names, so that it is spelled as PostgreSQL does or as we do."""
    return reduce(lambda text, name: text.replace(quoted(name), name), names, definition)
