"""How lists are ordered and paged, for every list of the API."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from shared_schema.limits import distinct_orderings


class PagePagination(PageNumberPagination):
    """Pages of 20, or of `page_size` up to 100; a larger one is cut to 100, a senseless one is 20."""

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100


class StableOrderingFilter(OrderingFilter):
    """DRF's `ordering`, with the id as last term, so that rows of equal rank never move between pages.

    The id takes the direction of the term before it: `-created_at` means `-created_at, -id`, which one index serves
    in both directions.
    """

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Sequence[str] | None:
        """The terms to order by, or None where neither the caller nor the view names one."""
        ordering = super().get_ordering(request, queryset, view)
        terms = distinct_orderings(ordering) if ordering else None
        if not terms or any(term.lstrip("-") == "id" for term in terms):
            return terms
        return [*terms, "-id" if terms[-1].startswith("-") else "id"]
