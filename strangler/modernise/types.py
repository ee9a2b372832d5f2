"""A column under two types: a copy of the new type grows beside it, and takes its place with all that hangs on it."""

from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import CatalogConstraint
from strangler.errors import UsageError
from strangler.handover.steps import Action, Work, alter, named, quoted
from strangler.modernise.columns import (
    archive_action,
    backfill_action,
    compare_action,
    expand_action,
    index_actions,
    index_like,
    not_null_actions,
    pair_hazards,
    pair_notes,
    require_free,
)
from strangler.modernise.operation import ChangeType
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.modernise.sync import Pair, names_replaced
from strangler.schema.compatibility.column_rules import is_numbering
from strangler.schema.compatibility.column_types import TypeChange, compare_types

_COPIED: Final = frozenset({"check", "foreign key"})


def plan_change_type(name: str, change: ChangeType, subject: Subject) -> OperationPlan:
    """The stages that give a column another type, under its name or under `to`.

    :raises UsageError: there is no such column, a name is taken, or other tables point at it.
    """
    column, shadow = change.column, change.to or f"{change.column}_new"
    left = change.column if change.to else f"{change.column}_old"
    _require_changeable(subject, column)
    for taken in {shadow, left} - {column}:
        require_free(subject, taken)
    pair = Pair(
        schema=subject.table.schema,
        table=subject.table.name,
        name=name,
        base=column,
        shadow=shadow,
        base_type=subject.column(column).type,
        shadow_type=change.type,
        to_shadow=change.using or quoted(column),
        to_base=_back(change, column, shadow),
    )
    names = {} if change.to else {column: left, shadow: column}
    after = pair.renamed(names).turned()
    titles = (
        f"{subject.key} gets {shadow} of type {change.type}, which a trigger keeps equal to {column}",
        f"{shadow} gets the values of all rows, and the indexes of {column}",
        f"{shadow} is {column} in every row, with its constraints",
        f"{column} has the new type, and {left} the old one" if names else f"{shadow} has the default of {column}",
        f"{left} is dropped",
    )
    actions = (
        [expand_action(subject, pair)],
        [backfill_action(subject, pair), *index_actions(subject, pair)],
        [_compare(subject, pair, change), *not_null_actions(subject, pair), *_constraint_actions(subject, pair)],
        [_cutover(subject, pair, after)],
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
    if compare_types(pair.base_type, pair.shadow_type, catalogs=catalogs) is TypeChange.NARROWER:
        yield (
            f"{pair.shadow_type} takes fewer values than {pair.base_type}, so that from expand on whoever writes a "
            f"larger one to {subject.key}.{pair.base} is refused, or the value is cut"
        )


def _back(change: ChangeType, column: str, shadow: str) -> str:
    """The way back names the new column as the file does: by its own name, or by that of the column it replaces."""
    if not change.back:
        return quoted(shadow)
    return names_replaced(change.back, lambda name: shadow if name == column else name)


def _require_changeable(subject: Subject, column: str) -> None:
    """Refuse a column whose copy could not take its place.

    :raises UsageError: it is one.
    """
    found = subject.column(column)
    hint = "write the revision by hand"
    if column in subject.table.primary_key:
        raise UsageError(f"{subject.key}.{column} is in the primary key", hint)
    if found.generated or is_numbering(found):
        raise UsageError(f"PostgreSQL fills {subject.key}.{column} by itself", hint)
    pointing = [
        f"{key}.{', '.join(constraint.columns)}"
        for key, table in subject.catalog.tables.items()
        for constraint in table.constraints
        if constraint.target == subject.key and column in constraint.target_columns
    ]
    if pointing:
        raise UsageError(
            f"{named(pointing)} {'point' if len(pointing) > 1 else 'points'} at {subject.key}.{column}",
            "drop that foreign key first",
        )


def _compare(subject: Subject, pair: Pair, change: ChangeType) -> Action:
    """The proof also that nothing of the old value is lost, unless the file says that it may be."""
    action = compare_action(subject, pair)
    if change.lossy or action.work is None:
        return action
    work = Work(**{**vars(action.work), "condition": f"{pair.differs} OR {pair.loses}"})
    return Action(table=action.table, work=work)


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
    for constraint in subject.table.constraints:
        definition = constraint.definition.removesuffix(" NOT VALID")
        if constraint.kind == "foreign key":
            # Behind REFERENCES the names are those of another table.
            own, references, other = definition.partition(" REFERENCES ")
            like = names_replaced(own, lambda name: pair.shadow if name == pair.base else name) + references + other
        else:
            # Of a value that has another type the old one is made, so that the check means what it did.
            old = (
                quoted(pair.shadow) if pair.to_base == quoted(pair.shadow) else f"(({pair.to_base})::{pair.base_type})"
            )
            like = names_replaced(definition, lambda name: name, {pair.base: old})
        if constraint.kind in _COPIED and like != definition:
            yield constraint, _copy_of(constraint.name), like


def _copy_of(name: str) -> str:
    return f"{name.encode()[:53].decode(errors='ignore')}_strangler"


def _cutover(subject: Subject, pair: Pair, after: Pair) -> Action:
    """The new column gets the default, and the name if it takes the place of the old one."""
    default = subject.column(pair.base).default
    base, shadow = quoted(pair.base), quoted(pair.shadow)
    forth, back = [], []
    if default is not None:
        given = names_replaced(pair.to_shadow, lambda name: name, {pair.base: f"({default})"})
        forth = [
            alter(subject.sql, f"ALTER COLUMN {shadow} SET DEFAULT ({given})::{pair.shadow_type}"),
            alter(subject.sql, f"ALTER COLUMN {base} DROP DEFAULT"),
        ]
        back = [
            alter(subject.sql, f"ALTER COLUMN {base} SET DEFAULT {default}"),
            alter(subject.sql, f"ALTER COLUMN {shadow} DROP DEFAULT"),
        ]
    names = [(pair.base, after.shadow), (pair.shadow, after.base)]
    renamed = [(old, new) for old, new in names if old != new]
    swap = [alter(subject.sql, f"RENAME COLUMN {quoted(old)} TO {quoted(new)}") for old, new in renamed]
    undone = [alter(subject.sql, f"RENAME COLUMN {quoted(new)} TO {quoted(old)}") for old, new in reversed(renamed)]
    return Action(
        table=subject.dotted,
        statements=(pair.drop_sql()[0], *forth, *swap, after.function_sql(replaced=True), after.trigger_sql()),
        undo=(after.drop_sql()[0], *undone, *back, pair.function_sql(replaced=True), pair.trigger_sql()),
    )


def _contract(subject: Subject, pair: Pair, after: Pair) -> Action:
    """The end of the old column; the copies of its indexes and constraints get their names."""
    statements = [*after.drop_sql(), alter(subject.sql, f"DROP COLUMN {quoted(after.shadow)}")]
    for index in subject.table.indexes:
        if index.valid and (made := index_like(subject, index, pair)) is not None:
            if index.constrains:
                using = f"ADD CONSTRAINT {quoted(index.name)} UNIQUE USING INDEX {quoted(made[0])}"
                statements.append(alter(subject.sql, using))
            else:
                statements.append(f"ALTER INDEX {subject.beside(made[0])} RENAME TO {quoted(index.name)}")
    for constraint, copy, _definition in _constraints(subject, pair):
        gone = pair.base in constraint.columns
        if gone:
            rename = f"RENAME CONSTRAINT {quoted(copy)} TO {quoted(constraint.name)}"
            statements.append(alter(subject.sql, rename))
    return Action(table=subject.dotted, statements=tuple(statements))
