"""Pages by number, in DRF's envelope (`PageNumberPagination`); `?cursor=` asks for pages by position instead."""

from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, Field
from starlette.requests import Request

from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria
from strangler_fastapi.drf.cursors import asks_for_cursor, paginate_by_cursor
from strangler_fastapi.drf.listing import Listing
from strangler_fastapi.drf.urls import public_url, replace_query_parameter
from strangler_fastapi.errors import NotFound

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# The parameters of a page, with their descriptions in OpenAPI.
PAGED: Final = {
    "page": "The page's number, or `last`.",
    "page_size": f"How many items a page holds, {MAX_PAGE_SIZE} at the most.",
    "cursor": "Pages by position instead of number; empty for the first. Not in the API's first version.",
}
_LAST = "last"
_BIGGEST_OFFSET = 2**63 - 1

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; a page that was requested with `?cursor=` has no count."""

    count: int | None = Field(default=None, description="How many there are on all pages.", examples=[1])
    next: str | None = Field(description="The next page's address.", examples=[None])
    previous: str | None = Field(description="The previous page's address.", examples=[None])
    results: list[Item]


async def paginate(
    request: Request, session: RequestSession, listing: Listing, criteria: Criteria, terms: tuple[str, ...]
) -> dict[str, Any]:
    """The page that the request asks for of the items that meet `criteria`, ordered by `terms`.

    Raises:
        NotFound: there is no such page.
    """
    size = _page_size(request.query_params.get("page_size"))
    if asks_for_cursor(request):
        return await paginate_by_cursor(request, session, listing, criteria, terms, size)
    number = await _page_number(request.query_params.get("page") or "1", size, session, listing, criteria)
    # Django counts before it says that a page is too far, so what the database refuses is refused for any number.
    offset = min((number - 1) * size, _BIGGEST_OFFSET)
    rows = await fetch(session, listing.rows(criteria, terms, limit=size, offset=offset, counted=True))
    if not rows and number > 1:
        raise NotFound("Invalid page.")
    count = rows[0][-1] if rows else 0
    url = public_url(request)
    shape = listing.shape()
    return {
        "count": count,
        "next": replace_query_parameter(url, "page", str(number + 1)) if number * size < count else None,
        "previous": _previous(url, number),
        "results": [shape.build(row) for row in rows],
    }


def _page_size(text: str | None) -> int:
    """What is no positive number is the default, what is too large the largest."""
    try:
        size = int(text or "")
    except ValueError:
        return PAGE_SIZE
    return min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE


async def _page_number(text: str, size: int, session: RequestSession, listing: Listing, criteria: Criteria) -> int:
    if text == _LAST:
        count: int = await fetch_value(session, listing.count(criteria))
        return max(1, -(-count // size))
    try:
        number = int(text)
    except ValueError:
        raise NotFound("Invalid page.") from None
    if number < 1:
        raise NotFound("Invalid page.")
    return number


def _previous(url: str, number: int) -> str | None:
    if number == 1:
        return None
    return replace_query_parameter(url, "page", None if number == 2 else str(number - 1))
