"""Query parameters that narrow and order a list: filters, and `?ordering=`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import BindParameter, ColumnElement, DateTime, Text, bindparam, false, func, not_
from starlette.datastructures import ImmutableMultiDict

from shared_schema.limits import distinct_orderings
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, Criterion
from strangler_fastapi.drf.parameters import BeyondDatabase, parse_datetime
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ErrorDetail, NotPorted, ValidationFailed

Params = Mapping[str, str]
# A mapped attribute; classes are mapped only once the service runs, so it is called when a statement is built.
Attribute = Callable[[], Any]

# The parameter of every list that is ordered, with its description in OpenAPI.
ORDERING: Final = {"ordering": "Fields to order by, separated by commas, `-` before those that descend."}

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SELECTED = {"True": True, "true": True, "2": True, "False": False, "false": False, "3": False}


@dataclass(frozen=True)
class Filter:
    """A query parameter that narrows a list (`django_filters.Filter`).

    Args:
        read: given the parameter's name and text, the criterion; None where it does not narrow. Of `many` it is given
            all texts of the name, of several `suffixes` the text of each.
        samples: what `read` takes, so that every statement that the parameter may lead to is there.
        description: what OpenAPI says of the parameter.
        suffixes: the ends of the names of its parameters, where it has several.
        many: whether the parameter may come several times.
        spelling: how a request says the values of `many` (`query_array`, `comma_separated`).
        required: whether a list without it is refused.
        lenient: whether what it can't read is ignored.
    """

    read: Callable[[str, Any], Criterion | None]
    samples: tuple[Any, ...]
    description: str
    suffixes: tuple[str, ...] = ()
    many: bool = False
    spelling: Literal["repeated", "array", "commas"] = "repeated"
    required: bool = False
    lenient: bool = False

    def criterion(self, name: str, params: Params) -> Criterion | None:
        """What `params` narrow by it, if they do.

        Raises:
            Invalid: what they say is no value of the filter.
        """
        if self.many:
            return self.read(name, self.texts(name, params))
        if self.suffixes:
            return self.read(name, tuple(params.get(name + suffix, "") for suffix in self.suffixes))
        return self.read(name, params.get(name, ""))

    def texts(self, name: str, params: Params) -> list[str]:
        """All that `params` say of one that is `many`."""
        if self.spelling == "commas":
            text = params.get(name, "")
            return text.split(",") if text else []
        if self.spelling == "repeated":
            return texts_of(params, name)
        found = texts_of(params, name if name in params else f"{name}[]")
        return [*dict.fromkeys(text for text in found if text)]

    def existing(self, name: str, params: Params) -> Rows | None:  # noqa: ARG002 - most need no row
        """The row that has to be there for what `params` say of it; None where none has to."""
        return None

    def fault(self, name: str, params: Params, rows: Sequence[Sequence[Any]]) -> str | None:  # noqa: ARG002 - some ask
        """What is wrong with what `params` say, by the rows that `existing` found."""
        return None if rows else NO_ROW

    def names(self, name: str) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(name + suffix for suffix in self.suffixes) or (name,)

    def sampled(self, name: str) -> Iterator[dict[str, str]]:
        """Parameters that lead to each of its statements."""
        for sample in self.samples:
            texts = sample if self.suffixes or self.many else (sample,)
            yield dict(zip(self.names(name), texts, strict=False))


# Of a filter by a row that is not there (`ModelChoiceFilter`).
NO_ROW: Final = "Select a valid choice. That choice is not one of the available choices."


def describe_filters(filters: Mapping[str, Filter]) -> dict[str, str]:
    """The parameters of the filters, with their descriptions, as `View.get` takes them."""
    return {parameter: reader.description for name, reader in filters.items() for parameter in reader.names(name)}


def texts_of(params: Params, name: str) -> list[str]:
    """Every text of a parameter that may come several times."""
    if isinstance(params, ImmutableMultiDict):
        texts: list[str] = params.getlist(name)
        return texts
    return [params[name]] if name in params else []


async def missing_rows(session: RequestSession, params: Params, filters: Mapping[str, Filter]) -> dict[str, Any]:
    """The errors of filters whose row is not there, by name."""
    missing = {}
    for name, reader in filters.items():
        rows = reader.existing(name, params)
        if rows is not None and (fault := reader.fault(name, params, await fetch(session, rows))) is not None:
            missing[name] = [fault]
    return missing


def filter_criteria(
    params: Params,
    filters: Mapping[str, Filter],
    missing: Mapping[str, Any] = MappingProxyType({}),
    *,
    is_sample: bool = False,
) -> Criteria:
    """The criteria of the filters that `params` name; what is beyond the database is refused by the first statement.

    `missing` are the errors of `missing_rows`. A sample may leave out what is required, and name what isn't ported.

    Raises:
        ValidationFailed: with every filter's error, in the order of `filters`.
    """
    criteria: list[Criterion] = []
    errors: dict[str, Any] = {}
    beyond = {}
    for name, reader in filters.items():
        if name in missing:
            errors |= {} if reader.lenient else {name: missing[name]}
            continue
        try:
            criterion = reader.criterion(name, params)
        except BeyondDatabase as error:
            beyond[name] = error.detail
            continue
        except Invalid as error:
            errors |= {} if reader.lenient else {name: error.detail}
            continue
        except NotPorted:
            if is_sample:
                continue
            raise
        if criterion is not None:
            criteria.append(criterion)
        elif reader.required and not (is_sample or reader.lenient):
            errors[name] = [ErrorDetail("This field is required.", "required")]
    if errors:
        raise ValidationFailed(errors)
    if beyond:
        criteria.append(Criterion("beyond the database", false, refusal=ValidationFailed(beyond)))
    return tuple(criteria)


def required(reader: Filter) -> Filter:
    """A parameter that every request has to have (`required=True`)."""
    return replace(reader, required=True)


def lenient(reader: Filter) -> Filter:
    """A parameter that narrows nothing where it can't be read (`raise_exception = False` of a DjangoFilterBackend)."""
    return replace(reader, lenient=True)


