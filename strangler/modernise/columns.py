"""A column under two names: the copy that a trigger keeps equal, and the moment at which the names change places."""

from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import CatalogIndex
from strangler.errors import UsageError
from strangler.handover.steps import Action, Work, alter, quoted
from strangler.modernise.operation import RenameColumn
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.modernise.sync import Pair, names_replaced
from strangler.schema.compatibility.sql_text import names_in

_LONGEST: Final = 63


def plan_rename_column(name: str, change: RenameColumn, subject: Subject) -> OperationPlan:
    """The stages that give a column another name.

    :raises UsageError: there is no such column, or the name is taken.
    """
    table, column = subject.table, subject.column(change.column)
    require_free(subject, change.to)
    if column.generated:
        raise UsageError(
            f"{subject.key}.{change.column} is generated, so nobody writes it", "write a revision that adds another one"
        )
    pair = Pair(
        schema=table.schema,
        table=table.name,
        name=name,
        base=change.column,
        shadow=change.to,
        base_type=column.type,
        shadow_type=column.type,
        to_shadow=quoted(change.column),
        to_base=quoted(change.to),
    )
    swapped = pair.renamed({change.column: change.to, change.to: change.column})
    titles = (
        f"{subject.key} gets {change.to}, which a trigger keeps equal to {change.column}",
        f"{change.to} gets the values of all rows, and the indexes of {change.column}",
        f"{change.to} is {change.column} in every row" + ("" if column.nullable else ", and NOT NULL"),
        f"the column itself is called {change.to}, and its copy {change.column}",
        f"{change.column} is dropped",
    )
    actions = (
        [expand_action(subject, pair)],
        [backfill_action(subject, pair), *index_actions(subject, pair)],
        [compare_action(subject, pair), *not_null_actions(subject, pair)],
        [_swap(subject, pair, swapped)],
        [compare_action(subject, swapped), archive_action(subject, swapped), drop_action(subject, swapped)],
    )
    return OperationPlan(
        title=str(change),
        stages=stage_steps(titles, actions),
        synced=Synced(table=subject.key, columns=(change.column, change.to)),
        notes=tuple(pair_notes(subject, pair)),
        unsafe=tuple(pair_hazards(subject, pair)),
    )


def require_free(subject: Subject, name: str) -> None:
    """Refuse the name of another column, or one that PostgreSQL would cut.

    :raises UsageError: it is one.
    """
    if name in subject.table.columns:
        raise UsageError(f"{subject.key} has a column {name} already", "choose another name")
    if len(name.encode()) > _LONGEST:
        raise UsageError(f"{name} is longer than the {_LONGEST} bytes of a name in PostgreSQL", "choose a shorter one")


def pair_hazards(subject: Subject, pair: Pair) -> Iterator[str]:
    """Sentences on what two columns can't keep as one would."""
    column = subject.table.columns[pair.base]
    if column.nullable and column.default is not None:
        yield (
            f"{subject.key}.{pair.base} may be null and has a default, so that an INSERT that gives NULL as "
            f"{pair.shadow} gets the default"
        )
    for trigger, text in subject.table.triggers.items():
        if pair.base in names_in(text.partition("\n")[2]):
            yield f"the trigger {trigger} of {subject.key} names {pair.base} in its function, and would fail without it"


def pair_notes(subject: Subject, pair: Pair) -> Iterator[str]:
    """What an operator should know."""
    yield f"until verify is done, {pair.shadow} is null in rows that were not reached yet: read it only then"
    for trigger, text in subject.table.triggers.items():
        if "UPDATE" in text.partition(" ON ")[0]:
            yield f"the backfill updates every row, and so fires the trigger {trigger} of {subject.key}"


def expand_action(subject: Subject, pair: Pair) -> Action:
    """The second column, and the trigger."""
    collation = subject.table.columns[pair.base].collation
    spelled = f" COLLATE {collation}" if collation and pair.base_type == pair.shadow_type else ""
    rights = subject.column_rights(pair.base, pair.shadow)
    added = f"ADD COLUMN {quoted(pair.shadow)} {pair.shadow_type}{spelled}"
    return Action(
        table=subject.dotted,
        statements=(alter(subject.sql, added), *rights, pair.function_sql(), pair.trigger_sql()),
        undo=(*pair.drop_sql(), alter(subject.sql, f"DROP COLUMN {quoted(pair.shadow)}")),
    )


