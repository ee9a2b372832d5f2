"""Pages by number, in DRF's envelope (`PageNumberPagination`)."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from fastapi_app.drf.errors import NotFound
from fastapi_app.drf.urls import public_url, replace_query_parameter
from fastapi_app.reads import Shape

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_LAST = "last"
_BIGGEST_OFFSET = 2**63 - 1

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    count: int = Field(description="How many there are on all pages.", examples=[1])
    next: str | None = Field(description="The next page's address.", examples=[None])
    previous: str | None = Field(description="The previous page's address.", examples=[None])
    results: list[Item]


async def paginate(request: Request, session: AsyncSession, shape: Shape, rows: Select[Any]) -> dict[str, Any]:
    """The page of `rows` that the request asks for, each row as `shape`.

    `rows` is the ordered statement without a limit; the total comes along in the same trip.

    Raises:
        NotFound: there is no such page.
    """
    size = _page_size(request.query_params.get("page_size"))
    total = (
        select(func.count())
        .select_from(rows.order_by(None).with_only_columns(1, maintain_column_froms=True).subquery())
        .scalar_subquery()
    )
    number = await _page_number(request.query_params.get("page") or "1", size, session, total)
    offset = (number - 1) * size
    if offset > _BIGGEST_OFFSET:
        raise NotFound("Invalid page.")
    found = (await session.execute(rows.add_columns(total).limit(size).offset(offset))).all()
    if not found and number > 1:
        raise NotFound("Invalid page.")
    count = found[0][-1] if found else 0
    url = public_url(request)
    return {
        "count": count,
        "next": replace_query_parameter(url, "page", str(number + 1)) if number * size < count else None,
        "previous": _previous(url, number),
        "results": [shape.build(row) for row in found],
    }


def _page_size(text: str | None) -> int:
    """What is no positive number is the default, what is too large the largest."""
    try:
        size = int(text or "")
    except ValueError:
        return PAGE_SIZE
    return min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE


async def _page_number(text: str, size: int, session: AsyncSession, total: Any) -> int:  # noqa: ANN401 - a scalar select
    if text == _LAST:
        count: int = (await session.execute(select(total))).scalar_one()
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
    return replace_query_parameter(url, "page", str(number - 1) if number > 2 else None)
