"""A column as several, or several as one: both are there until contract, and a trigger keeps them one value."""

from collections.abc import Iterator

from strangler.handover.steps import named
from strangler.modernise.columns import (
    archive_action,
    backfill_action,
    compare_action,
    cutover_action,
    drop_action,
    expand_action,
    not_null_actions,
    pair_hazards,
    pair_notes,
    require_changeable,
    require_expressions,
    require_free,
    spoken,
)
from strangler.modernise.operation import MergeColumns, SplitColumn
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.modernise.sync import Half, Pair
from strangler.schema.compatibility.sql_text import names_in


def plan_split_column(name: str, change: SplitColumn, subject: Subject) -> OperationPlan:
    """The stages that put the parts of a column into several.

    :raises UsageError: there is no such column, a name is taken, or an expression isn't one.
    """
    column = subject.column(change.column)
    old = Half(name=change.column, type=column.type, made=change.back, required=not column.nullable)
    parts = tuple(
        Half(
            name=name,
            type=subject.type_spelled(part.type),
            made=part.using,
            required=not (part.null or column.nullable),
        )
        for name, part in change.into.items()
    )
    pair = Pair(schema=subject.table.schema, table=subject.table.name, name=name, base=(old,), shadow=parts)
    return _plan(subject, change, pair)


def plan_merge_columns(name: str, change: MergeColumns, subject: Subject) -> OperationPlan:
    """The stages that put several columns into one.

    :raises UsageError: there is no such column, the name is taken, or an expression isn't one.
    """
    # One of them may be given alone, so that the others keep their defaults until the end.
    parts = tuple(
        Half(
            name=name,
            type=subject.column(name).type,
            made=made,
            default=subject.column(name).default,
            required=not subject.column(name).nullable,
        )
        for name, made in change.columns.items()
    )
    required = all(part.required for part in parts) and not change.null
    new = Half(name=change.into, type=subject.type_spelled(change.type), made=change.using, required=required)
    pair = Pair(schema=subject.table.schema, table=subject.table.name, name=name, base=parts, shadow=(new,))
    return _plan(subject, change, pair)


def _plan(subject: Subject, change: SplitColumn | MergeColumns, pair: Pair) -> OperationPlan:
    for column in pair.base_names:
        require_changeable(subject, column)
    for half in pair.shadow:
        require_free(subject, half.name)
    require_expressions(subject, pair)
    old, new, after = spoken(pair.base), spoken(pair.shadow), pair.turned()
    are, get = ("are", "get") if len(pair.shadow) > 1 else ("is", "gets")
    titles = (
        f"{subject.key} gets {new}, which a trigger keeps equal to {old}",
        f"{new} {get} the values of all rows",
        f"{new} {are} {old} in every row",
        f"{new} {get} the default of {old}",
        f"{old} {'is' if len(pair.base) == 1 else 'are'} dropped",
    )
    actions = (
        [expand_action(subject, pair)],
        [backfill_action(subject, pair)],
        [
            compare_action(subject, pair, strict=not change.lossy),
            *not_null_actions(subject, pair),
        ],
        [cutover_action(subject, pair, after)],
        [compare_action(subject, after), archive_action(subject, after), drop_action(subject, after)],
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, actions),
        synced=Synced(table=subject.key, columns=(*pair.base_names, *after.base_names)),
        notes=(*pair_notes(subject, pair), *_endings(subject, pair)),
        unsafe=tuple(pair_hazards(subject, pair)),
    )


def _endings(subject: Subject, pair: Pair) -> Iterator[str]:
    """A sentence on what hangs on the old columns alone, and goes with them."""
    definitions = {each.name: each.definition for each in subject.table.constraints}
    definitions |= {each.name: each.definition.partition(" USING ")[2] for each in subject.table.indexes}
    gone = [name for name, text in definitions.items() if not names_in(text).isdisjoint(pair.base_names)]
    if gone:
        yield (
            f"contract drops {named(gone)} with {spoken(pair.base)}: give {spoken(pair.shadow)} what "
            f"{'they' if len(pair.shadow) > 1 else 'it'} should have by add_constraint and replace_index first"
        )
