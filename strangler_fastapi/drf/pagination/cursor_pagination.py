"""DRF's own pages by position (`CursorPagination`); a cursor that a client has kept is good on either stack.

A cursor is the first of the orders' value at which a page begins, and how many items of that value come before it.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from sqlalchemy import ColumnElement, bindparam, false, true
from starlette.requests import Request

from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, Criterion, compared_type, read_text
from strangler_fastapi.drf.http.urls import public_url, replace_query_parameter
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.pagination.pagination import PAGE_SIZE, Pagination, positive_integer
from strangler_fastapi.drf.parameters import parse_datetime
from strangler_fastapi.drf.validators import Invalid, biggest
from strangler_fastapi.errors import NotFound

INVALID_CURSOR = "Invalid cursor"
_BIGGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: `offset` items after `position`, walked backwards where `reverse`."""

    offset: int = 0
    reverse: bool = False
    position: str | None = None

    def encode(self) -> str:
        """The cursor as a client gets it."""
        tokens = {"o": str(self.offset)} if self.offset else {}
        tokens |= {"r": "1"} if self.reverse else {}
        tokens |= {} if self.position is None else {"p": self.position}
        return base64.b64encode(urlencode(tokens, doseq=True).encode("ascii")).decode("ascii")


def decode_cursor(text: str, *, offset_cutoff: int | None) -> Cursor:
    """The cursor that a client sends.

    Raises:
        NotFound: it is none.
    """
    try:
        tokens = parse_qs(base64.b64decode(text.encode("ascii")).decode("ascii"), keep_blank_values=True)
        offset = int(tokens.get("o", ["0"])[0])
        reverse = bool(int(tokens.get("r", ["0"])[0]))
    except (TypeError, ValueError):
        raise NotFound(INVALID_CURSOR) from None
    if offset < 0:
        raise NotFound(INVALID_CURSOR)
    position = tokens["p"][0] if "p" in tokens else None
    return Cursor(min(offset, offset_cutoff) if offset_cutoff else offset, reverse, position)


@dataclass(frozen=True)
class Walk:
    """A page that was read: the positions of its items in the list's order, and that of the one beyond them.

    `beyond` is None where there is none: the page is the last one that way.
    """

    cursor: Cursor
    positions: Sequence[str]
    beyond: str | None
    page_size: int

    @property
    def _comes_from_another(self) -> bool:
        return self.cursor.position is not None or self.cursor.offset > 0

    @property
    def has_next(self) -> bool:
        """Whether a page comes after this one."""
        return self._comes_from_another if self.cursor.reverse else self.beyond is not None

    @property
    def has_previous(self) -> bool:
        """Whether a page comes before this one."""
        return self.beyond is not None if self.cursor.reverse else self._comes_from_another

    @property
    def _next_position(self) -> str | None:
        return self.cursor.position if self.cursor.reverse else self.beyond

    @property
    def _previous_position(self) -> str | None:
        return self.beyond if self.cursor.reverse else self.cursor.position

    def next(self) -> Cursor | None:
        """The cursor of the page after."""
        if not self.has_next:
            return None
        is_turned = bool(self.positions) and self.cursor.reverse and self.cursor.offset != 0
        compared = self.positions[-1] if is_turned else self._next_position
        return self._beside([*reversed(self.positions)], compared, reverse=False)

    def previous(self) -> Cursor | None:
        """The cursor of the page before."""
        if not self.has_previous:
            return None
        is_turned = bool(self.positions) and not self.cursor.reverse and self.cursor.offset != 0
        compared = self.positions[0] if is_turned else self._previous_position
        return self._beside([*self.positions], compared, reverse=True)

    def _beside(self, positions: Sequence[str], compared: str | None, *, reverse: bool) -> Cursor:
        """The cursor of a neighbour: from its side, the first item whose position the one next to it has not."""
        own, other = self._next_position, self._previous_position
        if reverse:
            own, other = other, own
        for offset, position in enumerate(positions):
            if position != compared:
                return Cursor(offset, reverse, position)
        if not positions:
            return Cursor(0, reverse, own)
        # All have one position, so the page is counted off from where it began itself.
        if not (self.has_next if reverse else self.has_previous):
            return Cursor(self.page_size, reverse, None)
        if self.cursor.reverse is not reverse:
            # The change of direction skips a few items, as in DRF.
            return Cursor(0, reverse, other)
        return Cursor(self.cursor.offset + self.page_size, reverse, other)


