"""The steps of deleting a row of each table, as in `django.db.models.deletion.Collector`, from the contract alone.

Statements compare with an array (`column = any($1)`): one parameter, however many rows. Their values bear no types of
SQLAlchemy: PostgreSQL tells the driver what each is compared with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Executable,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    tuple_,
    update,
)

from shared_schema.contract.callables import callable_of
from shared_schema.contract.contract import ColumnFacts, Contract, GenericRelationFacts, Pointer
from shared_schema.contract.inheritance import InheritedRows, TableColumn, table_clause
from shared_schema.contract.values import as_column

# The parameters of the statements: names that no column bears, or SQLAlchemy would take them for its value.
KEYS: Final = "deletion_keys"
VALUE: Final = "deletion_value"

_NOTHING: Final = "DO_NOTHING"
_CONTENT_TYPES: Final = "django_content_type"

_Kind = Literal["remove", "collect", "change", "protect", "restrict", "refuse"]
# A step's kind, statement, value and what asks whether there is any row.
_Action = tuple[_Kind, Executable, Any, Executable | None]


@dataclass(frozen=True, eq=False)
class DeletionStep:
    """What happens to the rows of `table` whose `column` holds what deleted ones have at `target`.

    `remove`: nothing hangs on them, `statement` deletes them. `collect`: it finds what must be known of them, to go on
    from there. `change`: it sets `value` (called for one if it can be, once `is_any` finds a row). `protect`: it counts
    those in the way. `restrict`: it finds the keys of those that are in the way unless they are deleted too. `refuse`:
    it counts those that a function of the project's own, `value`, would see to.
    """

    kind: _Kind
    table: str
    column: str
    target: TableColumn
    statement: Executable
    value: Any = None
    is_any: Executable | None = None
    # Of a generic relation: the type of its column, which may be another than the keys', and what else picks the rows.
    type_name: str | None = None
    relation: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[Any, ...]:
        """What it goes by: two steps of one place would do the same to the same rows."""
        return self.table, self.column, self.target, self.relation


@dataclass(frozen=True, eq=False)
class TablePlan:
    """How the rows of one table are deleted.

    What must be known of a row are its values at `places`, of which the first `width` are its key; `find` reads them by
    key, and is None where the key says it all. `ancestors` are the tables of the rows that it continues.
    """

    name: str
    width: int
    places: dict[TableColumn, int]
    ancestors: dict[str, TableColumn]
    steps: tuple[DeletionStep, ...]
    find: Executable | None
    delete: Executable


class DeletionPlans:
    """The plans of a contract's tables, each made when it is first needed."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._plans: dict[str, TablePlan] = {}

    def plan(self, name: str) -> TablePlan:
        """How rows of table `name` are deleted."""
        plan = self._plans.get(name)
        if plan is None:
            plan = self._plans[name] = _plan(InheritedRows(self.contract, name))
        return plan

    def collected(self, name: str) -> Iterator[TablePlan]:
        """The plans of the tables that may be gone through when rows of `name` are deleted, its own first."""
        met, waiting = {name}, [name]
        while waiting:
            plan = self.plan(waiting.pop())
            yield plan
            new = {step.table for step in plan.steps if step.kind == "collect"} - met
            met |= new
            waiting += sorted(new)


def _plan(rows: InheritedRows) -> TablePlan:
    ancestors = {name: link.target for name, link in rows.links.items()}
    known = _known(rows)
    keyed = among(rows)
    relations = (_relation_step(rows, facts) for facts in rows.facts.generic_relations)
    # Two relations of one model may be the same by another name.
    steps = {step.place: step for step in (*_pointer_steps(rows), *relations)}
    return TablePlan(
        name=rows.name,
        width=len(rows.key),
        places={place: known.index(rows.held(place)) for place in _wanted(rows)},
        ancestors=ancestors,
        steps=tuple(steps.values()),
        find=None if known == list(rows.key) else rows.select(known, keyed),
        delete=delete(rows.clause).where(keyed),
    )


def among(rows: InheritedRows) -> ColumnElement[bool]:
    """Rows of these keys; several columns are compared row by row."""
    columns = [rows.clause.c[place.column] for place in rows.key]
    if len(columns) == 1:
        return columns[0] == func.any(bindparam(KEYS))
    return tuple_(*columns).in_(bindparam(KEYS, expanding=True)) if columns else false()


def _wanted(rows: InheritedRows) -> dict[TableColumn, None]:
    """The places that the steps ask for, and the keys of the rows continued."""
    targets = [
        TableColumn(p.reference.table, p.reference.column) for p in rows.pointers if p.reference.on_delete != _NOTHING
    ]
    return dict.fromkeys([*rows.key, *targets, *(link.target for link in rows.links.values())])


