"""Counts add up over transactions and restarts, differences are bounded, and a reader needs no file."""

import sqlite3
from pathlib import Path

import pytest

from strangler.compare.comparison import CaseOutcome
from strangler.compare.redaction import MaskedDifference
from strangler.compare.shadow.results import ShadowResults, shadow_evidence
from strangler.compare.shadow.store import PLACES_PER_ROUTE, SampleResult, ShadowStore, Tally
from strangler.errors import FailedError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "shadow.sqlite3"


def judgement(outcome: CaseOutcome, *patterns: str, failure: str = "") -> SampleResult:
    found = tuple(MaskedDifference(kind="value", place=p, pattern=p, left='"a"', right=None) for p in patterns)
    return SampleResult(
        outcome=outcome, method="GET", path="/posts/", request_id="r", differences=found, failure=failure
    )


def tally(*judgements: SampleResult, route: str = "posts.list") -> Tally:
    made = Tally(places_per_route=PLACES_PER_ROUTE)
    for each in judgements:
        made.add_result(route, each)
    return made


def test_counts_add_up(database: Path) -> None:
    store = ShadowStore(database)
    store.add(tally(judgement(CaseOutcome.EQUAL), judgement(CaseOutcome.FAILED, failure="django does not answer")))
    store.add(tally(judgement(CaseOutcome.EQUAL)))
    (found,) = ShadowResults(database).routes().values()
    assert (found.asked, found.equal, found.failed, found.failure) == (3, 2, 1, "django does not answer")
    assert found.first <= found.last
    assert shadow_evidence(database, ["posts.list", "tags.list"])["posts.list"]["equal"] == 2


def test_a_place_is_kept_once_with_its_last_example(database: Path) -> None:
    store = ShadowStore(database)
    store.add(tally(judgement(CaseOutcome.DIFFERENT, "$.a", "$.b")))
    store.add(tally(judgement(CaseOutcome.DIFFERENT, "$.a")))
    found = ShadowResults(database).differences(["posts.list"])
    assert [(each.pattern, each.count, each.django, each.fastapi) for each in found] == [
        ("$.a", 2, '"a"', None),
        ("$.b", 1, '"a"', None),
    ]
    assert ShadowResults(database).differences(["tags.list"]) == []


def test_the_places_of_a_route_are_bounded(database: Path) -> None:
    store = ShadowStore(database)
    for start in (0, 40, 80):
        store.add(tally(judgement(CaseOutcome.DIFFERENT, *(f"$.key{number}" for number in range(start, start + 70)))))
    assert len(ShadowResults(database).differences(["posts.list"])) == PLACES_PER_ROUTE


def test_reset_forgets_these_routes_only(database: Path) -> None:
    store = ShadowStore(database)
    for route in ("posts.list", "tags.list"):
        store.add(tally(judgement(CaseOutcome.DIFFERENT, "$.a"), route=route))
    store.reset(["posts.list"])
    assert list(ShadowResults(database).routes()) == ["tags.list"]
    assert ShadowResults(database).differences(["posts.list"]) == []


def test_what_an_older_worker_left_is_forgotten(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE route (other TEXT)")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    ShadowStore(database).add(tally(judgement(CaseOutcome.EQUAL)))
    assert ShadowResults(database).routes()["posts.list"].asked == 1


def test_a_write_that_fails_changes_nothing(database: Path) -> None:
    store = ShadowStore(database)
    store.add(tally(judgement(CaseOutcome.EQUAL)))
    bad = tally(judgement(CaseOutcome.EQUAL), judgement(CaseOutcome.DIFFERENT, "$.a"))
    bad.routes["posts.list"].places["value", "$.a"].at = object()  # type: ignore[assignment] # what SQLite refuses
    with pytest.raises(sqlite3.Error):
        store.add(bad)
    assert ShadowResults(database).routes()["posts.list"].asked == 1


def test_without_a_file_there_are_no_results(database: Path) -> None:
    assert ShadowResults(database).routes() == {}
    assert ShadowResults(database).refused()["malformed"] == 0
    assert not database.exists()


def test_a_file_that_is_no_database_is_one_sentence_and_no_evidence(database: Path) -> None:
    database.write_text("not a database at all" * 100)
    with pytest.raises(FailedError, match=r"can't be read \(file is not a database\): remove it"):
        ShadowResults(database).routes()
    assert shadow_evidence(database, ["posts.list"]) == {}


def test_a_reader_is_not_in_the_way(database: Path) -> None:
    store = ShadowStore(database)
    store.add(tally(judgement(CaseOutcome.EQUAL)))
    reader = sqlite3.connect(database)
    assert reader.execute("SELECT asked FROM route").fetchone() == (1,)
    store.add(tally(judgement(CaseOutcome.EQUAL)))
    reader.close()
    assert ShadowResults(database).routes()["posts.list"].asked == 2
