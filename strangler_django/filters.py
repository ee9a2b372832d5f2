"""DRF's filter backends, with bounds: set them in `DEFAULT_FILTER_BACKENDS`."""

from rest_framework import filters
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from shared_schema.limits import MOST_SEARCH_TERMS, TOO_MANY_SEARCH_TERMS, distinct_terms


class SearchFilter(filters.SearchFilter):
    """DRF's `search` without duplicate terms, and with a limit on their number, since planning time grows with it."""

    def get_search_terms(self, request: Request) -> list[str]:
        """The terms.

        Raises:
            ValidationError: there are too many.
        """
        terms = distinct_terms(super().get_search_terms(request))
        if len(terms) > MOST_SEARCH_TERMS:
            raise ValidationError([TOO_MANY_SEARCH_TERMS])
        return terms
