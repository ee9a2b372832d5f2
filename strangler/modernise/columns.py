"""A column under two names: the copy that a trigger keeps equal, and the moment at which the names change places."""

from collections.abc import Iterator, Sequence
from typing import Final

from shared_schema.catalog import CatalogIndex
from strangler.errors import UsageError
from strangler.handover.steps import Action, Work, alter, listed, named, quoted
from strangler.modernise.operation import RenameColumn
from strangler.modernise.stages import OperationPlan, Synced, stage_steps
from strangler.modernise.subject import Subject
from strangler.modernise.sync import Half, Pair, names_replaced
from strangler.schema.compatibility.column_rules import is_numbering
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
    required = not column.nullable
    pair = Pair(
        schema=table.schema,
        table=table.name,
        name=name,
        base=(Half(name=change.column, type=column.type, made=quoted(change.to), required=required),),
        shadow=(Half(name=change.to, type=column.type, made=quoted(change.column), required=required),),
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


def require_changeable(subject: Subject, column: str) -> None:
    """Refuse a column whose place another could not take.

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


def require_expressions(subject: Subject, pair: Pair) -> None:
    """Refuse an expression that the trigger could not compute, before any writer meets it.

    :raises UsageError: there is one.
    """
    for name, made, query in pair.probes():
        subject.require_query(
            query,
            message=f"{made} makes no value of {subject.key}.{name}",
            hint="write an expression of the columns on the other side",
        )


def pair_hazards(subject: Subject, pair: Pair) -> Iterator[str]:
    """Sentences on what columns of two names can't keep as one would."""
    for half in pair.base:
        column = subject.table.columns[half.name]
        if column.nullable and column.default is not None:
            yield (
                f"{subject.key}.{half.name} may be null and has a default, so that an INSERT that gives NULL as "
                f"{spoken(pair.shadow)} gets the default"
            )
        for trigger, text in subject.table.triggers.items():
            if half.name in names_in(text.partition("\n")[2]):
                yield (
                    f"the trigger {trigger} of {subject.key} names {half.name} in its function, and would fail "
                    "without it"
                )


def pair_notes(subject: Subject, pair: Pair) -> Iterator[str]:
    """What an operator should know."""
    are, them = ("is", "it") if len(pair.shadow) == 1 else ("are", "them")
    shadow = spoken(pair.shadow)
    yield f"until verify is done, {shadow} {are} null in rows that were not reached yet: read {them} only then"
    for trigger, text in subject.table.triggers.items():
        if "UPDATE" in text.partition(" ON ")[0]:
            yield f"the backfill updates every row, and so fires the trigger {trigger} of {subject.key}"


def spoken(halves: Sequence[Half]) -> str:
    """Columns in a sentence."""
    return named([half.name for half in halves])


def expand_action(subject: Subject, pair: Pair) -> Action:
    """The columns of the shadow, and the trigger."""
    rights = [right for half in pair.shadow for right in subject.column_rights(pair.base_names, half.name)]
    added = ", ".join(f"ADD COLUMN {quoted(half.name)} {half.type}{_collated(subject, pair)}" for half in pair.shadow)
    dropped = ", ".join(f"DROP COLUMN {quoted(half.name)}" for half in pair.shadow)
    return Action(
        table=subject.dotted,
        statements=(alter(subject.sql, added), *rights, pair.function_sql(), pair.trigger_sql()),
        undo=(*pair.drop_sql(), alter(subject.sql, dropped)),
    )


def _collated(subject: Subject, pair: Pair) -> str:
    """A copy sorts as the column does."""
    (base, *_more), types = pair.base, {half.type for half in (*pair.base, *pair.shadow)}
    collation = subject.table.columns[base.name].collation
    is_copy = len(pair.base) == len(pair.shadow) == len(types)
    return f" COLLATE {collation}" if collation and is_copy else ""


def backfill_action(subject: Subject, pair: Pair) -> Action:
    """The values of the rows that were there before."""
    name = f"{subject.key}.{spoken(pair.shadow)}"
    work = Work(kind="backfill", table=subject.sql, name=name, assignment=pair.assignment, condition=pair.differs)
    return Action(table=subject.dotted, work=work)


def compare_action(subject: Subject, pair: Pair, *, strict: bool = False) -> Action:
    """The proof that both sides say the same in every row; `strict`, that nothing of the old value is lost either."""
    work = Work(
        kind="compare",
        table=subject.sql,
        name=f"{subject.key}.{spoken((*pair.base, *pair.shadow))}",
        columns=", ".join(map(quoted, subject.table.primary_key)) or "ctid",
        sides=pair.sides,
        condition=f"{pair.differs} OR {pair.loses}" if strict else pair.differs,
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
    (base,), (shadow,) = pair.base, pair.shadow
    head, using, rest = index.definition.partition(" USING ")
    other = names_replaced(rest, lambda name: shadow.name if name == base.name else name)
    if other == rest:
        return None
    name = f"{index.name.encode()[: _LONGEST - 10].decode(errors='ignore')}_strangler"
    unique = "UNIQUE " if head.startswith("CREATE UNIQUE") else ""
    return name, f"CREATE {unique}INDEX CONCURRENTLY {quoted(name)} ON {subject.sql}{using}{other}"


def not_null_actions(subject: Subject, pair: Pair) -> Iterator[Action]:
    """NOT NULL for what is required of the shadow, proven beside reads and writes."""
    columns = [quoted(half.name) for half in pair.shadow if half.required]
    if not columns:
        return
    name, proof = quoted(f"strangler_{pair.name}"), " AND ".join(f"{column} IS NOT NULL" for column in columns)
    check = f"ADD CONSTRAINT {name} CHECK ({proof}) NOT VALID"
    dropped = alter(subject.sql, f"DROP CONSTRAINT {name}")
    yield Action(table=subject.dotted, statements=(alter(subject.sql, check),), undo=(dropped,))
    yield Action(table=subject.dotted, statements=(alter(subject.sql, f"VALIDATE CONSTRAINT {name}"),))
    forth, back = (
        ", ".join(f"ALTER COLUMN {column} {verb} NOT NULL" for column in columns) for verb in ("SET", "DROP")
    )
    yield Action(
        table=subject.dotted,
        statements=(alter(subject.sql, forth), dropped),
        undo=(alter(subject.sql, check), alter(subject.sql, back)),
    )


def cutover_action(subject: Subject, pair: Pair, after: Pair) -> Action:
    """The shadow becomes the base of `after`, with its names there: PostgreSQL fills it, by defaults of its own."""
    defaults = {half.name: subject.table.columns[half.name].default for half in pair.base}
    forth, back = [], []
    given = {name: default for name, default in defaults.items() if default is not None}
    # Where a statement has to give one of the base, there is no row of defaults alone.
    if given and all(half.name in given or not half.required for half in pair.base):
        values = {half.name: f"({given.get(half.name, 'NULL')})::{half.type}" for half in pair.base}
        forth = [
            f"ALTER COLUMN {quoted(half.name)} SET DEFAULT "
            f"({names_replaced(half.made, lambda name: name, values)})::{half.type}"
            for half in pair.shadow
        ]
        back = [f"ALTER COLUMN {quoted(half.name)} DROP DEFAULT" for half in pair.shadow]
        for half in pair.base:
            if half.name in given and half.default is None:
                forth.append(f"ALTER COLUMN {quoted(half.name)} DROP DEFAULT")
                back.append(f"ALTER COLUMN {quoted(half.name)} SET DEFAULT {given[half.name]}")
    names = zip((*pair.base, *pair.shadow), (*after.shadow, *after.base), strict=True)
    renamed = [(quoted(old.name), quoted(new.name)) for old, new in names if old.name != new.name]
    return Action(
        table=subject.dotted,
        statements=(
            pair.drop_sql()[0],
            *(alter(subject.sql, change) for change in forth),
            *(alter(subject.sql, f"RENAME COLUMN {old} TO {new}") for old, new in renamed),
            after.function_sql(replaced=True),
            after.trigger_sql(),
        ),
        undo=(
            after.drop_sql()[0],
            *(alter(subject.sql, f"RENAME COLUMN {new} TO {old}") for old, new in reversed(renamed)),
            *(alter(subject.sql, change) for change in back),
            pair.function_sql(replaced=True),
            pair.trigger_sql(),
        ),
    )


def _swap(subject: Subject, pair: Pair, swapped: Pair) -> Action:
    """Both names change places in one transaction: keys, indexes and defaults go on with the column itself."""
    (base,), (shadow,) = pair.base, pair.shadow
    aside = f"strangler_{pair.name}"

    def rename(old: str, new: str) -> str:
        return alter(subject.sql, f"RENAME COLUMN {quoted(old)} TO {quoted(new)}")

    def swap(one: str, other: str) -> tuple[str, ...]:
        return rename(one, aside), rename(other, one), rename(aside, other)

    return Action(
        table=subject.dotted,
        statements=(*swap(base.name, shadow.name), swapped.function_sql(replaced=True)),
        undo=(*swap(shadow.name, base.name), pair.function_sql(replaced=True)),
    )


def archive_action(subject: Subject, pair: Pair) -> Action:
    """The shadow's values with the keys of their rows, in a file that is read back."""
    names = [half.name for half in pair.shadow]
    # A key that was renamed has the new name.
    key = [pair.base_names[0] if name in names else name for name in subject.table.primary_key]
    columns = listed([*(key or pair.base_names), *names])
    work = Work(kind="archive", table=subject.sql, name=f"{subject.table.name}.{'_'.join(names)}", columns=columns)
    return Action(table=subject.dotted, work=work)


def drop_action(subject: Subject, pair: Pair) -> Action:
    """The end of the shadow."""
    dropped = ", ".join(f"DROP COLUMN {quoted(half.name)}" for half in pair.shadow)
    return Action(table=subject.dotted, statements=(*pair.drop_sql(), alter(subject.sql, dropped)))
