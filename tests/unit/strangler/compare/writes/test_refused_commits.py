"""What two answers say of a commit that the database has refused."""

import pytest

from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import SideResponse
from strangler.compare.comparison import CaseOutcome
from strangler.compare.writes.refused_commits import refusals_compare


def answer(status: int) -> TimedResponse:
    return TimedResponse(answer=SideResponse(status=status, body=b"{}"), seconds=0.1, statements=None)


@pytest.mark.parametrize(("left", "right"), [(500, 503), (503, 503), (500, 500)])
def test_two_failures_are_equal_in_whatever_words(left: int, right: int) -> None:
    result = refusals_compare(answer(left), answer(right))
    assert result is not None
    assert (result.outcome, result.found) == (CaseOutcome.EQUAL, ())


@pytest.mark.parametrize(("left", "right"), [(500, 201), (201, 503), (503, 400)])
def test_one_that_answers_before_its_commit_is_another(left: int, right: int) -> None:
    result = refusals_compare(answer(left), answer(right))
    assert result is not None
    assert result.outcome is CaseOutcome.DIFFERENT
    assert [(each.kind, each.left, each.right) for each in result.found] == [("status", left, right)]


def test_where_nothing_was_refused_the_answers_are_compared_as_always() -> None:
    assert refusals_compare(answer(200), answer(400)) is None


def test_what_django_fails_with_before_its_commit_is_no_difference() -> None:
    """Such as a delete of what others refer to, which the other side refuses."""
    assert refusals_compare(answer(500), answer(409)) is None
