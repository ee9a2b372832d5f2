"""The rows of `make torture`, and the page that holds them."""

from pathlib import Path

import pytest

from tests.torture.faults import FAULTS
from tests.torture.outcome import PAGE, Row, rows_read, rows_write

ROW = Row(
    fault="PostgreSQL is restarted",
    sent=12_345,
    reads={"503": 2, "lost": 1},
    writes={},
    acknowledged=1_000,
    missing=0,
    doubled=0,
    seconds=1.5,
    person=False,
)
LINE = "| PostgreSQL is restarted | 12,345 | 2 × 503, 1 × lost | 0 | 1,000 | 0 | 0 | 1.5 s | no |"


def test_a_row_is_written_and_read() -> None:
    assert str(ROW) == LINE
    assert Row.parse(LINE) == ROW


@pytest.mark.parametrize("line", [LINE.replace("1.5 s", "soon"), LINE.replace("2 × 503", "some"), "| a fault |"])
def test_what_is_no_row_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no "):
        Row.parse(line)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"missing": 1}, "an acknowledged write is missing"),
        ({"doubled": 1}, "a write is there twice"),
        ({"writes": {"500": 1}}, "a client was answered 500"),
        ({"person": True}, "a person was needed"),
    ],
)
def test_what_no_fault_may_bring_about_is_a_problem(changes: dict[str, object], problem: str) -> None:
    assert ROW.problems == []
    assert Row(**{**vars(ROW), **changes}).problems == [problem]  # type: ignore[arg-type] # the row's own fields


def test_the_page_has_a_row_of_each_fault_and_nothing_was_lost() -> None:
    rows = rows_read(PAGE.read_text(encoding="utf-8"))
    assert sorted(row.fault for row in rows) == sorted(fault.words for fault in FAULTS.values())
    assert [row.fault for row in rows if row.problems] == []


def test_rows_take_the_place_of_their_own_and_leave_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"))
    before = rows_read(page.read_text())
    again = Row(**{**vars(before[0]), "sent": 7})
    rows_write([again], page=page)
    assert rows_read(page.read_text()) == [again, *before[1:]]
    assert page.read_text().partition("<!--")[0] == PAGE.read_text().partition("<!--")[0]
