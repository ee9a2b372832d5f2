"""Plans the steps of a handover: from Django's facts and the live catalog, without a database."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogConstraint, CatalogTable
from shared_schema.contract.callables import NOW
from shared_schema.contract.checks import ColumnRule, rule_kind, table_rules
from shared_schema.contract.contract import ColumnFacts, Contract, TableFacts
from shared_schema.contract.values import as_column, python_type
from strangler.errors import many
from strangler.handover.rules import on_delete_set, rule_sql, set_text
from strangler.handover.steps import Action, Step, StepPlan, alter, literal, named, quoted, spelled_alike

_RULES: Final = {"CASCADE": "CASCADE", "SET_NULL": "SET NULL", "SET_DEFAULT": "SET DEFAULT"}
# Nothing happens to the rows that point: PostgreSQL refuses, as Django does.
_REFUSING: Final = frozenset({"PROTECT", "RESTRICT", "DO_NOTHING"})
_MOMENT: Final = "timestamp with time zone"
_CALLABLES: Final = {
    (NOW, _MOMENT): "now()",
    ("uuid.uuid4", "uuid"): "gen_random_uuid()",
    ("builtins.dict", "jsonb"): "'{}'",
    ("builtins.list", "jsonb"): "'[]'",
}
# In the order of their steps: a SET DEFAULT wants its default.
KINDS: Final = ("identity", "defaults", "on delete", "checks")
_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, kw_only=True)
class SerialSequence:
    """The sequence of a column of an older Django; `grants` are statements that give back what roles may do with it."""

    schema: str
    name: str
    options: str
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Violation:
    """The rows that break a rule: how many, and the keys of some."""

    count: int
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LiveFacts:
    """What the steps depend on besides the catalog.

    `serials` are by table and column; `violations` by the name of the constraint that present rows would break;
    `skipped` are names of constraints that the live database didn't get, for a plan of another database.
    """

    serials: Mapping[tuple[str, str], SerialSequence] = field(default_factory=dict)
    violations: Mapping[str, Violation] = field(default_factory=dict)
    skipped: Collection[str] = ()


def plan_steps(
    contract: Contract, catalog: Catalog, live: LiveFacts | None = None, *, without: Collection[str] = ()
) -> StepPlan:
    """The steps that lead to a database that keeps what Django does; `without` names kinds of steps to leave out.

    What is there already is no step, so that a plan made after the steps is empty.
    """
    live = live or LiveFacts()
    kinds = [kind for kind in KINDS if kind not in without]
    steps: list[Step] = []
    unkept: list[str] = []
    for key, facts in sorted(contract.tables.items()):
        table = catalog.tables.get(key)
        if table is None or not facts.managed:
            continue
        if table.kind != "table":
            unkept.append(f"{key} is a {table.kind}: it stays as it is")
            continue
        planned = _TablePlan(key, facts, table, live, kinds)
        steps += planned.steps()
        unkept += planned.unkept
    ordered = sorted(steps, key=lambda step: KINDS.index(step.kind))
    return StepPlan(steps=tuple(ordered), unkept=tuple(dict.fromkeys(unkept)))


class _TablePlan:
    """The steps of one table."""

    def __init__(
        self, key: str, facts: TableFacts, table: CatalogTable, live: LiveFacts, kinds: Collection[str]
    ) -> None:
        self._key = key
        self._facts = facts
        self._table = table
        self._live = live
        self._kinds = kinds
        self._sql = quoted(table.schema, table.name)
        self.unkept: list[str] = []

    def steps(self) -> list[Step]:
        made = {
            "identity": self._identities,
            "defaults": self._defaults,
            "on delete": self._references,
            "checks": self._checks,
        }
        steps = [step for kind in self._kinds for step in made[kind]()]
        self.unkept += self._sentences()
        return steps

    def _columns(self) -> Iterator[tuple[str, ColumnFacts, CatalogColumn]]:
        for name, facts in self._facts.columns.items():
            if (column := self._table.columns.get(name)) is not None:
                yield name, facts, column

    def _action(self, *statements: str, undo: tuple[str, ...] = (), target: str | None = None) -> Action:
        return Action(table=self._key, target=target, statements=statements, undo=undo)

    def _identities(self) -> Iterator[Step]:
        for name, facts, column in self._columns():
            if not facts.identity or not (column.default or "").startswith("nextval("):
                continue
            serial = self._live.serials.get((self._key, name))
            if serial is None or column.type not in _INTEGERS:
                self.unkept.append(f"{self._key}.{name} takes its numbers from a sequence that isn't its own: it stays")
                continue
            yield Step(
                kind="identity",
                title=f"{self._key}.{name} becomes an identity column, its sequence goes on",
                actions=(self._identity(name, column, serial),),
            )

    def _identity(self, name: str, column: CatalogColumn, serial: SerialSequence) -> Action:
        """One transaction, so that no number is drawn from either sequence while the other takes its place."""
        own, aside = quoted(serial.schema, serial.name), quoted(serial.schema, f"{serial.name[:50]}_handover")
        kept = f"SELECT setval({literal(own)}, last_value, is_called) FROM {aside}"  # noqa: S608 - quoted above
        changed, put_aside = quoted(name), f"ALTER SEQUENCE {own} RENAME TO {quoted(f'{serial.name[:50]}_handover')}"
        return self._action(
            put_aside,
            alter(self._sql, f"ALTER COLUMN {changed} DROP DEFAULT"),
            alter(self._sql, f"ALTER COLUMN {changed} ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {own})"),
            kept,
            f"DROP SEQUENCE {aside}",
            *serial.grants,
            undo=(
                put_aside,
                f"CREATE SEQUENCE {own} {serial.options}",
                kept,
                alter(self._sql, f"ALTER COLUMN {changed} DROP IDENTITY"),
                alter(self._sql, f"ALTER COLUMN {changed} SET DEFAULT {column.default}"),
                f"ALTER SEQUENCE {own} OWNED BY {self._sql}.{changed}",
                *serial.grants,
            ),
        )

    def _defaults(self) -> Iterator[Step]:
        found = {
            name: expression
            for name, facts, column in self._columns()
            if column.default is None
            and not column.generated
            and column.identity is None
            and (expression := self._default(name, facts)) is not None
        }
        if found:
            # One lock for all of a table's.
            defaults = ", ".join(f"{name} {expression}" for name, expression in found.items())
            sets = [f"ALTER COLUMN {quoted(name)} SET DEFAULT {value}" for name, value in found.items()]
            drops = [f"ALTER COLUMN {quoted(name)} DROP DEFAULT" for name in found]
            action = self._action(alter(self._sql, *sets), undo=(alter(self._sql, *drops),))
            yield Step(kind="defaults", title=f"{self._key} DEFAULT {defaults}", actions=(action,))

    def _default(self, name: str, facts: ColumnFacts) -> str | None:
        """The default of a column as SQL; None where there is none, or none that SQL can say."""
        if facts.auto_now or facts.auto_now_add:
            if facts.type == _MOMENT:
                return "now()"
            self.unkept.append(f"{self._key}.{name} is the day or time where Django runs: PostgreSQL gets no default")
        elif facts.default_callable is not None:
            if (known := _CALLABLES.get((facts.default_callable, facts.type))) is not None:
                return known
            self.unkept.append(
                f"{self._key}.{name} is computed by {facts.default_callable}: PostgreSQL gets no default"
            )
        elif facts.default is not None and not _is_no_value(facts):
            return self._constant(name, facts)
        return None

    def _constant(self, name: str, facts: ColumnFacts) -> str | None:
        if python_type(facts.type) in (None, bytes) or facts.type.endswith("[]"):
            self.unkept.append(f"{self._key}.{name} has a default of type {facts.type}: PostgreSQL gets none")
            return None
        return literal(as_column(facts.default, facts.type))

    def _references(self) -> Iterator[Step]:
        keys = {each.columns: each for each in self._table.constraints if each.kind == "foreign key"}
        for name, facts, column in self._columns():
            if (reference := facts.references) is None:
                continue
            if reference.on_delete not in _REFUSING and (step := self._reference(name, facts, column, keys)):
                yield step

    def _reference(
        self,
        name: str,
        facts: ColumnFacts,
        column: CatalogColumn,
        keys: Mapping[tuple[str, ...], CatalogConstraint],
    ) -> Step | None:
        reference = facts.references
        constraint = keys.get((name,))
        if reference is None or constraint is None:
            self.unkept.append(f"{self._key}.{name} has no foreign key in the database: Django alone deletes along it")
            return None
        rule = _RULES.get(reference.on_delete)
        if rule is None:
            self.unkept.append(f"{self._key}.{name} has {set_text(reference)}: PostgreSQL refuses the delete instead")
            return None
        if rule == "SET DEFAULT" and not self._has_default(name, facts, column):
            self.unkept.append(f"{self._key}.{name} has SET_DEFAULT and a default that PostgreSQL can't keep")
            return None
        if (wanted := on_delete_set(constraint.definition, rule)) == constraint.definition:
            return None
        return Step(
            kind="on delete",
            title=f"{self._key}.{name} → {constraint.target} ON DELETE {rule}",
            actions=tuple(self._swap(constraint, wanted)),
        )

    def _has_default(self, name: str, facts: ColumnFacts, column: CatalogColumn) -> bool:
        """Whether PostgreSQL's SET DEFAULT will write what Django's SET_DEFAULT does."""
        if facts.default is None and facts.default_callable is None and not facts.db_default:
            return facts.null
        return column.default is not None or ("defaults" in self._kinds and self._default(name, facts) is not None)

    def _swap(self, constraint: CatalogConstraint, wanted: str) -> Iterator[Action]:
        """Another foreign key beside the present one, checked without blocking writes, then in its place and name.

        Undone in reverse, it is the same way round: the old one is added unchecked, checked, and left alone.
        """
        own, new = quoted(constraint.name), quoted(f"{constraint.name[:54]}_handover")
        yield self._action(
            alter(self._sql, f"ADD CONSTRAINT {new} {wanted} NOT VALID"),
            undo=(alter(self._sql, f"DROP CONSTRAINT {new}"),),
            target=constraint.target,
        )
        yield self._action(
            alter(self._sql, f"VALIDATE CONSTRAINT {new}"), undo=(alter(self._sql, f"VALIDATE CONSTRAINT {own}"),)
        )
        yield self._action(
            alter(self._sql, f"DROP CONSTRAINT {own}"),
            alter(self._sql, f"RENAME CONSTRAINT {new} TO {own}"),
            undo=(
                alter(self._sql, f"RENAME CONSTRAINT {own} TO {new}"),
                alter(self._sql, f"ADD CONSTRAINT {own} {constraint.definition} NOT VALID"),
            ),
            target=constraint.target,
        )

    def _checks(self) -> Iterator[Step]:
        present = [each for each in self._table.constraints if each.kind == "check"]
        new: dict[str, str] = {}
        for rule in self._rules():
            expression = rule_sql(rule)
            if any(each.name == rule.name or spelled_alike(each.definition, expression) for each in present):
                continue
            if (broken := self._live.violations.get(rule.name)) is not None:
                rows = f"{many(broken.count, 'row')} of {self._key} would break it"
                examples = f", such as {self._key} {named(broken.keys)}" if broken.keys else ""
                self.unkept.append(f"CHECK {rule.name} is left out, {rows}{examples}")
                continue
            new[rule.name] = expression
        if new:
            adds = [f"ADD CONSTRAINT {quoted(name)} CHECK ({expression}) NOT VALID" for name, expression in new.items()]
            drops = [f"DROP CONSTRAINT {quoted(name)}" for name in new]
            validated = [self._action(alter(self._sql, f"VALIDATE CONSTRAINT {quoted(name)}")) for name in new]
            added = self._action(alter(self._sql, *adds), undo=(alter(self._sql, *drops),))
            title = f"{self._key} CHECK {'; '.join(new.values())}"
            yield Step(kind="checks", title=title, actions=(added, *validated))

    def _rules(self) -> Iterator[ColumnRule]:
        for rule in table_rules(self._facts):
            if rule.column in self._table.columns and rule.name not in self._live.skipped:
                yield rule

    def _sentences(self) -> Iterator[str]:
        """What else only Django does."""
        for name, facts, _column in self._columns():
            if facts.auto_now:
                yield f"{self._key}.{name} is written at each save by Django alone (auto_now)"
            unsaid = [each.name for each in facts.validators if rule_kind(facts, each) is None]
            if unsaid:
                yield f"{self._key}.{name} is validated by {named(unsaid)}, which SQL can't say"
        for relation in self._facts.generic_relations:
            yield f"rows of {relation.table} that belong to {self._key} by {relation.field} are deleted by Django alone"
        for called in self._facts.overrides:
            yield f"{self._key} is written by {self._facts.model}.{called}, which is Python"
        for receiver in self._facts.receivers:
            yield f"{self._key} has the signal receiver {receiver}, which is Python"


def _is_no_value(facts: ColumnFacts) -> bool:
    """An empty text of a field that may not be blank: Django writes it only where code forgets the value."""
    return facts.default == "" and not facts.blank
