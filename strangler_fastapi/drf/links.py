"""How tables hang together, from the contract: foreign keys and many-to-many relations between mapped classes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Double, Executable, Select, bindparam, cast, delete, func, inspect, select
from sqlalchemy.dialects.postgresql import HSTORE, insert
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from shared_schema.contract.contract import ColumnFacts, TableFacts
from shared_schema.mapping import Reflected, primary_key
from strangler_fastapi.db.query import Rows, ValueOfRow


@dataclass(frozen=True)
class ForeignKey:
    """The column `source` of a class points at the column `key` of `target`; both are names of attributes."""

    source: str
    target: type[Reflected]
    key: str

    def rows(self, owner: Any, related: Any, row: Any) -> Select[Any]:  # noqa: ANN401 - aliases and an expression
        """`row` of the row of `related` that the one of `owner` points at."""
        return select(row).where(getattr(related, self.key) == getattr(owner, self.source)).correlate(owner)


@dataclass(frozen=True)
class ManyToMany:
    """Rows of `through` link a row to those of `target`, which `ordering` orders.

    `source` and `other` are the attributes of `through` that point at the two ends, `key` that of `target` which
    `other` points at.
    """

    through: type[Reflected]
    source: str
    other: str
    target: type[Reflected]
    key: str
    ordering: tuple[str, ...] = ()

    def rows(self, owner: Any, related: Any, row: Any) -> Select[Any]:  # noqa: ANN401 - as above
        """`row` of each row of `related` that is linked to the one of `owner`."""
        link = aliased(self.through)
        joined = select(row).join_from(link, related, getattr(related, self.key) == getattr(link, self.other))
        linked = joined.where(getattr(link, self.source) == primary_key_of(owner)).correlate(owner)
        return linked.order_by(*_terms(self.target, related, self.ordering), primary_key_of(link))

    def keys(self, owner: Any) -> Select[Any]:  # noqa: ANN401 - as above
        """The key of each row of `target` that is linked to the one of `owner`."""
        if self.ordering:
            related = aliased(self.target)
            return self.rows(owner, related, getattr(related, self.key))
        link = aliased(self.through)
        linked = select(getattr(link, self.other)).where(getattr(link, self.source) == primary_key_of(owner))
        return linked.correlate(owner).order_by(primary_key_of(link))

    def of(self, key: object) -> Rows:
        """The keys that the row with that key is linked to."""

        def build() -> Executable:
            source = getattr(self.through, self.source)
            linked = select(getattr(self.through, self.other))
            return linked.where(source == bindparam("key", type_=source.type))

        return Rows((self.through, "linked", self.source, self.other), build, {"key": key})

    def add(self, key: object, others: Iterable[object]) -> Rows:
        """Links the row to these; a link that another request made meanwhile is left alone."""
        named = {f"other{number}": each for number, each in enumerate(others)}

        # SQLAlchemy tells no structure of an INSERT of several rows, and would compile each.
        def build() -> Executable:
            table: Any = self.through.__table__
            source, other = table.c[self._column(self.source)], table.c[self._column(self.other)]
            given = bindparam("key", type_=source.type)
            rows = [{source: given, other: bindparam(name, type_=other.type)} for name in named]
            return insert(table).values(rows).on_conflict_do_nothing()

        return Rows((self.through, "links", self.source, self.other, len(named)), build, {"key": key, **named})

    def remove(self, key: object, others: Sequence[object]) -> Executable:
        """Takes these links away."""
        through: Any = self.through
        links = delete(self.through.__table__).where(getattr(through, self.source) == key)
        return links.where(getattr(through, self.other).in_(others))

    def _column(self, attribute: str) -> str:
        return self.through.__columns__.get(attribute, attribute)


@dataclass(frozen=True)
class OneToMany:
    """Rows of `target` point at a row by their column `source`; `key` is the attribute of that row which they name.

    `ordering` orders them, and their key where that leaves any order; a term with `__` follows foreign keys.
    """

    target: type[Reflected]
    source: str
    key: str
    ordering: tuple[str, ...] = ()

    def rows(self, owner: Any, related: Any, row: Any) -> Select[Any]:  # noqa: ANN401 - as above
        """`row` of each row of `related` that points at the one of `owner`."""
        pointing = select(row).where(getattr(related, self.source) == getattr(owner, self.key)).correlate(owner)
        return pointing.order_by(*_terms(self.target, related, self.ordering), primary_key_of(related))

    def keys(self, owner: Any) -> Select[Any]:  # noqa: ANN401 - as above
        """The key of each row that points at the one of `owner`."""
        related = aliased(self.target)
        return self.rows(owner, related, primary_key_of(related))


@dataclass(frozen=True)
class OneToOne(OneToMany):
    """The row of `target` that points at a row by its unique column `source`, or none."""


def foreign_key(model: type[Reflected], field: str) -> ForeignKey:
    """The foreign key that Django's field of that name is.

    Raises:
        LookupError: the contract has none, or the mapping has no class for the table that it points at.
    """
    for column, facts in _facts(model).columns.items():
        if facts.field == field and facts.references is not None:
            target = _class_of(model, facts.references.table)
            return ForeignKey(attribute_of(model, column), target, attribute_of(target, facts.references.column))
    raise LookupError(f"Table {model.__table_key__} has no foreign key {field!r} in the contract.")


def many_to_many(model: type[Reflected], field: str) -> ManyToMany:
    """The relation that Django's field of that name is.

    Raises:
        LookupError: the contract has none, or the mapping has no class for one of its tables.
    """
    facts = _facts(model).many_to_many.get(field)
    if facts is None:
        raise LookupError(f"Table {model.__table_key__} has no many-to-many relation {field!r} in the contract.")
    through, target = _class_of(model, facts.table), _class_of(model, facts.target)
    other = _facts(through).columns[facts.target_column]
    assert other.references is not None  # noqa: S101 - it points at the target
    return ManyToMany(
        through,
        attribute_of(through, facts.source_column),
        attribute_of(through, facts.target_column),
        target,
        attribute_of(target, other.references.column),
        tuple(_ordering_term(target, term) for term in _facts(target).ordering),
    )


def many_to_many_from(model: type[Reflected], target: type[Reflected], field: str) -> ManyToMany:
    """The rows of `target` that are linked to a row of `model` by their relation `field`: its other end.

    Raises:
        LookupError: the contract has no such relation, or the mapping has no class for its table.
    """
    there = many_to_many(target, field)
    if there.target is not model:
        raise LookupError(
            f"Table {target.__table_key__} has {there.target.__table_key__} in {field!r}, not {model.__table_key__}."
        )
    back = _facts(there.through).columns[_facts(target).many_to_many[field].source_column].references
    assert back is not None  # noqa: S101 - it points at the target
    ordering = tuple(_ordering_term(target, term) for term in _facts(target).ordering)
    return ManyToMany(there.through, there.other, there.source, target, attribute_of(target, back.column), ordering)


def one_to_many(model: type[Reflected], target: type[Reflected], field: str) -> OneToMany:
    """The rows of `target` whose foreign key `field` points at a row of `model`: Django's reverse relation.

    Raises:
        LookupError: the contract has no such foreign key, or it points elsewhere.
    """
    back = foreign_key(target, field)
    if back.target is not model:
        other, wanted = back.target.__table_key__, model.__table_key__
        raise LookupError(f"Table {target.__table_key__} points at {other} by {field!r}, not at {wanted}.")
    ordering = tuple(_ordering_term(target, term) for term in _facts(target).ordering)
    return OneToMany(target, back.source, back.key, ordering)


def one_to_one(model: type[Reflected], target: type[Reflected], field: str) -> OneToOne:
    """The row of `target` whose OneToOneField `field` points at a row of `model`.

    Raises:
        LookupError: the contract has no such key, or it points elsewhere.
    """
    back = one_to_many(model, target, field)
    return OneToOne(back.target, back.source, back.key)


def related_count(owner: Any, link: OneToMany | ManyToMany) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
    """How many rows a link has from the one of `owner`, as `annotate(number=Count(…))` has it."""
    related = aliased(link.target)
    return link.rows(owner, related, func.count()).order_by(None).scalar_subquery()


def related_number(owner: Any, link: OneToMany, function: str, column: str) -> Any:  # noqa: ANN401 - as above
    """The `avg`, `sum`, `max` or `min` of a column of whole numbers in the rows of a link, null where there are none.

    As `annotate(rating=Avg("reviews__score"))` has it, whose average is a float.
    """
    related = aliased(link.target)
    made = getattr(func, function)(column_at(related, column))
    kinds: dict[str, TypeEngine[Any]] = {"avg": Double(), "sum": BigInteger()}
    made = cast(made, kinds[function]) if function in kinds else made
    return link.rows(owner, related, made).order_by(None).scalar_subquery()


def related_column(model: type[Reflected], path: str) -> Any:  # noqa: ANN401 - an expression
    """The column that Django's lookup `path` (`category__name`) leads to by foreign keys; null where one is null.

    Raises:
        LookupError: the contract has no such path, or the mapping lacks a class on it.
    """
    return _followed(model, model, path.split("__"))


def column_at(owner: Any, path: str) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
    """The column that Django's lookup `path` leads to from the row of `owner`; see `related_column`."""
    return _followed(inspect(owner).mapper.class_, owner, path.split("__"))


