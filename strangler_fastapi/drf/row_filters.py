"""django-filter's filters whose choices are rows that are there at the moment of the request."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared_schema.mapping import Reflected, primary_key
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.criteria import Criterion, equals, read_text
from strangler_fastapi.drf.filter_forms import FormField, no_such_choice
from strangler_fastapi.drf.filtering import NO_ROW, Attribute, Filter, Params, texts_of
from strangler_fastapi.drf.filters import column_filter
from strangler_fastapi.drf.links import ManyToMany
from strangler_fastapi.drf.validators import Invalid, biggest, check_storable


@dataclass(frozen=True)
class RelatedFilter(Filter):
    """The key of a row of `model`, which has to be there (`ModelChoiceFilter`); see `related_filter`."""

    model: type[Reflected] | None = None

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        model, key = self.model, None
        with suppress(Invalid):
            key = _read_key(model, params.get(name, ""))
        if model is None or key is None:
            return None
        held = equals("key", lambda: primary_key(model), key)
        return Rows((model.key(), "exists"), lambda: select(primary_key(model)).where(held.clause()), held.values)


@dataclass(frozen=True)
class RelatedMultipleFilter(Filter):
    """Keys of rows of `model`, each of which has to be there (`ModelMultipleChoiceFilter`)."""

    model: type[Reflected] | None = None

    def existing(self, name: str, params: Params) -> Rows | None:
        """See Filter."""
        model = self.model
        try:
            keys = [_read_several(model, text) for text in texts_of(params, name)]
        except Invalid:
            return None
        if model is None or not keys:
            return None

        def build() -> Executable:
            key = primary_key(model)
            return select(key).where(key == func.any(bindparam("keys", type_=ARRAY(type(key.type)))))

        held = [key for key in keys if not isinstance(key, int) or abs(key) <= biggest(primary_key(model).type)]
        return Rows((model.key(), "exist"), build, {"keys": held})

    def fault(self, name: str, params: Params, rows: Sequence[Sequence[Any]]) -> str | None:
        """See Filter."""
        there = {str(row[0]) for row in rows}
        return next((no_such_choice(text) for text in texts_of(params, name) if text not in there), None)


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

    return RelatedFilter(read, samples=("1",), description="The key of a row that is there.", model=model)


def related_multiple_filter(
    column: Attribute, model: type[Reflected], *, link: Callable[[], ManyToMany] | None = None, conjoined: bool = False
) -> Filter:
    """A foreign key's `column` that holds one of the keys, each by a parameter of the same name; all have to be there.

    With `link` `column` is the key of rows that are linked to one of these rows, or, `conjoined`, to all of them.
    """

    def read(name: str, texts: Sequence[str]) -> Criterion | None:
        keys = [*dict.fromkeys(_read_several(model, text) for text in texts)]
        if not keys:
            return None
        number = f"{name} number"
        array: Any = ARRAY(type(primary_key(model).type))

        def clause() -> ColumnElement[bool]:
            given = func.any(bindparam(name, type_=array))
            if link is None:
                held: ColumnElement[bool] = column() == given
                return held
            through: Any = link().through
            owner, other = getattr(through, link().source), getattr(through, link().other)
            linked = select(owner).where(other == given)
            if conjoined:
                linked = linked.group_by(owner).having(func.count(other.distinct()) == bindparam(number))
            within: ColumnElement[bool] = column().in_(linked)
            return within

        return Criterion(name, clause, {name: keys} | ({number: len(keys)} if conjoined else {}))

    said = "Keys of rows that are there, each by a parameter of its own."
    return RelatedMultipleFilter(read, samples=(("1",),), description=said, many=True, model=model)


def all_values_filter(column: Attribute) -> Filter:
    """A text or a number that some row's `column` holds."""

    def read(text: str) -> str | None:
        if "\x00" in text:
            raise Invalid(no_such_choice(text), "invalid_choice")
        return text or None

    whole = column_filter(column, FormField(read, "1"))
    said = "A value that some row has."
    return AllValuesFilter(whole.read, samples=whole.samples, description=said, column=column)


def _read_several(model: Any, text: str) -> Any:  # noqa: ANN401 - a mapped class, and of its key's type
    """One of several keys.

    Raises:
        Invalid: it is none, or no column can hold it.
    """
    check_storable(text)
    try:
        return read_text(primary_key(model).type.python_type, text)
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
    try:
        key = read_text(kind.python_type, text)
    except (ArithmeticError, TypeError, ValueError, Invalid):
        raise Invalid(NO_ROW, "invalid_choice") from None
    if isinstance(key, int) and abs(key) > biggest(kind):
        raise Invalid(NO_ROW, "invalid_choice")
    return key