def query_array(reader: Filter) -> Filter:
    """One of several values, which a request may say as `?tag[]=a&tag[]=b` too (`QueryArrayWidget`)."""
    return replace(reader, spelling="array")


def comma_separated(reader: Filter) -> Filter:
    """One of several values, which a request says in one parameter, with commas (`CSVWidget`)."""
    return replace(reader, spelling="commas")


def not_ported_filter(what: str, *, takes_empty: bool = False, suffixes: tuple[str, ...] = ()) -> Filter:
    """A parameter of Django's that isn't ported yet: who uses it is answered with 501.

    One that is empty says nothing to a filter of django-filter's, but may to code of a project's own (`takes_empty`).
    Of several parameters the names end with `suffixes`.
    """

    def read(_name: str, given: Any) -> Criterion | None:  # noqa: ANN401 - a text, or all of them
        if any(given) if suffixes else given:
            raise NotPorted(what)
        return None

    description = f"Not ported yet: {what}."
    if suffixes:
        return Filter(read, samples=(), description=description, suffixes=suffixes)
    if takes_empty:
        return Filter(read, samples=(), description=description, many=True, spelling="repeated")
    return Filter(read, samples=(), description=description)


def excluding(
    read: Callable[[str, Any], Criterion | None],
) -> Callable[[str, Any], Criterion | None]:
    """Rows that don't meet it, those among them whose column is null (Django's `exclude`)."""

    def read_other(name: str, given: Any) -> Criterion | None:  # noqa: ANN401 - as the filter reads it
        criterion = read(name, given)
        if criterion is None:
            return None
        return Criterion(f"not {criterion.name}", lambda: ~func.coalesce(criterion.clause(), false()), criterion.values)

    return read_other


