"""Pages by number, in DRF's envelope (`PageNumberPagination`); `?cursor=` asks for pages by position instead."""

from collections.abc import Mapping
from dataclasses import dataclass
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
_LAST = "last"
_CURSOR: Final = {"cursor": "Pages by position instead of number; empty for the first. Not in the API's first version."}
_BIGGEST_OFFSET = 2**63 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class PageNumberPagination:
    """How a list is divided; the attributes are those of DRF's class.

    `page_size_query_param` is None where clients can't choose, `max_page_size` where they may choose any.
    """

    page_size: int = PAGE_SIZE
    page_query_param: str = "page"
    page_size_query_param: str | None = "page_size"
    max_page_size: int | None = MAX_PAGE_SIZE
    last_page_strings: tuple[str, ...] = (_LAST,)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a page, with their descriptions in OpenAPI."""
        most = f", {self.max_page_size} at the most" if self.max_page_size else ""
        last = "".join(f", or `{text}`" for text in self.last_page_strings)
        size = self.page_size_query_param
        sized = {size: f"How many items a page holds{most}."} if size else {}
        return {self.page_query_param: f"The page's number{last}.", **sized, **_CURSOR}

    def size_of(self, params: Mapping[str, str]) -> int:
        """How many items a page holds: what is no positive number is the default, what is too large the largest."""
        try:
            size = int(params.get(self.page_size_query_param, "") if self.page_size_query_param else "")
        except ValueError:
            return self.page_size
        most = self.max_page_size or size
        return min(size, most) if size > 0 else self.page_size


PAGE_NUMBERS: Final = PageNumberPagination()


class Page(BaseModel, Generic[Item]):
    """One page of a list; a page that was requested with `?cursor=` has no count."""

    count: int | None = Field(default=None, description="How many there are on all pages.", examples=[1])
    next: str | None = Field(description="The next page's address.", examples=[None])
    previous: str | None = Field(description="The previous page's address.", examples=[None])
    results: list[Item]


async def paginate(
    request: Request,
    session: RequestSession,
    listing: Listing,
    criteria: Criteria,
    terms: tuple[str, ...],
    pages: PageNumberPagination = PAGE_NUMBERS,
) -> dict[str, Any]:
    """The page that the request asks for of the items that meet `criteria`, ordered by `terms`.

    Raises:
        NotFound: there is no such page.
    """
    size, parameter = pages.size_of(request.query_params), pages.page_query_param
    if asks_for_cursor(request):
        return await paginate_by_cursor(request, session, listing, criteria, terms, size)
    text = request.query_params.get(parameter) or "1"
    is_last = text in pages.last_page_strings
    number = await _last_page(size, session, listing, criteria) if is_last else _page_number(text)
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
        "next": replace_query_parameter(url, parameter, str(number + 1)) if number * size < count else None,
        "previous": _previous(url, parameter, number),
        "results": [shape.build(row) for row in rows],
    }


async def _last_page(size: int, session: RequestSession, listing: Listing, criteria: Criteria) -> int:
    count: int = await fetch_value(session, listing.count(criteria))
    return max(1, -(-count // size))


def _previous(url: str, parameter: str, number: int) -> str | None:
    if number == 1:
        return None
    return replace_query_parameter(url, parameter, None if number == 2 else str(number - 1))


def _page_number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise NotFound("Invalid page.") from None
    if number < 1:
        raise NotFound("Invalid page.")
    return number
