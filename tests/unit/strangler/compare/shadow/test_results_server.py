"""What a worker answers to whoever asks for its results."""

from pathlib import Path

from strangler.compare.shadow.results import ShadowResults
from strangler.compare.shadow.results_server import results_answer, results_copy
from strangler.compare.shadow.store import ShadowStore


def test_the_database_is_answered_whole(tmp_path: Path) -> None:
    ShadowStore(tmp_path / "own.sqlite3").prepare()
    status, body = results_answer("/results", tmp_path / "own.sqlite3")
    assert status == 200
    copy = results_copy(body.decode(), tmp_path)
    assert ShadowResults(copy).refused() == {"malformed": 0, "missed": 0}
    assert results_answer("/", tmp_path / "own.sqlite3") == (404, b"Only /results is here.\n")


def test_a_database_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    status, body = results_answer("/results", tmp_path / "gone.sqlite3")
    assert (status, body.decode().partition(" (")[0]) == (503, "the results can't be read")