def read_boolean(text: str, *, selected: bool = False) -> bool | None:
    """What a BooleanFilter of `django_filters.rest_framework` reads, `selected` one of `django_filters` itself."""
    return _SELECTED.get(text) if selected else _BOOLEANS.get(text.lower())


def boolean_filter(
    column: Attribute,
    *,
    selected: bool = False,
    exclude: bool = False,
    description: str = "true or false; anything else is ignored.",
) -> Filter:
    """`true`, `1`, `false` or `0` in any case; everything else is ignored (`BooleanFilter`).

    With `selected` they are those of Django's NullBooleanSelect, by which `django_filters.BooleanFilter` reads: `true`,
    `True`, `2`, `false`, `False` or `3`. With `exclude` it leaves out the rows that have the value.

    The value is part of the statement: only then PostgreSQL can use an index on the rows that are true.
    """

    def read(name: str, text: str) -> Criterion | None:
        value = read_boolean(text, selected=selected)
        return None if value is None else Criterion(f"{name} {value}", lambda: column() if value else not_(column()))

    return Filter(excluding(read) if exclude else read, samples=("true", "false"), description=description)


def text_filter(
    condition: Callable[[BindParameter[str]], ColumnElement[bool]], *, description: str = "The whole text."
) -> Filter:
    """A whole text, white space around it removed (`CharFilter`)."""

    def read(name: str, text: str) -> Criterion | None:
        stripped = text.strip()
        if not stripped:
            return None
        if "\x00" in stripped:
            raise Invalid("Null characters are not allowed.", "null_characters_not_allowed")
        return Criterion(name, lambda: condition(bindparam(name, type_=Text)), {name: stripped})

    return Filter(read, samples=("sample",), description=description)


def datetime_filter(
    condition: Callable[[BindParameter[datetime]], ColumnElement[bool]], *, description: str = "A time, ISO 8601."
) -> Filter:
    """An ISO 8601 time; without an offset it is UTC (`IsoDateTimeFilter`)."""

    def read(name: str, text: str) -> Criterion | None:
        if not text:
            return None
        moment = parse_datetime(text.strip())
        return Criterion(name, lambda: condition(bindparam(name, type_=DateTime(timezone=True))), {name: moment})

    return Filter(read, samples=("2026-01-01T00:00:00Z",), description=description)


def ordering_terms(
    params: Params,
    allowed: Collection[str],
    default: tuple[str, ...],
    *,
    parameter: str = "ordering",
    ordered_by: Mapping[str, Sequence[str]] = MappingProxyType({}),
    unported: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """The terms of `?ordering=`, or of another `parameter`, `-` before those that descend.

    Unknown ones are dropped, and where none is left `default` holds. `ordered_by` are those that a term stands for.
    The id is the last term, in the direction of the one before it, so that rows of equal rank stay on their page.

    Raises:
        NotPorted: one is `unported`, whose values say why.
    """
    requested = [term.strip() for term in params.get(parameter, "").split(",")]
    if unported and (lacking := next((term for term in requested if term.lstrip("-") in unported), None)) is not None:
        raise NotPorted(unported[lacking.lstrip("-")])
    known = [term for term in requested if term.removeprefix("-") in allowed]
    terms = distinct_orderings(each for term in known for each in _stands_for(term, ordered_by)) or list(default)
    if not any(term.lstrip("-") == "id" for term in terms):
        terms.append("-id" if terms[-1].startswith("-") else "id")
    return tuple(terms)


def _stands_for(term: str, ordered_by: Mapping[str, Sequence[str]]) -> Sequence[str]:
    found = ordered_by.get(term.removeprefix("-"), (term.removeprefix("-"),))
    return (
        [each.removeprefix("-") if each.startswith("-") else f"-{each}" for each in found] if term[0] == "-" else found
    )
