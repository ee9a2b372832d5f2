"""A constraint that is proven beside reads and writes, and an index that is built beside them."""

from collections.abc import Iterator

from strangler.errors import UsageError
from strangler.handover.steps import Action, Work, alter, listed, literal, quoted
from strangler.modernise.operation import AddConstraint, ReplaceIndex
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject


def plan_add_constraint(name: str, change: AddConstraint, subject: Subject) -> OperationPlan:
    """The stages that add a constraint: it holds for new rows first, then for all.

    :raises UsageError: the name is taken, or there is no such column.
    """
    if change.name in {constraint.name for constraint in subject.table.constraints}:
        raise UsageError(f"{subject.key} has a constraint {change.name} already", "choose another name")
    for column in change.columns:
        subject.column(column)
    expand, backfill, verify, cutover = _constraint_actions(name, change, subject)
    titles = (
        f"{change.name} holds for rows that are written" if expand else "nothing is to be added",
        f"the index of {change.name} is built" if backfill else "nothing is to be copied",
        f"{change.name} holds for every row",
        f"{change.name} is made of what was proven" if cutover else "nothing changes places",
        "nothing is to be dropped",
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, (expand, backfill, verify, cutover, [])),
        synced=Synced(table=subject.key),
    )


def _constraint_actions(
    name: str, change: AddConstraint, subject: Subject
) -> tuple[list[Action], list[Action], list[Action], list[Action]]:
    """The actions of each stage but the last."""
    table, key = subject.sql, subject.dotted
    if change.unique:
        built, dropped = _build(subject, change.name, f"btree ({listed(change.unique)})", unique=True)
        made = alter(table, f"ADD CONSTRAINT {quoted(change.name)} UNIQUE USING INDEX {quoted(change.name)}")
        # PostgreSQL drops the index with its constraint, and the way back builds it anew.
        undo = alter(table, f"DROP CONSTRAINT {quoted(change.name)}")
        again = f"CREATE UNIQUE INDEX {quoted(change.name)} ON {table} USING btree ({listed(change.unique)})"
        return [], [built], [_valid(subject, change.name)], [Action(table=key, statements=(made,), undo=(undo, again))]
    proof = f"strangler_{name}" if change.not_null else change.name
    definition = _definition(change)
    added = alter(table, f"ADD CONSTRAINT {quoted(proof)} {definition} NOT VALID")
    dropped = alter(table, f"DROP CONSTRAINT {quoted(proof)}")
    target = change.references.partition("(")[0].strip() or None
    expand = [Action(table=key, target=target, statements=(added,), undo=(dropped,))]
    verify = [Action(table=key, statements=(alter(table, f"VALIDATE CONSTRAINT {quoted(proof)}"),))]
    if not change.references:
        condition = f"({quoted(change.not_null)} IS NULL)" if change.not_null else f"NOT ({change.check})"
        verify = [_compare(subject, change.name, condition), *verify]
    if not change.not_null:
        return expand, [], verify, []
    column = quoted(change.not_null)
    cutover = Action(
        table=key,
        statements=(alter(table, f"ALTER COLUMN {column} SET NOT NULL"), dropped),
        undo=(
            added,
            alter(table, f"VALIDATE CONSTRAINT {quoted(proof)}"),
            alter(table, f"ALTER COLUMN {column} DROP NOT NULL"),
        ),
    )
    return expand, [], verify, [cutover]


def _definition(change: AddConstraint) -> str:
    if change.not_null:
        return f"CHECK ({quoted(change.not_null)} IS NOT NULL)"
    if change.references:
        on_delete = f" ON DELETE {change.on_delete}" if change.on_delete else ""
        # As Django's own keys are: checked when the transaction ends.
        return (
            f"FOREIGN KEY ({quoted(change.column)}) REFERENCES {change.references}{on_delete} "
            "DEFERRABLE INITIALLY DEFERRED"
        )
    return f"CHECK ({change.check})"


def _compare(subject: Subject, name: str, condition: str) -> Action:
    columns = listed(subject.table.primary_key) or "ctid"
    work = Work(
        kind="compare", table=subject.sql, name=f"{subject.key} and {name}", columns=columns, condition=condition
    )
    return Action(table=subject.dotted, work=work)


def plan_replace_index(change: ReplaceIndex, subject: Subject) -> OperationPlan:
    """The stages that build an index, and drop the one that it replaces.

    :raises UsageError: the name is taken, or there is no index to be replaced.
    """
    indexes = {index.name: index for index in subject.table.indexes}
    if change.name in indexes:
        raise UsageError(f"{subject.key} has an index {change.name} already", "choose another name")
    if change.replaces and change.replaces not in indexes:
        raise UsageError(f"{subject.key} has no index {change.replaces}", f"write one of {', '.join(indexes)}")
    if change.replaces and indexes[change.replaces].constrains:
        raise UsageError(f"{change.replaces} is the index of a constraint", "add a constraint instead")
    built, _dropped = _build(subject, change.name, change.definition, unique=change.unique)
    titles = (
        "nothing is to be added",
        f"{change.name} is built",
        f"{change.name} is whole",
        "nothing changes places",
        f"{change.replaces} is dropped" if change.replaces else "nothing is to be dropped",
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, ([], [built], [_valid(subject, change.name)], [], [*_drops(change, subject)])),
        synced=Synced(table=subject.key),
    )


def _drops(change: ReplaceIndex, subject: Subject) -> Iterator[Action]:
    if change.replaces:
        dropped = f"DROP INDEX CONCURRENTLY IF EXISTS {subject.beside(change.replaces)}"
        yield Action(table=subject.dotted, statements=(dropped,), concurrently=True)


def _build(subject: Subject, name: str, definition: str, *, unique: bool) -> tuple[Action, str]:
    """What builds an index beside reads and writes, and what drops it."""
    dropped = f"DROP INDEX CONCURRENTLY IF EXISTS {subject.beside(name)}"
    kind = "UNIQUE INDEX" if unique else "INDEX"
    built = f"CREATE {kind} CONCURRENTLY {quoted(name)} ON {subject.sql} USING {definition}"
    # A build that was interrupted leaves an index that isn't valid.
    return Action(table=subject.dotted, statements=(dropped, built), undo=(dropped,), concurrently=True), dropped


def _valid(subject: Subject, name: str) -> Action:
    """Refuse an index that isn't whole."""
    index = literal(subject.beside(name))
    wrong = f"NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({index}) AND indisvalid)"
    refusal = f"RAISE EXCEPTION {literal(f'the index {name} is not valid')}"
    return Action(
        table=subject.dotted, statements=(f"DO $strangler$BEGIN IF {wrong} THEN {refusal}; END IF; END$strangler$",)
    )
