"""The effects of a service's statements on each table, with those that PostgreSQL adds.

A DELETE continues through foreign keys that cascade, a write through triggers to the tables that their functions name,
and a view reads and writes the tables below it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

from shared_schema.catalog import Catalog, CatalogConstraint
from shared_schema.consumer.consumer import Consumer, Feature
from strangler.schema.compatibility.sql_text import (
    OnConflict,
    conflicts_of,
    inserts_of,
    names_in,
    takes_all_columns,
    words,
)

_ACTION: Final = re.compile(r"ON (UPDATE|DELETE) (CASCADE|SET NULL|SET DEFAULT|RESTRICT)")
_EVENTS: Final = re.compile(r"CREATE (?:CONSTRAINT )?TRIGGER .*? (?:BEFORE|AFTER|INSTEAD OF) (.*?) ON ", re.DOTALL)

# Words of a statement that make it depend on exact types, on the range of integers, or on the primary key.
WORDS: Final = frozenset({"recursive", "sum", "group"})

Features = set[str]


class Verb(Enum):
    """The kind of an effect on a table; its part is a column unless noted."""

    READ = auto()
    UPDATE = auto()
    NULL = auto()  # is certainly given NULL
    DEFAULT = auto()  # is set to its default
    INSERT = auto()  # the part: the columns that are given a value
    DELETE = auto()  # the part: none
    CONFLICT = auto()  # the part: the OnConflict
    ALL = auto()  # a statement selects all columns
    WORD = auto()  # the part: one of WORDS, in a statement that touches the table


class Effect(NamedTuple):
    """One thing that a feature does to a table."""

    table: str
    verb: Verb
    part: str | frozenset[str] | OnConflict | None
    feature: str


@dataclass
class Effects:
    """The effects on one table: the features by verb and part."""

    by: dict[Verb, dict[object, Features]] = field(default_factory=lambda: {verb: {} for verb in Verb})

    def of(self, verb: Verb, *parts: object) -> Features:
        """The features with that effect, on any of `parts` if some are given."""
        features = self.by[verb]
        return set().union(*(features.get(part, set()) for part in parts or features))

    @property
    def columns(self) -> set[str]:
        """Every column that is read or given a value."""
        names = {part for verb in (Verb.READ, Verb.UPDATE) for part in self.by[verb] if isinstance(part, str)}
        return names.union(*self.inserts)

    @property
    def inserts(self) -> dict[frozenset[str], Features]:
        """The features by the columns that they insert values into."""
        return {columns: names for columns, names in self.by[Verb.INSERT].items() if isinstance(columns, frozenset)}

    @property
    def conflicts(self) -> dict[OnConflict, Features]:
        """The features by the target of their ON CONFLICT."""
        return {part: names for part, names in self.by[Verb.CONFLICT].items() if isinstance(part, OnConflict)}

    @property
    def written(self) -> Features:
        """The features that insert, update or delete."""
        return self.of(Verb.INSERT) | self.of(Verb.UPDATE) | self.of(Verb.DELETE)

    @property
    def all(self) -> Features:
        """The features that read or write the table."""
        return self.written | self.of(Verb.READ)

    def gives(self, column: str) -> Features:
        """The features that insert a value into the column."""
        return set().union(*(features for columns, features in self.inserts.items() if column in columns))

    def leaves(self, column: str) -> Features:
        """The features that leave the column to its default."""
        left = (features for columns, features in self.inserts.items() if column not in columns)
        return self.of(Verb.DEFAULT, column).union(*left)

    def writes(self, column: str) -> Features:
        """The features that give the column a value."""
        return self.gives(column) | self.of(Verb.UPDATE, column)

    def uses(self, column: str) -> Features:
        """The features that read the column or give it a value."""
        return self.writes(column) | self.of(Verb.READ, column)


def effects_of(consumer: Consumer, before: Catalog, after: Catalog) -> dict[str, Effects]:
    """The effects on each table, by its key, on the schema that the service runs on.

    A foreign key that is dropped with its table or columns has no effect.
    """
    effects: set[Effect] = set()
    new = {effect for name, feature in consumer.features.items() for effect in _direct(name, feature, before)}
    while new:
        effects |= new
        new = {caused for effect in new for caused in _caused(effect, before, after)} - effects
    tables: dict[str, Effects] = {}
    for effect in effects:
        parts = tables.setdefault(effect.table, Effects()).by[effect.verb]
        parts.setdefault(effect.part, set()).add(effect.feature)
    return tables


def action_on(constraint: CatalogConstraint, event: str) -> str | None:
    """The action of a foreign key on `event`, DELETE or UPDATE; None if it only refuses."""
    action: str | None = dict(_ACTION.findall(constraint.definition)).get(event)
    return None if action == "RESTRICT" else action


def foreign_keys(catalog: Catalog, *, target: str | None = None) -> Iterator[tuple[str, CatalogConstraint]]:
    """Every foreign key, or those that point at `target`, with the table that has it."""
    for key, table in catalog.tables.items():
        for constraint in table.constraints:
            if constraint.kind == "foreign key" and target in (None, constraint.target):
                yield key, constraint


def fires(definition: str, verb: Verb) -> bool:
    """Whether a trigger is fired by INSERT, UPDATE or DELETE; a rule may be by any."""
    match = _EVENTS.match(definition)
    return match is None or verb.name in match.group(1)


def _direct(name: str, feature: Feature, catalog: Catalog) -> Iterator[Effect]:
    for table in {*feature.reads, *feature.inserts, *feature.updates, *feature.deletes}:
        yield from (Effect(table, Verb.READ, column, name) for column in feature.reads.get(table, ()))
        yield from (Effect(table, Verb.UPDATE, column, name) for column in feature.updates.get(table, ()))
        if table in feature.deletes:
            yield Effect(table, Verb.DELETE, None, name)
        yield from _inserts(name, feature, table, catalog)
        yield from _wordings(name, feature, table)


def _wordings(name: str, feature: Feature, table: str) -> Iterator[Effect]:
    for statement in feature.statements:
        tokens = words(statement.sql)
        if table.rpartition(".")[2] in names_in(statement.sql):
            yield from (Effect(table, Verb.WORD, word, name) for word in WORDS.intersection(tokens))
            if takes_all_columns(tokens):
                yield Effect(table, Verb.ALL, None, name)


def _inserts(name: str, feature: Feature, table: str, catalog: Catalog) -> Iterator[Effect]:
    every = frozenset(catalog.tables[table].columns) if table in catalog.tables else frozenset()
    stated = False
    for statement in feature.statements:
        for insert in inserts_of(statement, schema=catalog.schema):
            if insert.table == table:
                stated = True
                yield Effect(table, Verb.INSERT, every if insert.columns is None else insert.columns, name)
                yield from (Effect(table, Verb.NULL, column, name) for column in insert.nulls)
                yield from (Effect(table, Verb.CONFLICT, conflict, name) for conflict in conflicts_of(statement))
    if table in feature.inserts and not stated:
        yield Effect(table, Verb.INSERT, frozenset(feature.inserts[table]), name)


def _caused(effect: Effect, catalog: Catalog, after: Catalog) -> Iterator[Effect]:
    table = catalog.tables.get(effect.table)
    if table is None:
        return
    if effect.verb in (Verb.DELETE, Verb.UPDATE):
        yield from _through_keys(effect, catalog, after)
    if effect.verb in (Verb.INSERT, Verb.UPDATE, Verb.DELETE):
        for definition in table.triggers.values():
            if fires(definition, effect.verb):
                yield from _through_text(definition.partition("\n")[2], effect.feature, catalog)
    if table.definition and effect.verb in (Verb.READ, Verb.INSERT, Verb.UPDATE, Verb.DELETE):
        yield from _through_text(f"{table.definition} {effect.verb.name}", effect.feature, catalog)


def _through_keys(effect: Effect, catalog: Catalog, after: Catalog) -> Iterator[Effect]:
    for key, constraint in foreign_keys(catalog, target=effect.table):
        if effect.verb is Verb.UPDATE and effect.part not in constraint.target_columns:
            continue
        if key not in after.tables or not set(constraint.columns) <= set(after.tables[key].columns):
            continue
        action = action_on(constraint, effect.verb.name)
        if action == "CASCADE" and effect.verb is Verb.DELETE:
            yield Effect(key, Verb.DELETE, None, effect.feature)
        elif action:
            also = {"SET NULL": [Verb.NULL], "SET DEFAULT": [Verb.DEFAULT]}.get(action, [])
            for verb in (Verb.UPDATE, *also):
                yield from (Effect(key, verb, column, effect.feature) for column in constraint.columns)


def _through_text(text: str, feature: str, catalog: Catalog) -> Iterator[Effect]:
    """The possible effects of a trigger's function or a view: on every table and column that its text names."""
    names = names_in(text)
    for key, table in catalog.tables.items():
        if table.name not in names:
            continue
        columns = names.intersection(table.columns)
        yield from (Effect(key, Verb.READ, column, feature) for column in columns)
        if "update" in names:
            yield from (Effect(key, Verb.UPDATE, column, feature) for column in columns)
        if "insert" in names:
            yield Effect(key, Verb.INSERT, columns, feature)
        if "delete" in names:
            yield Effect(key, Verb.DELETE, None, feature)
