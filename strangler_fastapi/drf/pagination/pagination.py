"""How a list is divided, in DRF's envelopes: pages by number, or by limit and offset.

`?cursor=` asks for pages by position instead of number; DRF's own are in `cursor_pagination`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, Field
from starlette.requests import Request

from strangler_fastapi.db.query import fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria
from strangler_fastapi.drf.http.urls import public_url, replace_query_parameter
from strangler_fastapi.drf.pagination.cursors import asks_for_cursor, paginate_by_cursor
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.errors import NotFound

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_LAST = "last"
INVALID_PAGE: Final = "Invalid page."
# Of Django's paginator.
_NO_NUMBER: Final = "That page number is not an integer"
_TOO_SMALL: Final = "That page number is less than 1"
_NO_RESULTS: Final = "That page contains no results"
_CURSOR: Final = {"cursor": "Pages by position instead of number; empty for the first. Not in the API's first version."}
_BIGGEST_OFFSET = 2**63 - 1

Item = TypeVar("Item")


# Given the request and DRF's envelope of a page, what a project answers instead (`get_paginated_response`).
Envelope = Callable[[Request, dict[str, Any]], Any]


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """One way to divide a list; `envelope` makes a project's own answer of a page."""

    envelope: Envelope | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a page, with their descriptions in OpenAPI."""
        raise NotImplementedError

    @property
    def sample_size(self) -> int | None:
        """How many items a page holds where a client doesn't say; None is all of them."""
        raise NotImplementedError

    async def page(
        self, request: Request, session: RequestSession, listing: Listing, criteria: Criteria, terms: tuple[str, ...]
    ) -> Any:  # noqa: ANN401 - any JSON
        """The page that the request asks for; see `paginate`."""
        raise NotImplementedError

    def enveloped(self, request: Request, page: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        """The answer of a page."""
        return page if self.envelope is None else self.envelope(request, page)


@dataclass(frozen=True, kw_only=True)
class PageNumberPagination(Pagination):
    """Pages by number; the attributes are those of DRF's class.

    `page_size_query_param` is None where clients can't choose, `max_page_size` where they may choose any.
    """

    page_size: int = PAGE_SIZE
    page_query_param: str = "page"
    page_size_query_param: str | None = "page_size"
    max_page_size: int | None = MAX_PAGE_SIZE
    last_page_strings: tuple[str, ...] = (_LAST,)
    invalid_page_message: str = INVALID_PAGE

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

    @property
    def sample_size(self) -> int:
        """See Pagination."""
        return self.page_size

    async def page(
        self, request: Request, session: RequestSession, listing: Listing, criteria: Criteria, terms: tuple[str, ...]
    ) -> Any:  # noqa: ANN401 - see Pagination
        """See Pagination."""
        size, parameter = self.size_of(request.query_params), self.page_query_param
        if asks_for_cursor(request):
            page = await paginate_by_cursor(request, session, listing, criteria, terms, size)
            return self.enveloped(request, page)
        text = request.query_params.get(parameter) or "1"
        is_last = text in self.last_page_strings
        known = await fetch_value(session, listing.count(criteria)) if is_last else 0
        number = max(1, -(-known // size)) if is_last else self._number(text)
        # Django counts before it says that a page is too far, so what the database refuses is refused for any number.
        offset = min((number - 1) * size, _BIGGEST_OFFSET)
        if is_last:
            items, count = await listing.fetch(session, criteria, terms, limit=size, offset=offset), known
        else:
            items, count = await listing.fetch_page(session, criteria, terms, limit=size, offset=offset)
        if not items and number > 1:
            raise self._not_found(text, _NO_RESULTS)
        url = public_url(request)
        page = {
            "count": count,
            "next": replace_query_parameter(url, parameter, str(number + 1)) if number * size < count else None,
            "previous": _previous(url, parameter, number),
            "results": items,
        }
        return self.enveloped(request, page)

    def _number(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise self._not_found(text, _NO_NUMBER) from None
        if number < 1:
            raise self._not_found(text, _TOO_SMALL)
        return number

    def _not_found(self, text: str, why: str) -> NotFound:
        return NotFound(self.invalid_page_message.format(page_number=text, message=why))


@dataclass(frozen=True, kw_only=True)
class LimitOffsetPagination(Pagination):
    """So many items from a place on; the attributes are those of DRF's class.

    Without a `default_limit` a list comes whole, and outside of an envelope, where a client names no limit.
    """

    default_limit: int | None = PAGE_SIZE
    limit_query_param: str = "limit"
    offset_query_param: str = "offset"
    max_limit: int | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """See Pagination."""
        most = f", {self.max_limit} at the most" if self.max_limit else ""
        limit, offset = f"How many items a page holds{most}.", "How many items come before the page."
        return {self.limit_query_param: limit, self.offset_query_param: offset}

    @property
    def sample_size(self) -> int | None:
        """See Pagination."""
        return self.default_limit

    async def page(
        self, request: Request, session: RequestSession, listing: Listing, criteria: Criteria, terms: tuple[str, ...]
    ) -> Any:  # noqa: ANN401 - see Pagination
        """See Pagination."""
        limit = self.limit_of(request.query_params)
        if limit is None:
            return await listing.fetch(session, criteria, terms)
        offset = positive_integer(request.query_params.get(self.offset_query_param)) or 0
        # The database knows no larger number, and no list has so many items.
        most, skipped = min(limit, _BIGGEST_OFFSET), min(offset, _BIGGEST_OFFSET)
        items, total = await listing.fetch_page(session, criteria, terms, limit=most, offset=skipped)
        if not items and offset:
            total = await fetch_value(session, listing.count(criteria))
        next_, previous = self.links(public_url(request), limit, offset, total)
        page = {"count": total, "next": next_, "previous": previous, "results": items}
        return self.enveloped(request, page)

    def limit_of(self, params: Mapping[str, str]) -> int | None:
        """How many items a page holds."""
        limit = positive_integer(params.get(self.limit_query_param), most=self.max_limit)
        return limit or self.default_limit

    def links(self, url: str, limit: int, offset: int, count: int) -> tuple[str | None, str | None]:
        """The addresses of the pages after and before the one at `url`."""
        limited = replace_query_parameter(url, self.limit_query_param, str(limit))
        after = replace_query_parameter(limited, self.offset_query_param, str(offset + limit))
        before = replace_query_parameter(
            limited, self.offset_query_param, str(offset - limit) if offset > limit else None
        )
        return after if offset + limit < count else None, before if offset > 0 else None


PAGE_NUMBERS: Final = PageNumberPagination()


class Page(BaseModel, Generic[Item]):
    """One page of a list; a page by position has no count."""

    count: int | None = Field(default=None, description="How many there are on all pages.", examples=[1])
    next: str | None = Field(description="The next page's address.", examples=[None])
    previous: str | None = Field(description="The previous page's address.", examples=[None])
    results: list[Item]


def paginate(
    request: Request,
    session: RequestSession,
    listing: Listing,
    criteria: Criteria,
    terms: tuple[str, ...],
    pages: Pagination = PAGE_NUMBERS,
) -> Awaitable[Any]:
    """The page that the request asks for of the items that meet `criteria`, ordered by `terms`.

    Raises:
        NotFound: there is no such page.
    """
    return pages.page(request, session, listing, criteria, terms)


def positive_integer(text: str | None, *, most: int | None = None) -> int | None:
    """A parameter's number, `most` at the most; None where it is none, or negative."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    if number < 0:
        return None
    return min(number, most) if most else number


def _previous(url: str, parameter: str, number: int) -> str | None:
    if number == 1:
        return None
    return replace_query_parameter(url, parameter, None if number == 2 else str(number - 1))