def _known(rows: InheritedRows) -> list[TableColumn]:
    """What must be read of a row to know what it holds at those places."""
    return list(dict.fromkeys(rows.held(place) for place in _wanted(rows)))


def _pointer_steps(rows: InheritedRows) -> Iterator[DeletionStep]:
    for pointer in rows.pointers:
        if pointer.reference.on_delete != _NOTHING:
            others = InheritedRows(rows.contract, pointer.table)
            yield _pointer_step(others, pointer, others.clause.c[pointer.column] == func.any(bindparam(KEYS)))


def _pointer_step(others: InheritedRows, pointer: Pointer, points: ColumnElement[bool]) -> DeletionStep:
    kind, statement, value, is_any = _pointer_action(others, pointer, points)
    target = TableColumn(pointer.reference.table, pointer.reference.column)
    return DeletionStep(kind, pointer.table, pointer.column, target, statement, value, is_any)


def _pointer_action(others: InheritedRows, pointer: Pointer, points: ColumnElement[bool]) -> _Action:
    match pointer.reference.on_delete:
        case "CASCADE":
            return (*_gone(others, points, by=pointer.column), None, None)
        case "PROTECT":
            return "protect", select(func.count()).select_from(others.clause).where(points), None, None
        case "CUSTOM":
            counted = select(func.count()).select_from(others.clause).where(points)
            return "refuse", counted, pointer.reference.set_to_callable, None
        case "RESTRICT":
            return "restrict", others.select(others.key, points), None, None
    value = _new_value(others.facts.columns[pointer.column], f"{pointer.table}.{pointer.column}", pointer)
    written = value if isinstance(value, ColumnElement) else bindparam(VALUE)
    changed = update(others.clause).where(points).values({pointer.column: written})
    found: Executable = select(literal_column("1")).select_from(others.clause).where(points).limit(1)
    return "change", changed, value, found if callable(value) else None


def _relation_step(rows: InheritedRows, facts: GenericRelationFacts) -> DeletionStep:
    others = InheritedRows(rows.contract, facts.table)
    types = table_clause(rows.contract.tables[_CONTENT_TYPES]).alias("content_type")
    app_label, model = facts.content_type
    own = select(types.c.id).where(types.c.app_label == app_label, types.c.model == model).scalar_subquery()
    is_of = others.clause.c[facts.content_type_column] == own
    belongs = is_of & (others.clause.c[facts.object_id_column] == func.any(bindparam(KEYS)))
    kind, statement = _gone(others, belongs, by=None)
    type_name = others.facts.columns[facts.object_id_column].type
    return DeletionStep(
        kind,
        facts.table,
        facts.object_id_column,
        rows.key[0],
        statement,
        type_name=type_name,
        relation=(facts.content_type_column, *facts.content_type),
    )


def _gone(others: InheritedRows, where: ColumnElement[bool], *, by: str | None) -> tuple[_Kind, Executable]:
    if _may_go_at_once(others, by):
        return "remove", delete(others.clause).where(where)
    return "collect", others.select(_known(others), where)


def _may_go_at_once(rows: InheritedRows, by: str | None) -> bool:
    """Whether nothing must be known of the rows: nothing follows, and they continue none but what `by` points at.

    A row that may be in the way by a RESTRICT must be known, since it isn't in the way where it goes too, and one whose
    deletion Django tells receivers of.
    """
    references = [facts.references for facts in rows.facts.columns.values() if facts.references is not None]
    continued = [link.holder.column for link in rows.links.values() if link.holder.table == rows.name]
    return (
        all(pointer.reference.on_delete == _NOTHING for pointer in rows.pointers)
        and not rows.facts.generic_relations
        and not rows.facts.is_watched
        and all(reference.on_delete != "RESTRICT" for reference in references)
        and all(column == by for column in continued)
    )


def _new_value(facts: ColumnFacts, name: str, pointer: Pointer) -> Any:  # noqa: ANN401 - a value, SQL, or a function
    """What a column is set to where the row it points at goes (`Field.get_default` for SET_DEFAULT)."""
    reference = pointer.reference
    default, function = facts.default, facts.default_callable
    if reference.on_delete == "SET":
        default, function = reference.set_to, reference.set_to_callable
    elif reference.on_delete == "SET_NULL":
        default, function = None, None
    elif not facts.has_default and function is None and facts.db_default is not None:
        return literal_column("DEFAULT")
    if function is not None:
        return callable_of(function, type_name=facts.type, column=name)
    value = as_column(default, facts.type)
    return null() if value is None else value
