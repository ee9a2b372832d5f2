"""A column or a table that only Django needed: set apart first, and dropped once its archive was read back."""

from collections.abc import Iterator

from strangler.errors import UsageError
from strangler.handover.steps import Action, Work, alter, listed, named, quoted
from strangler.modernise.operation import DropColumn, DropTable
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject


def plan_drop_column(name: str, change: DropColumn, subject: Subject) -> OperationPlan:
    """The stages that drop a column.

    :raises UsageError: there is no such column, or it is in the primary key.
    """
    column = subject.column(change.column)
    if change.column in subject.table.primary_key:
        raise UsageError(f"{subject.key}.{change.column} is in the primary key", "drop the table, or another column")
    apart, old = quoted(f"strangler_{name}"), quoted(change.column)
    must_be_given = column.must_be_given
    titles = (
        f"{change.column} need not be given" if must_be_given else "nothing is to be added",
        "nothing is to be copied",
        "nothing is to be compared",
        f"{change.column} is set apart: it is called strangler_{name}",
        f"{change.column} is archived, and dropped",
    )
    columns = listed([*subject.table.primary_key, f"strangler_{name}"])
    archive = Work(kind="archive", table=subject.sql, name=f"{subject.table.name}.{change.column}", columns=columns)
    actions: tuple[list[Action], ...] = (
        [*_nullable_actions(name, change.column, subject)] if must_be_given else [],
        [],
        [],
        [
            Action(
                table=subject.dotted,
                statements=(alter(subject.sql, f"RENAME COLUMN {old} TO {apart}"),),
                undo=(alter(subject.sql, f"RENAME COLUMN {apart} TO {old}"),),
            )
        ],
        [
            Action(table=subject.dotted, work=archive),
            Action(table=subject.dotted, statements=(alter(subject.sql, f"DROP COLUMN {apart}"),)),
        ],
    )
    return OperationPlan(title=str(change), stages=stage_steps(titles, actions), synced=Synced(table=subject.key))


def _nullable_actions(name: str, column: str, subject: Subject) -> Iterator[Action]:
    """NULL is allowed; on the way back, in the reverse order, NOT NULL is proven beside reads and writes."""
    check, quoted_column = quoted(f"strangler_{name}"), quoted(column)
    not_null = f"ALTER COLUMN {quoted_column} SET NOT NULL"
    if column in subject.not_nulls:
        not_null = f"ADD CONSTRAINT {quoted(subject.not_nulls[column])} NOT NULL {quoted_column}"
    yield Action(
        table=subject.dotted,
        statements=(alter(subject.sql, f"ALTER COLUMN {quoted_column} DROP NOT NULL"),),
        undo=(alter(subject.sql, not_null), alter(subject.sql, f"DROP CONSTRAINT {check}")),
    )
    yield Action(table=subject.dotted, undo=(alter(subject.sql, f"VALIDATE CONSTRAINT {check}"),))
    added = f"ADD CONSTRAINT {check} CHECK ({quoted_column} IS NOT NULL) NOT VALID"
    yield Action(table=subject.dotted, undo=(alter(subject.sql, added),))


def plan_drop_table(name: str, change: DropTable, subject: Subject) -> OperationPlan:
    """The stages that drop a table.

    :raises UsageError: other tables point at it.
    """
    pointing = [
        f"{key}.{', '.join(constraint.columns)}"
        for key, table in subject.catalog.tables.items()
        for constraint in table.constraints
        if constraint.target == subject.key and key != subject.key
    ]
    if pointing:
        raise UsageError(
            f"{named(pointing)} {'point' if len(pointing) > 1 else 'points'} at {subject.key}",
            "drop those columns or tables first",
        )
    schema, table = quoted(f"strangler_{name}"), quoted(subject.table.name)
    apart = f"{schema}.{table}"
    columns = listed(subject.table.columns)
    # With its keys it would go on refusing, or losing rows to, what others delete.
    keys = {
        quoted(constraint.name): constraint.definition
        for constraint in subject.table.constraints
        if constraint.kind == "foreign key"
    }
    archive = Work(kind="archive", table=apart, name=subject.table.name, columns=columns)
    titles = (
        "nothing is to be added",
        "nothing is to be copied",
        "nothing is to be compared",
        f"{subject.key} is set apart: it is in the schema strangler_{name}, without foreign keys",
        f"{subject.key} is archived, and dropped",
    )
    actions: tuple[list[Action], ...] = (
        [],
        [],
        [],
        # Undone in the reverse order: back in its schema first, then its keys are validated.
        [
            Action(table=subject.dotted, undo=tuple(alter(subject.sql, f"VALIDATE CONSTRAINT {key}") for key in keys)),
            Action(
                table=subject.dotted,
                statements=(
                    *(alter(subject.sql, f"DROP CONSTRAINT {key}") for key in keys),
                    f"CREATE SCHEMA {schema}",
                    alter(subject.sql, f"SET SCHEMA {schema}"),
                ),
                undo=(
                    alter(apart, f"SET SCHEMA {quoted(subject.table.schema)}"),
                    f"DROP SCHEMA {schema}",
                    *(
                        alter(subject.sql, f"ADD CONSTRAINT {key} {definition.removesuffix(' NOT VALID')} NOT VALID")
                        for key, definition in keys.items()
                    ),
                ),
            ),
        ],
        [
            Action(table=f"strangler_{name}.{subject.table.name}", work=archive),
            Action(
                table=f"strangler_{name}.{subject.table.name}",
                statements=(f"DROP TABLE {apart}", f"DROP SCHEMA {schema}"),
            ),
        ],
    )
    return OperationPlan(title=str(change), stages=stage_steps(titles, actions), synced=Synced(table=subject.key))
