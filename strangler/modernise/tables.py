"""A table under two names: the other one is a view of it, which PostgreSQL reads and writes like the table."""

from collections.abc import Iterator
from typing import Final

from strangler.errors import UsageError
from strangler.handover.steps import Action, alter, quoted
from strangler.modernise.operation import RenameTable
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.schema.compatibility.sql_text import names_in

_INVOKER_SINCE: Final = 150_000


def plan_rename_table(name: str, change: RenameTable, subject: Subject) -> OperationPlan:
    """The stages that give a table another name.

    :raises UsageError: the name is taken.
    """
    schema, old = subject.table.schema, subject.table.name
    if any((found.schema, found.name) == (schema, change.to) for found in subject.catalog.tables.values()):
        raise UsageError(f"there is a table or a view {change.to} already", "choose another name")
    new_key = change.to if subject.key == old else f"{schema}.{change.to}"
    # Policies of row security don't apply to the owner, as whom a view reads; a caller without rights on each column of
    # the table could not read a view as itself.
    is_invoker = subject.table.row_security and subject.version >= _INVOKER_SINCE
    invoker = " WITH (security_invoker = true)" if is_invoker else ""
    view = quoted(schema, change.to)
    # Columns that come later are in neither name by themselves, so that a view names its own.
    columns = ", ".join(map(quoted, subject.table.columns))
    made = f"CREATE VIEW {view}{invoker} AS SELECT {columns} FROM {subject.sql}"  # noqa: S608 - names are quoted
    aside = f"strangler_{name}"

    def swap(table: str, other: str) -> tuple[str, ...]:
        """The table and its view change names; locked in the order in which a statement by the view locks them."""
        return (
            f"LOCK TABLE {quoted(schema, other)} IN ACCESS EXCLUSIVE MODE",
            f"ALTER VIEW {quoted(schema, other)} RENAME TO {quoted(aside)}",
            alter(quoted(schema, table), f"RENAME TO {quoted(other)}"),
            f"ALTER VIEW {quoted(schema, aside)} RENAME TO {quoted(table)}",
        )

    key = f"{schema}.{old}"
    dropped = f"DROP VIEW {quoted(schema, old)}"
    titles = (
        f"{change.to} is a view of {old}, which is read and written like it",
        "nothing is to be copied",
        "nothing is to be compared: both names are the same rows",
        f"the table itself is called {change.to}, and {old} is a view of it",
        f"the view {old} is dropped",
    )
    actions: tuple[list[Action], ...] = (
        [Action(table=key, statements=(made, *subject.view_rights(view)), undo=(f"DROP VIEW {view}",))],
        [],
        [],
        [Action(table=key, target=f"{schema}.{change.to}", statements=swap(old, change.to), undo=swap(change.to, old))],
        [Action(table=key, statements=(dropped,))],
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, actions),
        synced=Synced(table=subject.key, views=(subject.key, new_key)),
        notes=(
            "by the name that is a view, TRUNCATE, ON CONFLICT ON CONSTRAINT and GROUP BY of the key alone are refused",
            "indexes, constraints and the sequence keep their names",
        ),
        unsafe=tuple(_hazards(subject)),
    )


def _hazards(subject: Subject) -> Iterator[str]:
    """Sentences on functions of triggers that name the table in their text, which no rename reaches."""
    for key, table in subject.catalog.tables.items():
        for trigger, text in table.triggers.items():
            if subject.table.name in names_in(text.partition("\n")[2]):
                yield f"the trigger {trigger} of {key} names {subject.key} in its function, and would fail without it"
