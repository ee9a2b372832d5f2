"""django-filter's filters whose choices are rows that are there at the moment of the request."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Select, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared_schema.consumer.samples import sample_of
from shared_schema.mapping import Reflected, primary_key
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.criteria import Criterion, equals, read_text
from strangler_fastapi.drf.filters.filter_forms import FormField, no_such_choice
from strangler_fastapi.drf.filters.filtering import NO_ROW, Attribute, Filter, Params
from strangler_fastapi.drf.filters.filters import column_filter
from strangler_fastapi.drf.links import ManyToMany
from strangler_fastapi.drf.validators import Invalid, biggest, check_storable, read_uuid


@dataclass(frozen=True)
class RelatedFilter(Filter):
    """The key of a row of `model`, which has to be there (`ModelChoiceFilter`); see `related_filter`."""

    model: type[Reflected] | None = None

    def sampled(self, name: str) -> Iterator[dict[str, str]]:
        """See Filter: a key, of whatever type the table's is."""
        return _sampled(name, self.model, None)

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        model, key = self.model, None
        with suppress(Invalid):
            key = _read_key(model, params.get(name, ""))
        if model is None or key is None:
            return None
        held = equals("key", lambda: primary_key(model), key)
        return Rows(
            (model.__table_key__, "exists"), lambda: select(primary_key(model)).where(held.clause()), held.values
        )


@dataclass(frozen=True)
class RelatedMultipleFilter(Filter):
    """Rows of `model` by their keys or by `named`, each of which has to be there (`ModelMultipleChoiceFilter`)."""

    model: type[Reflected] | None = None
    named: str | None = None

    def sampled(self, name: str) -> Iterator[dict[str, str]]:
        """See Filter: a name, of whatever type the column is."""
        return _sampled(name, self.model, self.named)

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        model, named = self.model, self.named
        if model is None:
            return None
        try:
            keys = [_read_several(partial(_name_of, model, named), text) for text in self.texts(name, params)]
        except Invalid:
            return None
        if not keys:
            return None

        def build() -> Executable:
            key = _name_of(model, named)
            return select(key).where(key == func.any(bindparam("keys", type_=ARRAY(type(key.type)))))

        kind = _name_of(model, named).type
        held = [key for key in keys if not isinstance(key, int) or abs(key) <= biggest(kind)]
        return Rows((model.__table_key__, f"exist by {named or 'key'}"), build, {"keys": held})

    def fault(self, name: str, params: Params, rows: Sequence[Sequence[Any]]) -> str | None:
        """See Filter."""
        return _unknown_of(self.texts(name, params), rows)


@dataclass(frozen=True)
class AllValuesMultipleFilter(Filter):
    """Values each of which some row holds, as `held` gives them for a list of texts (`AllValuesMultipleFilter`)."""

    held: Callable[[Any], Select[Any]] | None = None

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        held, texts = self.held, self.texts(name, params)
        if held is None or not texts or any("\x00" in text for text in texts):
            return None
        statement = held(func.any(bindparam("held", type_=ARRAY(Text))))
        return Rows((str(statement), "held"), lambda: statement, {"held": texts})

    def fault(self, name: str, params: Params, rows: Sequence[Sequence[Any]]) -> str | None:
        """See Filter."""
        return _unknown_of(self.texts(name, params), rows)


@dataclass(frozen=True)
class AllValuesFilter(Filter):
    """A value that some row's `column` holds (`AllValuesFilter`)."""

    column: Attribute | None = None

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        column, text = self.column, params.get(name, "")
        if column is None or not text or "\x00" in text:
            return None

        def build() -> Executable:
            return select(column()).where(cast(column(), Text) == bindparam("held", type_=Text)).limit(1)

        return Rows((str(column()), "held"), build, {"held": text})

    def fault(self, name: str, params: Params, rows: Sequence[Sequence[Any]]) -> str | None:
        """See Filter."""
        return None if rows else no_such_choice(params.get(name, ""))


def related_filter(column: Attribute, model: type[Reflected]) -> Filter:
    """A foreign key's `column` that holds the key of one row of `model`; that row has to be there."""

    def read(name: str, text: str) -> Criterion | None:
        key = _read_key(model, text)
        return None if key is None else equals(name, column, key)

    return RelatedFilter(read, samples=(), description="The key of a row that is there.", model=model)


def related_multiple_filter(
    column: Attribute,
    model: type[Reflected],
    *,
    link: Callable[[], ManyToMany] | None = None,
    conjoined: bool = False,
    to_field_name: str | None = None,
) -> Filter:
    """A foreign key's `column` that holds one of the keys, each by a parameter of the same name; all have to be there.

    With `link` `column` is the key of rows that are linked to one of these rows, or, `conjoined`, to all of them. With
    `to_field_name` rows are named by that attribute of theirs, a unique one, which `column` holds without a `link`.
    """

    def read(name: str, texts: Sequence[str]) -> Criterion | None:
        named = partial(_name_of, model, to_field_name)
        keys = [*dict.fromkeys(_read_several(named, text) for text in texts)]
        is_key = to_field_name is None
        return _held(column, name, keys, link=link, named=named, conjoined=conjoined, is_key=is_key)

    said = "Keys of rows that are there, each by a parameter of its own."
    return RelatedMultipleFilter(read, samples=(), description=said, many=True, model=model, named=to_field_name)


