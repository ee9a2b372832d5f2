"""What an operation does in its five stages, on the schema as it is now."""

from strangler.modernise.columns import plan_rename_column
from strangler.modernise.constraints import plan_add_constraint, plan_replace_index
from strangler.modernise.drops import plan_drop_column, plan_drop_table
from strangler.modernise.operation import (
    AddConstraint,
    Change,
    ChangeType,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
    ReplaceIndex,
)
from strangler.modernise.stages import OperationPlan
from strangler.modernise.subject import subject_of, type_spelled
from strangler.modernise.tables import plan_rename_table
from strangler.modernise.types import plan_change_type


def plan_operation(name: str, change: Change, dsn: str) -> OperationPlan:
    """The stages of an operation.

    :raises UsageError: the schema has no such table or column, or the new name is taken.
    :raises FailedError: the database doesn't answer.
    """
    subject = subject_of(dsn, change.table)
    match change:
        case RenameColumn():
            return plan_rename_column(name, change, subject)
        case RenameTable():
            return plan_rename_table(name, change, subject)
        case ChangeType():
            spelled = change.model_copy(update={"type": type_spelled(dsn, change.type)})
            return plan_change_type(name, spelled, subject)
        case AddConstraint():
            return plan_add_constraint(name, change, subject)
        case ReplaceIndex():
            return plan_replace_index(change, subject)
        case DropColumn():
            return plan_drop_column(name, change, subject)
        case DropTable():
            return plan_drop_table(name, change, subject)
