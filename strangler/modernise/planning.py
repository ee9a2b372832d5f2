"""What an operation does in its five stages, on the schema as it is now."""

from strangler.modernise.columns import plan_rename_column
from strangler.modernise.operation import Change, RenameColumn
from strangler.modernise.stages import OperationPlan
from strangler.modernise.subject import subject_of
from strangler.modernise.tables import plan_rename_table


def plan_operation(name: str, change: Change, dsn: str) -> OperationPlan:
    """The stages of an operation.

    :raises UsageError: the schema has no such table or column, or the new name is taken.
    :raises FailedError: the database doesn't answer.
    """
    subject = subject_of(dsn, change.table)
    if isinstance(change, RenameColumn):
        return plan_rename_column(name, change, subject)
    return plan_rename_table(name, change, subject)