def backfill_action(subject: Subject, pair: Pair) -> Action:
    """The values of the rows that were there before."""
    name = f"{subject.key}.{pair.shadow}"
    work = Work(kind="backfill", table=subject.sql, name=name, assignment=pair.assignment, condition=pair.differs)
    return Action(table=subject.dotted, work=work)


def compare_action(subject: Subject, pair: Pair) -> Action:
    """The proof that both columns say the same in every row."""
    work = Work(
        kind="compare",
        table=subject.sql,
        name=f"{subject.key}.{pair.base} and {pair.shadow}",
        columns=", ".join(map(quoted, subject.table.primary_key)) or "ctid",
        sides=(f"({pair.to_shadow})::{pair.shadow_type}", quoted(pair.shadow)),
        condition=pair.differs,
    )
    return Action(table=subject.dotted, work=work)


def index_actions(subject: Subject, pair: Pair) -> Iterator[Action]:
    """An index like each that has the base in it, so that either name is found as fast."""
    for index in subject.table.indexes:
        if index.valid and (made := index_like(subject, index, pair)) is not None:
            name, statement = made
            dropped = f"DROP INDEX CONCURRENTLY IF EXISTS {subject.beside(name)}"
            # A build that was interrupted leaves an index that isn't valid.
            yield Action(table=subject.dotted, statements=(dropped, statement), undo=(dropped,), concurrently=True)


def index_like(subject: Subject, index: CatalogIndex, pair: Pair) -> tuple[str, str] | None:
    """The name and the statement of an index on the shadow; None where the index is without the base."""
    head, using, rest = index.definition.partition(" USING ")
    other = names_replaced(rest, lambda name: pair.shadow if name == pair.base else name)
    if other == rest:
        return None
    name = f"{index.name.encode()[: _LONGEST - 10].decode(errors='ignore')}_strangler"
    unique = "UNIQUE " if head.startswith("CREATE UNIQUE") else ""
    return name, f"CREATE {unique}INDEX CONCURRENTLY {quoted(name)} ON {subject.sql}{using}{other}"


def not_null_actions(subject: Subject, pair: Pair) -> Iterator[Action]:
    """NOT NULL, proven beside reads and writes, where the base has it."""
    if subject.table.columns[pair.base].nullable:
        return
    name, shadow = quoted(f"strangler_{pair.name}"), quoted(pair.shadow)
    check = f"ADD CONSTRAINT {name} CHECK ({shadow} IS NOT NULL) NOT VALID"
    dropped = alter(subject.sql, f"DROP CONSTRAINT {name}")
    yield Action(table=subject.dotted, statements=(alter(subject.sql, check),), undo=(dropped,))
    yield Action(table=subject.dotted, statements=(alter(subject.sql, f"VALIDATE CONSTRAINT {name}"),))
    yield Action(
        table=subject.dotted,
        statements=(alter(subject.sql, f"ALTER COLUMN {shadow} SET NOT NULL"), dropped),
        undo=(alter(subject.sql, check), alter(subject.sql, f"ALTER COLUMN {shadow} DROP NOT NULL")),
    )


def _swap(subject: Subject, pair: Pair, swapped: Pair) -> Action:
    """Both names change places in one transaction: keys, indexes and defaults go on with the column itself."""
    aside = f"strangler_{pair.name}"

    def rename(old: str, new: str) -> str:
        return alter(subject.sql, f"RENAME COLUMN {quoted(old)} TO {quoted(new)}")

    def swap(one: str, other: str) -> tuple[str, ...]:
        return rename(one, aside), rename(other, one), rename(aside, other)

    return Action(
        table=subject.dotted,
        statements=(*swap(pair.base, pair.shadow), swapped.function_sql(replaced=True)),
        undo=(*swap(pair.shadow, pair.base), pair.function_sql(replaced=True)),
    )


def archive_action(subject: Subject, pair: Pair) -> Action:
    """The shadow's values with the keys of their rows, in a file that is read back."""
    key = [name for name in subject.table.primary_key if name not in (pair.base, pair.shadow)]
    columns = ", ".join(map(quoted, [*(key or [pair.base]), pair.shadow]))
    work = Work(kind="archive", table=subject.sql, name=f"{subject.table.name}.{pair.shadow}", columns=columns)
    return Action(table=subject.dotted, work=work)


def drop_action(subject: Subject, pair: Pair) -> Action:
    """The end of the shadow."""
    dropped = alter(subject.sql, f"DROP COLUMN {quoted(pair.shadow)}")
    return Action(table=subject.dotted, statements=(*pair.drop_sql(), dropped))
