"""Limits of one request on both stacks: search terms, orderings, stored sizes."""

from collections.abc import Iterable
from typing import Final

# Every term is a condition on every searched column, which PostgreSQL plans before it reads a row: 7,500 took 39 s.
MOST_SEARCH_TERMS: Final = 32
TOO_MANY_SEARCH_TERMS: Final = f"Ensure this search has no more than {MOST_SEARCH_TERMS} terms."


def distinct_terms(terms: Iterable[str]) -> list[str]:
    """The terms of a search without duplicates, which narrow nothing."""
    return list(dict.fromkeys(terms))


def distinct_orderings(terms: Iterable[str]) -> list[str]:
    """The terms of an order without repeated fields, in either direction, which order nothing."""
    found: dict[str, str] = {}
    for term in terms:
        found.setdefault(term.removeprefix("-"), term)
    return list(found.values())
