"""What differs at a route: the cases that comparisons have left, and the places that the shadow has found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strangler.compare.shadow.results import DifferenceResult
from strangler.errors import StranglerError
from strangler.rollout.evidence import RouteEvidence

ShadowPlaces = Callable[[str], Sequence[DifferenceResult]]
"""The places of a route, by its name, where the shadow has found different answers."""


@dataclass(frozen=True, kw_only=True)
class RouteDifferences:
    """The differences of one route.

    `cases` are the names of cases that differed and have not been equal since, `unnamed` how many more are known of;
    `places` are the shadow's, and `problem` is why they can't be read. No value of an answer is in it that the page
    would show: a page stays open where others see it.
    """

    route: str
    cases: tuple[str, ...]
    unnamed: int
    places: tuple[DifferenceResult, ...]
    problem: str = ""


def differences_of(route: str, found: RouteEvidence | None, shadow: ShadowPlaces) -> RouteDifferences:
    """The differences of a route; `found` is what is known of it."""
    compared = found.compared if found else None
    cases = tuple(compared.standing) if compared else ()
    unnamed = max(0, compared.different - len(cases)) if compared else 0
    try:
        places, problem = tuple(shadow(route)), ""
    except StranglerError as error:
        places, problem = (), str(error)
    return RouteDifferences(route=route, cases=cases, unnamed=unnamed, places=places, problem=problem)
