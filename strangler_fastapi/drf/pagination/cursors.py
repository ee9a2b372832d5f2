"""Pages by position: `?cursor=` begins after an item and not after a number, so a deep page costs what the first does.

An addition of v2: under v1's prefix the parameter means nothing, as in Django. An empty cursor asks for the first page.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import DateTime
from sqlalchemy.types import TypeEngine
from starlette.requests import Request

from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria
from strangler_fastapi.drf.http.urls import asks_for_v1, public_url, replace_query_parameter
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.parameters import parse_datetime
from strangler_fastapi.drf.validators import Invalid, check_storable, is_in_range
from strangler_fastapi.errors import NotFound

_PARAMETER = "cursor"


def asks_for_cursor(request: Request) -> bool:
    """Whether the request wants pages by position."""
    return _PARAMETER in request.query_params and not asks_for_v1(request.scope)


async def paginate_by_cursor(
    request: Request,
    session: RequestSession,
    listing: Listing,
    criteria: Criteria,
    terms: tuple[str, ...],
    size: int,
) -> dict[str, Any]:
    """The page that the cursor points at; nothing is counted.

    Raises:
        NotFound: the cursor is none of this list in this order.
    """
    marks, backwards = _decode(request.query_params[_PARAMETER], terms, listing)
    rows = await fetch(session, cursor_rows(listing, criteria, terms, size, marks=marks, backwards=backwards))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    url = public_url(request)
    has_next = (more if not backwards else True) and bool(rows)
    has_previous = (bool(marks) if not backwards else more) and bool(rows)
    shape = listing.shape()
    return {
        "next": _link(url, terms, rows[-1], backwards=False) if has_next else None,
        "previous": _link(url, terms, rows[0], backwards=True) if has_previous else None,
        "results": [shape.build(row) for row in rows],
    }


def cursor_rows(
    listing: Listing, criteria: Criteria, terms: tuple[str, ...], size: int, *, marks: Sequence[Any], backwards: bool
) -> Rows:
    """The items after the one whose terms are `marks`, or before it, nearest first, and one more than `size`.

    No marks stand for the first page.
    """
    walked = tuple(_reversed(term) for term in terms) if backwards else terms
    return listing.rows(criteria, walked, limit=size + 1, marked=True, after=marks)


def _reversed(term: str) -> str:
    return term[1:] if term.startswith("-") else f"-{term}"


def _link(url: str, terms: tuple[str, ...], row: Any, *, backwards: bool) -> str:  # noqa: ANN401 - a driver's row
    marks = [mark.isoformat() if isinstance(mark, datetime) else mark for mark in tuple(row)[-len(terms) :]]
    text = to_json([terms, marks, backwards], inf_nan_mode="constants")
    return replace_query_parameter(url, _PARAMETER, base64.urlsafe_b64encode(text).decode().rstrip("="))


def _decode(text: str, terms: tuple[str, ...], listing: Listing) -> tuple[list[Any], bool]:
    """The item's marks and the direction; no marks stand for the first page."""
    if not text:
        return [], False
    try:
        padded = text + "=" * (-len(text) % 4)
        order, marks, backwards = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if order != list(terms) or len(marks) != len(terms):
            raise ValueError("a cursor of another order")
        return [_mark(listing, term, mark) for term, mark in zip(terms, marks, strict=True)], bool(backwards)
    except (ArithmeticError, ValueError, TypeError, RecursionError, Invalid):
        raise NotFound("Invalid cursor.") from None


def _mark(listing: Listing, term: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if value is not None:
        return read_mark(listing.type_of(term), value)
    if not listing.may_be_null(term):
        raise ValueError("no mark where there is always one")
    return None


def read_mark(kind: TypeEngine[Any], value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds, and the column
    """A mark as a column of this type takes it.

    Raises:
        ArithmeticError, Invalid, TypeError, ValueError: it is no value of the type, or none that the database takes.
    """
    if isinstance(kind, DateTime):
        moment = parse_datetime(value)
        return moment if kind.timezone else moment.replace(tzinfo=None)
    # What SQLAlchemy has no Python type for, such as an address of a network, is text.
    python_type: type = str if kind.python_type is object else kind.python_type
    mark = _adapter(python_type).validate_json(json.dumps(value), strict=True)
    if isinstance(mark, str):
        check_storable(mark)
    if not is_in_range(kind, mark):
        raise ValueError("a mark out of range")
    return mark


@cache
def _adapter(python_type: type) -> TypeAdapter[Any]:
    return TypeAdapter(python_type)