def may_lead_nowhere(model: type[Reflected], path: str) -> bool:
    """Whether a foreign key on Django's lookup `path` may be null."""
    name, _, rest = path.partition("__")
    if not rest:
        return False
    key = foreign_key(model, name)
    column = model.__columns__.get(key.source, key.source)
    return _facts(model).columns[column].null or may_lead_nowhere(key.target, rest)


def primary_key_of(owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and its attribute
    """The key of the rows of a class, or of an alias of it."""
    return getattr(owner, primary_key(inspect(owner).mapper.class_).key)


def attribute_of(model: type[Reflected], column: str) -> str:
    """The attribute that stands for a column."""
    return {name: attribute for attribute, name in model.__columns__.items()}.get(column, column)


def ordered_by(owner: Any, ordering: tuple[str, ...]) -> list[Any]:  # noqa: ANN401 - as above
    """What orders the rows of a class or of an alias of it, by Django's terms."""
    model = inspect(owner).mapper.class_
    return _terms(model, owner, tuple(_ordering_term(model, term) for term in ordering))


def value_at(owner: Any, path: str) -> ValueOfRow:  # noqa: ANN401 - as above
    """The same with the row that it is of, which may not be there."""
    model, names = inspect(owner).mapper.class_, path.split("__")
    return ValueOfRow(_followed(model, owner, names, func.row), _followed(model, owner, names))


def _followed(
    model: type[Reflected],
    owner: Any,  # noqa: ANN401 - as above
    path: list[str],
    of_column: Callable[[Any], Any] = lambda column: column,
) -> Any:  # noqa: ANN401 - as above
    name, *rest = path
    if not rest:
        return of_column(readable(getattr(owner, attribute_of_field(model, name))))
    key = foreign_key(model, name)
    related = aliased(key.target)
    return key.rows(owner, related, _followed(key.target, related, rest, of_column)).scalar_subquery()


def readable(column: Any) -> Any:  # noqa: ANN401 - a mapped attribute, and an expression
    """A column as the driver reads it, within a row too: PostgreSQL's hstore as JSON."""
    return cast(column, JSON) if isinstance(getattr(column, "type", None), HSTORE) else column


def attribute_of_field(model: type[Reflected], term: str) -> str:
    """The attribute of Django's field, or of its column; `-` before it stays."""
    sign, name = ("-", term[1:]) if term.startswith("-") else ("", term)
    columns: dict[str, ColumnFacts] = dict(_facts(model).columns)
    for column, facts in columns.items():
        if name in (facts.field, column) or (name == "pk" and facts.primary_key):
            return sign + attribute_of(model, column)
    raise LookupError(f"Table {model.__table_key__} has no field {name!r} in the contract.")


def _facts(model: type[Reflected]) -> TableFacts:
    facts = model.__mapping__.contract.tables.get(model.__table_key__)
    if facts is None:
        raise LookupError(f"Table {model.__table_key__} is not in the contract: export the schema again.")
    return facts


def _class_of(model: type[Reflected], table: str) -> type[Reflected]:
    related = model.__mapping__.class_of(table)
    if related is None:
        raise LookupError(
            f"Table {model.__table_key__} is related to {table}, for which the mapping has no class: add one."
        )
    return related


def _ordering_term(model: type[Reflected], term: str) -> str:
    """A term of Django's `ordering`, with attributes for fields; one that follows foreign keys stays a path."""
    return term if "__" in term else attribute_of_field(model, term)


def _terms(model: type[Reflected], owner: Any, ordering: tuple[str, ...]) -> list[Any]:  # noqa: ANN401 - as above
    """What orders the rows of `owner`, an alias of `model`."""
    named = ((term, term.removeprefix("-")) for term in ordering)
    columns = (
        (term, _followed(model, owner, name.split("__")) if "__" in name else getattr(owner, name))
        for term, name in named
    )
    return [column.desc() if term.startswith("-") else column.asc() for term, column in columns]
