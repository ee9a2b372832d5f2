"""`?search=`: each term in one of a list's columns, compared as its prefix says (`SearchFilter`)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, or_

from shared_schema.limits import MOST_SEARCH_TERMS, TOO_MANY_SEARCH_TERMS, distinct_terms
from strangler_fastapi.drf.criteria import Criteria, Criterion
from strangler_fastapi.drf.filters.filtering import Params
from strangler_fastapi.drf.validators import Invalid, check_storable
from strangler_fastapi.errors import ValidationFailed

# The parameter of every list that is searched, with its description in OpenAPI.
SEARCH: Final = {"search": "Terms, separated by spaces or commas; quotes hold words together."}

# One search term: quoted parts hold white space together.
_TERM = re.compile(r"""(?:[^\s'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s'"]*)+)|\S+""")

# How a column is compared with a text, and what of the text is sent for it.
TextLookup = tuple[Callable[[Any, Any], ColumnElement[bool]], Callable[[str], str]]


def _upper_like(column: Any, text: Any) -> ColumnElement[bool]:  # noqa: ANN401 - expressions
    condition: ColumnElement[bool] = func.upper(cast(column, Text)).like(func.upper(text))
    return condition


def _like(column: Any, text: Any) -> ColumnElement[bool]:  # noqa: ANN401 - expressions
    return cast(column, Text).like(text)


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _vector(column: Any, text: Any) -> ColumnElement[bool]:  # noqa: ANN401 - expressions
    vector = func.to_tsvector(func.coalesce(cast(column, Text), ""))
    condition: ColumnElement[bool] = vector.op("@@", is_comparison=True)(func.plainto_tsquery(text))
    return condition


def _unaccented_like(before: str, after: str) -> TextLookup:
    """By a pattern, without accents on either side, which PostgreSQL makes of the text (Django's `unaccent`)."""

    def compare(column: Any, text: Any) -> ColumnElement[bool]:  # noqa: ANN401 - expressions
        escaped = func.unaccent(text)
        for sign in ("\\", "%", "_"):
            escaped = func.replace(escaped, sign, f"\\{sign}")
        return func.upper(func.unaccent(column)).like(func.concat(before, func.upper(escaped), after))

    return compare, str


# Django's lookups of texts on PostgreSQL.
TEXT_LOOKUPS: Final[Mapping[str, TextLookup]] = {
    "iexact": (lambda column, text: func.upper(cast(column, Text)) == func.upper(text), str),
    "contains": (_like, lambda text: f"%{_escaped(text)}%"),
    "icontains": (_upper_like, lambda text: f"%{_escaped(text)}%"),
    "startswith": (_like, lambda text: f"{_escaped(text)}%"),
    "istartswith": (_upper_like, lambda text: f"{_escaped(text)}%"),
    "endswith": (_like, lambda text: f"%{_escaped(text)}"),
    "iendswith": (_upper_like, lambda text: f"%{_escaped(text)}"),
    "regex": (lambda column, text: cast(column, Text).op("~", is_comparison=True)(text), str),
    "iregex": (lambda column, text: cast(column, Text).op("~*", is_comparison=True)(text), str),
    "search": (_vector, str),
    "unaccent__icontains": _unaccented_like("%", "%"),
    "unaccent__istartswith": _unaccented_like("", "%"),
    "unaccent__iexact": (
        lambda column, text: func.upper(func.unaccent(column)) == func.upper(func.unaccent(text)),
        str,
    ),
    "unaccent__iregex": (
        lambda column, text: func.unaccent(column).op("~*", is_comparison=True)(func.unaccent(text)),
        str,
    ),
}
# DRF's prefixes of `search_fields`.
_PREFIXES: Final = {"^": "istartswith", "=": "iexact", "@": "search", "$": "iregex"}


@dataclass(frozen=True)
class Searched:
    """A column that is searched, by one of TEXT_LOOKUPS."""

    column: Any
    lookup: str = "icontains"


def search_field(name: str, *, unaccented: bool = False) -> tuple[str, str]:
    """A column's name in DRF's `search_fields`, and the lookup by which it is searched.

    That is what a prefix stands for, what the name ends with (`title__startswith`), or icontains; `unaccented` makes it
    what `UnaccentedSearchFilter` has.
    """
    column, _, ending = name.rpartition("__")
    if name[:1] in _PREFIXES:
        column, lookup = name[1:], _PREFIXES[name[0]]
    elif column and ending in TEXT_LOOKUPS:
        return column, ending
    else:
        column, lookup = name, "icontains"
    return column, f"unaccent__{lookup}" if unaccented and lookup != "search" else lookup


def search_criteria(params: Params, columns: Callable[[], tuple[Any, ...]], *, parameter: str = "search") -> Criteria:
    """Every term of a parameter must be in one of `columns`, each an attribute or a `Searched` one (`SearchFilter`).

    Raises:
        ValidationFailed: a character that no column can hold, or too many terms.
    """
    text = params.get(parameter, "")
    if not text:
        return ()
    try:
        check_storable(text)
    except Invalid as error:
        raise ValidationFailed(error.detail) from None
    terms = distinct_terms(_search_terms(text))
    if len(terms) > MOST_SEARCH_TERMS:
        raise ValidationFailed([TOO_MANY_SEARCH_TERMS])
    return tuple(_search_criterion(f"search{number}", columns, term) for number, term in enumerate(terms))


def _search_criterion(name: str, columns: Callable[[], tuple[Any, ...]], term: str) -> Criterion:
    searched = [column if isinstance(column, Searched) else Searched(column) for column in columns()]
    # One parameter for each lookup, whatever form it has of the term: the statement is that of all terms.
    lookups = sorted({column.lookup for column in searched})
    names = {lookup: f"{name}_{number}" if number else name for number, lookup in enumerate(lookups)}

    def clause() -> ColumnElement[bool]:
        return or_(
            *(
                TEXT_LOOKUPS[column.lookup][0](column.column, bindparam(names[column.lookup], type_=Text))
                for column in searched
            )
        )

    values = {parameter: TEXT_LOOKUPS[lookup][1](term) for lookup, parameter in names.items()}
    return Criterion(name, clause, values, scans=True)


def _search_terms(text: str) -> list[str]:
    terms: list[str] = []
    for match in _TERM.finditer(text):
        term = match.group().strip(",")
        if term.startswith(('"', "'")) and term[0] == term[-1]:
            terms.append(term[1:-1].replace(f"\\{term[0]}", term[0]).replace("\\\\", "\\"))
        else:
            terms.extend(part.strip() for part in term.split(",") if part)
    return terms
