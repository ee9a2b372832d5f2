"""What an operation does in its five stages on the schema as it is now, rehearsed on a clone."""

import logging
from dataclasses import dataclass
from typing import Final

from strangler.errors import FailedError, UsageError
from strangler.handover.steps import Step, named
from strangler.modernise.columns import plan_rename_column
from strangler.modernise.constraints import plan_add_constraint, plan_replace_index
from strangler.modernise.drops import plan_drop_column, plan_drop_table
from strangler.modernise.journal import OperationJournal
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.operation import (
    AddConstraint,
    Change,
    ChangeType,
    DropColumn,
    DropTable,
    MergeColumns,
    RenameColumn,
    RenameTable,
    ReplaceIndex,
    SplitColumn,
    operation_load,
)
from strangler.modernise.parts import plan_merge_columns, plan_split_column
from strangler.modernise.stages import STAGES, OperationPlan
from strangler.modernise.subject import subject_of
from strangler.modernise.survival import StageClone, differences, stage_clone
from strangler.modernise.tables import plan_rename_table
from strangler.modernise.types import plan_change_type

_LOG: Final = logging.getLogger(__name__)
_SHOWN: Final = 3


@dataclass(frozen=True, kw_only=True)
class StageOutlook:
    """A stage that is still to come, and sentences on the services that it would break today."""

    stage: Step
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is left of an operation."""

    plan: OperationPlan
    stages: tuple[StageOutlook, ...]


def modernise_plan(modernisation: Modernisation, name: str) -> Outlook:
    """What is left of an operation, rehearsed on a clone of the schema: there, back, and there to its end.

    :raises UsageError: there is no such operation, or the schema isn't Alembic's.
    :raises FailedError: a stage fails, or isn't undone as it was.
    """
    modernisation.require_handed_over()
    journal = modernisation.journal(name)
    if journal is not None and journal.unfinished is not None:
        raise UsageError(
            f"{journal.unfinished.stage} of {name} was interrupted",
            f"go on with strangler modernise next {name}, or take it back with strangler modernise back {name}",
        )
    plan = operation_planned(modernisation, name, journal)
    left = plan.stages[len(journal.done) if journal else 0 :]
    with stage_clone(modernisation.source, modernisation.services, plan.synced, notify=_LOG.info) as clone:
        return Outlook(plan=plan, stages=tuple(_rehearsed(clone, left)))


def _rehearsed(clone: StageClone, left: tuple[Step, ...]) -> list[StageOutlook]:
    undoable = tuple(stage for stage in left if stage.kind != STAGES[-1])
    _LOG.info("rehearsing the stages on a clone of the schema")
    before = clone.schema()
    found = [StageOutlook(stage=stage, breaks=tuple(clone.breaks(lambda: clone.run((stage,))))) for stage in undoable]  # noqa: B023 - run at once
    clone.run(undoable, back=True)
    if wrong := differences(before, clone.schema()):
        raise FailedError(f"going back doesn't lead back ({named(wrong[:_SHOWN])})", "write the revision by hand")
    clone.run(undoable)
    return [
        *found,
        *(StageOutlook(stage=stage, breaks=tuple(clone.breaks(lambda: clone.run((stage,))))) for stage in left[-1:]),  # noqa: B023 - as above
    ]


def operation_planned(modernisation: Modernisation, name: str, journal: OperationJournal | None) -> OperationPlan:
    """The plan of an operation: its journal's once it was begun, else made from its file.

    :raises UsageError: there is no such operation, or the schema doesn't fit it.
    """
    if journal is not None and journal.runs:
        return OperationPlan(title=journal.title, stages=journal.stages, synced=journal.synced)
    change = operation_load(modernisation.files, name).change
    return plan_operation(name, change, modernisation.source.owner_dsn)


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
            return plan_change_type(name, change, subject)
        case SplitColumn():
            return plan_split_column(name, change, subject)
        case MergeColumns():
            return plan_merge_columns(name, change, subject)
        case AddConstraint():
            return plan_add_constraint(name, change, subject)
        case ReplaceIndex():
            return plan_replace_index(change, subject)
        case DropColumn():
            return plan_drop_column(name, change, subject)
        case DropTable():
            return plan_drop_table(name, change, subject)
