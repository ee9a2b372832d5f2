"""A column under two types: a copy of the new type grows beside it, and takes its place with all that hangs on it."""

from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import CatalogConstraint
from strangler.handover.steps import Action, alter, quoted
from strangler.modernise.columns import (
    archive_action,
    backfill_action,
    compare_action,
    cutover_action,
    drop_action,
    expand_action,
    index_actions,
    index_like,
    not_null_actions,
    pair_hazards,
    pair_notes,
    require_changeable,
    require_expressions,
    require_free,
)
from strangler.modernise.operation import ChangeType
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.modernise.sync import Half, Pair, names_replaced
from strangler.schema.compatibility.column_types import TypeChange, compare_types

_COPIED: Final = frozenset({"check", "foreign key"})


def plan_change_type(name: str, change: ChangeType, subject: Subject) -> OperationPlan:
    """The stages that give a column another type, under its name or under `to`.

    :raises UsageError: there is no such column, a name is taken, or other tables point at it.
    """
    column, shadow, wanted = change.column, change.to or f"{change.column}_new", subject.type_spelled(change.type)
    left = change.column if change.to else f"{change.column}_old"
    require_changeable(subject, column)
    for taken in {shadow, left} - {column}:
        require_free(subject, taken)
    old, required = subject.column(column).type, not subject.column(column).nullable
    pair = Pair(
        schema=subject.table.schema,
        table=subject.table.name,
        name=name,
        base=(Half(name=column, type=old, made=_back(change, column, shadow), required=required),),
        shadow=(Half(name=shadow, type=wanted, made=change.using or quoted(column), required=required),),
    )
    require_expressions(subject, pair)
    names = {} if change.to else {column: left, shadow: column}
    after = pair.renamed(names).turned()
    titles = (
        f"{subject.key} gets {shadow} of type {wanted}, which a trigger keeps equal to {column}",
        f"{shadow} gets the values of all rows, and the indexes of {column}",
        f"{shadow} is {column} in every row, with its constraints",
        f"{column} has the new type, and {left} the old one" if names else f"{shadow} has the default of {column}",
        f"{left} is dropped",
    )
    actions = (
        [expand_action(subject, pair)],
        [backfill_action(subject, pair), *index_actions(subject, pair)],
        [
            compare_action(subject, pair, strict=not change.lossy),
            *not_null_actions(subject, pair),
            *_constraint_actions(subject, pair),
        ],
        [cutover_action(subject, pair, after)],
        [compare_action(subject, after), archive_action(subject, after), _contract(subject, pair, after)],
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, actions),
        synced=Synced(table=subject.key, columns=tuple(dict.fromkeys((column, shadow, left)))),
        notes=(
            *pair_notes(subject, pair),
            "from expand on, a statement is refused whose value one of the two types doesn't take",
        ),
        unsafe=(*pair_hazards(subject, pair), *_narrowed(subject, pair)),
    )


def _narrowed(subject: Subject, pair: Pair) -> Iterator[str]:
    """A sentence where values of the old type don't fit the new one."""
    catalogs = (subject.catalog, subject.catalog)
    (base,), (shadow,) = pair.base, pair.shadow
    if compare_types(base.type, shadow.type, catalogs=catalogs) is TypeChange.NARROWER:
        yield (
            f"{shadow.type} takes fewer values than {base.type}, so that from expand on whoever writes a "
            f"larger one to {subject.key}.{base.name} is refused, or the value is cut"
        )


def _back(change: ChangeType, column: str, shadow: str) -> str:
    """The way back names the new column as the file does: by its own name, or by that of the column it replaces."""
    if not change.back:
        return quoted(shadow)
    return names_replaced(change.back, lambda name: shadow if name == column else name)


def _constraint_actions(subject: Subject, pair: Pair) -> Iterator[Action]:
    """A check or a foreign key like each of the base's, proven beside reads and writes."""
    for constraint, name, definition in _constraints(subject, pair):
        added = alter(subject.sql, f"ADD CONSTRAINT {quoted(name)} {definition} NOT VALID")
        dropped = alter(subject.sql, f"DROP CONSTRAINT {quoted(name)}")
        target = subject.catalog.tables[constraint.target] if constraint.target else None
        yield Action(
            table=subject.dotted,
            target=f"{target.schema}.{target.name}" if target else None,
            statements=(added,),
            undo=(dropped,),
        )
        if constraint.validated:
            yield Action(table=subject.dotted, statements=(alter(subject.sql, f"VALIDATE CONSTRAINT {quoted(name)}"),))


def _constraints(subject: Subject, pair: Pair) -> Iterator[tuple[CatalogConstraint, str, str]]:
    """Each check and foreign key of the base, with the name and the definition of its copy."""
    (base,), (shadow,) = pair.base, pair.shadow
    # Of a value that has another type the old one is made, so that the check means what it did.
    old = quoted(shadow.name) if base.made == quoted(shadow.name) else f"({base.value})"
    for constraint in subject.table.constraints:
        definition = constraint.definition.removesuffix(" NOT VALID")
        if constraint.kind == "foreign key":
            # Behind REFERENCES the names are those of another table.
            own, references, other = definition.partition(" REFERENCES ")
            like = names_replaced(own, lambda name: shadow.name if name == base.name else name) + references + other
        else:
            like = names_replaced(definition, lambda name: name, {base.name: old})
        if constraint.kind in _COPIED and like != definition:
            yield constraint, _copy_of(constraint.name), like


def _copy_of(name: str) -> str:
    return f"{name.encode()[:53].decode(errors='ignore')}_strangler"


def _contract(subject: Subject, pair: Pair, after: Pair) -> Action:
    """The end of the old column; the copies of its indexes and constraints get their names."""
    statements = [*drop_action(subject, after).statements]
    for index in subject.table.indexes:
        if index.valid and (made := index_like(subject, index, pair)) is not None:
            if index.constrains:
                using = f"ADD CONSTRAINT {quoted(index.name)} UNIQUE USING INDEX {quoted(made[0])}"
                statements.append(alter(subject.sql, using))
            else:
                statements.append(f"ALTER INDEX {subject.beside(made[0])} RENAME TO {quoted(index.name)}")
    for constraint, copy, _definition in _constraints(subject, pair):
        gone = pair.base_names[0] in constraint.columns
        if gone:
            rename = f"RENAME CONSTRAINT {quoted(copy)} TO {quoted(constraint.name)}"
            statements.append(alter(subject.sql, rename))
    return Action(table=subject.dotted, statements=tuple(statements))