@dataclass(frozen=True, kw_only=True)
class CursorPagination(Pagination):
    """Pages by position in the list's order, whose first term decides; the attributes are those of DRF's class.

    A cursor that the first term's column can't hold is refused as an invalid one; DRF fails on it.
    """

    page_size: int = PAGE_SIZE
    cursor_query_param: str = "cursor"
    page_size_query_param: str | None = None
    max_page_size: int | None = None
    offset_cutoff: int | None = 1000
    invalid_cursor_message: str = INVALID_CURSOR

    @property
    def parameters(self) -> dict[str, str]:
        """See Pagination."""
        most = f", {self.max_page_size} at the most" if self.max_page_size else ""
        sized = (
            {self.page_size_query_param: f"How many items a page holds{most}."} if self.page_size_query_param else {}
        )
        return {self.cursor_query_param: "Where the page begins, as the links of another say."} | sized

    @property
    def sample_size(self) -> int:
        """See Pagination."""
        return self.page_size

    async def page(
        self, request: Request, session: RequestSession, listing: Listing, criteria: Criteria, terms: tuple[str, ...]
    ) -> Any:  # noqa: ANN401 - see Pagination
        """See Pagination."""
        params = request.query_params
        text = params.get(self.cursor_query_param)
        named = params.get(self.page_size_query_param) if self.page_size_query_param else None
        size = positive_integer(named, most=self.max_page_size) or self.page_size
        try:
            cursor = Cursor() if text is None else decode_cursor(text, offset_cutoff=self.offset_cutoff)
            if cursor.position is not None:
                criteria = (*criteria, _beyond(listing, terms[0], cursor))
        except NotFound:
            raise NotFound(self.invalid_cursor_message) from None
        walked = tuple(_reversed(term) for term in terms) if cursor.reverse else terms
        limit, offset = min(size, _BIGGEST_INTEGER - 1) + 1, min(cursor.offset, _BIGGEST_INTEGER)
        rows = await fetch(session, listing.rows(criteria, walked, limit=limit, offset=offset, marked=True))
        positions = [str(row[-len(terms)]) for row in rows]
        beyond, rows, positions = (positions[size] if len(rows) > size else None), rows[:size], positions[:size]
        if cursor.reverse:
            rows.reverse()
            positions.reverse()
        walk, url, shape = Walk(cursor, positions, beyond, size), public_url(request), listing.shape()
        links = {"next": self._link(url, walk.next()), "previous": self._link(url, walk.previous())}
        return self.enveloped(request, {**links, "results": [shape.build(row) for row in rows]})

    def _link(self, url: str, cursor: Cursor | None) -> str | None:
        return None if cursor is None else replace_query_parameter(url, self.cursor_query_param, cursor.encode())


def _reversed(term: str) -> str:
    return term[1:] if term.startswith("-") else f"-{term}"


def _beyond(listing: Listing, term: str, cursor: Cursor) -> Criterion:
    """The items that come after the cursor's position, on its way.

    Raises:
        NotFound: the position is none of the term's column.
    """
    column, text = listing.type_of(term), cursor.position or ""
    kind = column.python_type
    try:
        value = parse_datetime(text) if kind is datetime else read_text(kind, text)
    except (ArithmeticError, TypeError, ValueError, Invalid):
        raise NotFound(INVALID_CURSOR) from None
    is_down = cursor.reverse != term.startswith("-")
    if isinstance(value, int) and abs(value) > biggest(column):
        # As Django decides it: the driver takes no such number.
        return Criterion("everything", true) if is_down is (value > 0) else Criterion("nothing", false)

    def clause() -> ColumnElement[bool]:
        expression = listing.expression(term)
        mark = bindparam("position", type_=compared_type(expression.type))
        condition: ColumnElement[bool] = expression < mark if is_down else expression > mark
        return condition

    return Criterion(f"{'below' if is_down else 'above'} {term.removeprefix('-')}", clause, {"position": value})
