"""Deletes rows as Django does, following each `on_delete`: cascading, setting values, or refusing.

The database does nothing by itself: Django's foreign keys carry no ON DELETE, and are checked at COMMIT. First all is
collected, then all is written, so that a refusal leaves everything as it was.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Executable, select

from shared_schema.contract.callables import UnknownCallable, on_delete_of
from shared_schema.contract.contract import Contract
from shared_schema.contract.deletion_plan import KEYS, VALUE, DeletionPlans, DeletionStep, TablePlan
from shared_schema.contract.values import as_column, fits

if TYPE_CHECKING:
    # Not at run time: the tool derives its grants from this module, and its image has no asyncio for SQLAlchemy.
    from sqlalchemy.ext.asyncio import AsyncSession

# Of a table and the keys of its rows.
Watch = Callable[[str, list[Any]], Awaitable[None]]
# A key of several columns is sent as so many parameters, of which a statement may have 32,767.
_MOST_KEYS_OF_SEVERAL: Final = 4_000


class ProtectedError(Exception):
    """Rows that Django would neither leave behind nor delete point at what is deleted; nothing was deleted."""


class RestrictedError(ProtectedError):
    """As above, where it would be allowed if those rows were deleted by another path (RESTRICT)."""


async def delete_rows(
    session: "AsyncSession",
    name: str,
    keys: Sequence[Any],
    *,
    contract: Contract,
    before: Watch | None = None,
    after: Watch | None = None,
) -> dict[str, int]:
    """Deletes the rows of table `name` with these primary keys and all that hangs on them.

    Returns how many went, by table. A key of several columns is a tuple. `before` and `after` are called for each table
    whose rows were looked at, as Django sends `pre_delete` and `post_delete`: with the table and the keys.

    Raises:
        ProtectedError: a reference is PROTECT.
        RestrictedError: a reference is RESTRICT, and its row stays.
        UnknownCallable: Django would call a function of the project, and none is registered for its value.
    """
    return await _Deletion(session, _plans_of(contract), before, after).delete(name, keys)


# By identity: a contract is a file that was read, and never changes.
_plans: dict[int, DeletionPlans] = {}


def _plans_of(contract: Contract) -> DeletionPlans:
    plans = _plans.get(id(contract))
    if plans is None:
        plans = _plans[id(contract)] = DeletionPlans(contract)
    return plans


class _Deletion:
    """One delete: what was met on the way, and what is to be written at its end."""

    def __init__(
        self, session: "AsyncSession", plans: DeletionPlans, before: Watch | None, after: Watch | None
    ) -> None:
        self._session = session
        self._plans = plans
        self._before = before
        self._after = after
        self._met: dict[str, dict[Any, None]] = defaultdict(dict)
        self._waiting: dict[str, list[Sequence[Any]]] = defaultdict(list)
        self._followed: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        self._writes: dict[str, list[tuple[DeletionStep, list[Any], Any]]] = {"refuse": [], "remove": [], "change": []}
        self._protecting: Counter[tuple[str, str]] = Counter()
        self._restricting: dict[tuple[str, str], set[Any]] = defaultdict(set)

    async def delete(self, name: str, keys: Sequence[Any]) -> dict[str, int]:
        self._meet(self._plans.plan(name), await self._find(self._plans.plan(name), keys))
        while self._waiting:
            table = next(iter(self._waiting))
            await self._follow_all(self._plans.plan(table), self._waiting.pop(table))
        self._refuse()
        return await self._write()

    async def _find(self, plan: TablePlan, keys: Sequence[Any]) -> list[Sequence[Any]]:
        if plan.find is None:
            return [(key,) for key in keys] if plan.width == 1 else list(keys)
        return [row for batch in _batches(plan, list(keys)) for row in await self._rows(plan.find, batch)]

    def _meet(self, plan: TablePlan, rows: Iterable[Sequence[Any]]) -> None:
        """Notes rows that are to be deleted, with those that they continue; what is new has yet to be followed."""
        met = self._met[plan.name]
        for row in rows:
            key = row[0] if plan.width == 1 else tuple(row[: plan.width])
            if key not in met:
                met[key] = None
                self._waiting[plan.name].append(row)
                for ancestor, place in plan.ancestors.items():
                    self._met[ancestor][row[plan.places[place]]] = None

    async def _follow_all(self, plan: TablePlan, rows: list[Sequence[Any]]) -> None:
        for step in plan.steps:
            followed = self._followed[step.place]
            held = (row[plan.places[step.target]] for row in rows)
            new = [value for value in dict.fromkeys(held) if value is not None and value not in followed]
            followed.update(new)
            keys = list(_as_held(step, new))
            if keys:
                await self._follow(step, keys)

    async def _follow(self, step: DeletionStep, keys: list[Any]) -> None:
        place = (step.table, step.column)
        match step.kind:
            case "collect":
                self._meet(self._plans.plan(step.table), await self._rows(step.statement, keys))
            case "protect":
                self._protecting[place] += (await self._rows(step.statement, keys))[0][0]
            case "restrict":
                found = await self._rows(step.statement, keys)
                self._restricting[place].update(row[0] if len(row) == 1 else tuple(row) for row in found)
            case "refuse":
                if number := (await self._rows(step.statement, keys))[0][0]:
                    if on_delete_of(step.value) is None:
                        raise UnknownCallable(
                            f"Django would have {step.value} see to {_rows_of(number, place)} that point at what is to"
                            f' be deleted: register what does the same, `on_delete_register("{step.value}", …)` of'
                            " shared_schema.contract.callables, or delete it in Django."
                        )
                    self._writes["refuse"].append((step, keys, None))
            case "remove":
                self._writes["remove"].append((step, keys, None))
            case "change":
                if step.is_any is None or await self._rows(step.is_any, keys):
                    self._writes["change"].append((step, keys, await self._value(step.value)))

    async def _value(self, value: Any) -> Any:  # noqa: ANN401 - a value of the column
        made = value() if callable(value) else value
        if callable(value) and isinstance(made, ColumnElement):
            return (await self._session.execute(select(made))).scalar()
        return made

    async def _rows(self, statement: Executable, keys: list[Any]) -> Sequence[Sequence[Any]]:
        return (await self._session.execute(statement, {KEYS: keys})).all()

    def _refuse(self) -> None:
        protecting = +self._protecting
        if protecting:
            raise ProtectedError(_in_the_way(protecting))
        kept = {place: len(keys - self._met[place[0]].keys()) for place, keys in self._restricting.items()}
        restricting = +Counter(kept)
        if restricting:
            raise RestrictedError(_in_the_way(restricting))

    async def _write(self) -> dict[str, int]:
        """As Django: what nothing hangs on, then what is changed, then what was collected, pointers before targets."""
        counts: Counter[str] = Counter()
        in_order = self._in_order()
        for name in in_order:
            if self._before is not None:
                await self._before(name, list(self._met[name]))
        for step, keys, _ in self._writes["refuse"]:
            if (function := on_delete_of(step.value)) is not None:
                await function(self._session, step.table, step.column, keys)
        for step, keys, _ in self._writes["remove"]:
            counts[step.table] += await self._send(step.statement, {KEYS: keys})
        for step, keys, value in self._writes["change"]:
            values = {} if isinstance(value, ColumnElement) else {VALUE: value}
            await self._send(step.statement, {KEYS: keys} | values)
        for name in in_order:
            plan = self._plans.plan(name)
            for batch in _batches(plan, list(self._met[name])):
                counts[name] += await self._send(plan.delete, {KEYS: batch})
            if self._after is not None:
                await self._after(name, list(self._met[name]))
        return dict(+counts)

    async def _send(self, statement: Executable, values: dict[str, Any]) -> int:
        rowcount: int = (await self._session.execute(statement, values)).rowcount  # type: ignore[attr-defined] # a write's result
        return rowcount

    def _in_order(self) -> list[str]:
        met = [name for name, keys in self._met.items() if keys]
        pointing = {
            name: {pointer.table for pointer in self._plans.contract.references_to(name)} & set(met) - {name}
            for name in met
        }
        try:
            return list(TopologicalSorter(pointing).static_order())
        except CycleError:
            # The keys are checked at COMMIT, so any order does.
            return met[::-1]


def _as_held(step: DeletionStep, values: Iterable[Any]) -> Iterator[Any]:
    """Keys as a generic relation's column holds them; those that it can't hold belong to no row."""
    if step.type_name is None:
        yield from values
        return
    for value in values:
        converted = as_column(value, step.type_name)
        if fits(converted, step.type_name):
            yield converted


def _batches(plan: TablePlan, keys: list[Any]) -> Iterator[list[Any]]:
    size = len(keys) if plan.width == 1 else _MOST_KEYS_OF_SEVERAL
    for start in range(0, len(keys), size or 1):
        yield keys[start : start + size]


def _in_the_way(counts: Counter[tuple[str, str]]) -> str:
    rows = ", ".join(_rows_of(number, place) for place, number in counts.items())
    return f"What is to be deleted is pointed at by {rows}: change or delete those first."


def _rows_of(number: int, place: tuple[str, str]) -> str:
    table, column = place
    return f"{number} {'row' if number == 1 else 'rows'} of {table} with {column}"