def all_values_multiple_filter(
    column: Attribute,
    *,
    link: Callable[[], ManyToMany] | None = None,
    named: Attribute | None = None,
    conjoined: bool = False,
) -> Filter:
    """Texts or numbers, any of which a row's `column` holds, each by a parameter of the same name.

    With `link` `column` is the key of rows that are linked to rows whose attribute `named` holds one of them, or,
    `conjoined`, that are linked to one for each.
    """
    value = column if named is None else named

    def read(name: str, texts: Sequence[str]) -> Criterion | None:
        values = []
        for text in texts:
            if "\x00" in text:
                raise Invalid(no_such_choice(text), "invalid_choice")
            # What is no value of the column's is held by no row, and refused before.
            with suppress(ArithmeticError, TypeError, ValueError, Invalid):
                values.append(read_text(value().type.python_type, text))
        return _held(column, name, [*dict.fromkeys(values)], link=link, named=value, conjoined=conjoined)

    def held(texts: Any) -> Select[Any]:  # noqa: ANN401 - an SQL expression
        found = select(value())
        if link is not None:
            found = found.join_from(link().target, link().through, _joined(link()))
        return found.where(cast(value(), Text) == texts).distinct()

    said = "Values that some row has, each by a parameter of its own."
    return AllValuesMultipleFilter(read, samples=(("1",),), description=said, many=True, held=held)


def all_values_filter(column: Attribute) -> Filter:
    """A text or a number that some row's `column` holds."""

    def read(text: str) -> str | None:
        if "\x00" in text:
            raise Invalid(no_such_choice(text), "invalid_choice")
        return text or None

    whole = column_filter(column, FormField(read, "1"))
    said = "A value that some row has."
    return AllValuesFilter(whole.read, samples=whole.samples, description=said, column=column)


def _held(
    column: Attribute,
    name: str,
    values: Sequence[Any],
    *,
    link: Callable[[], ManyToMany] | None,
    named: Attribute,
    conjoined: bool,
    is_key: bool = False,
) -> Criterion | None:
    """Rows whose column holds one of the values, or that are linked to rows which are `named` by one, or by all."""
    if not values:
        return None
    number = f"{name} number"
    array: Any = ARRAY(type(named().type))

    def clause() -> ColumnElement[bool]:
        given = func.any(bindparam(name, type_=array))
        if link is None:
            held: ColumnElement[bool] = column() == given
            return held
        through: Any = link().through
        owner = getattr(through, link().source)
        # A link holds the key itself.
        value = getattr(through, link().other) if is_key else named()
        linked = select(owner) if is_key else select(owner).join_from(through, link().target, _joined(link()))
        linked = linked.where(value == given)
        if conjoined:
            linked = linked.group_by(owner).having(func.count(value.distinct()) == bindparam(number))
        within: ColumnElement[bool] = column().in_(linked)
        return within

    return Criterion(name, clause, {name: [*values]} | ({number: len(values)} if conjoined else {}))


def _joined(link: ManyToMany) -> ColumnElement[bool]:
    joined: ColumnElement[bool] = getattr(link.through, link.other) == getattr(link.target, link.key)
    return joined


def _sampled(name: str, model: type[Reflected] | None, named: str | None) -> Iterator[dict[str, str]]:
    if model is not None:
        yield {name: str(sample_of(_name_of(model, named).type.python_type))}


def _name_of(model: type[Reflected], named: str | None) -> Any:  # noqa: ANN401 - a mapped attribute
    """The attribute by which rows are named: their key, or another one."""
    return primary_key(model) if named is None else getattr(model, named)


def _unknown_of(texts: Sequence[str], rows: Sequence[Sequence[Any]]) -> str | None:
    """What is said of the first of the texts that none of the rows has."""
    there = {str(row[0]) for row in rows}
    return next((no_such_choice(text) for text in texts if text not in there), None)


def _read_several(column: Attribute, text: str) -> Any:  # noqa: ANN401 - of the column's type
    """One of several names of rows.

    Raises:
        Invalid: it is none, or no column can hold it.
    """
    check_storable(text)
    kind = column().type.python_type
    if kind is UUID:
        return read_uuid(text)
    try:
        return read_text(kind, text)
    except (ArithmeticError, TypeError, ValueError, Invalid):
        raise Invalid(f"\u201c{text}\u201d is not a valid value.", "invalid_pk_value") from None


def _read_key(model: Any, text: str) -> Any:  # noqa: ANN401 - a mapped class, and of its key's type
    """The key that a text names, None where it is empty.

    Raises:
        Invalid: it names none that the key's column could hold.
    """
    if not text:
        return None
    check_storable(text)
    kind = primary_key(model).type
    if kind.python_type is UUID:
        return read_uuid(text)
    try:
        key = read_text(kind.python_type, text)
    except (ArithmeticError, TypeError, ValueError, Invalid):
        raise Invalid(NO_ROW, "invalid_choice") from None
    if isinstance(key, int) and abs(key) > biggest(kind):
        raise Invalid(NO_ROW, "invalid_choice")
    return key
