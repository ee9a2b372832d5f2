"""By what sign-ins are counted."""

from datetime import UTC, datetime, timedelta

import pytest

from shared_schema.sign_in import WINDOW, attempt_digest, prune_until, seconds_left

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("other", ["ALICE", "\uff41lice", "Alice"])
def test_spellings_of_a_name_count_together(other: str) -> None:
    assert attempt_digest(other) == attempt_digest("alice")


def test_names_are_reported_apart_and_not_stored() -> None:
    assert attempt_digest("alice") != attempt_digest("bob")
    assert attempt_digest("\ud800") != attempt_digest("\ud801")
    assert len(attempt_digest("a" * 1_000_000)) == 64


@pytest.mark.parametrize(
    ("ago", "left"), [(timedelta(0), 900), (WINDOW - timedelta(seconds=1.5), 2), (WINDOW + timedelta(seconds=1), 1)]
)
def test_the_wait_is_whole_seconds_and_at_least_one(ago: timedelta, left: int) -> None:
    assert seconds_left(NOW - ago, NOW) == left


@pytest.mark.parametrize("after", [timedelta(0), timedelta(seconds=1), WINDOW - timedelta(microseconds=1)])
def test_what_is_removed_changes_once_a_window_and_never_what_counts(after: timedelta) -> None:
    assert prune_until(NOW + after) == NOW - WINDOW
    assert prune_until(NOW + WINDOW) == NOW
