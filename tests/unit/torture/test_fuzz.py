"""What Schemathesis reports, as a row of the table."""

from tests.torture.fuzz import Fuzzed


def test_errors_and_leaks_are_counted_apart_from_what_else_was_found() -> None:
    titles = {
        "Server error": 2,
        "Server error on undeclared request Content-Type": 1,
        "Custom check failed: `no_internals_in_answers`": 4,
        "Undocumented status code": 30,
        "Response violates schema": 7,
    }
    report = {
        "operations": {"tested": 33},
        "test_cases": {"generated": 1663},
        "failures": [{"title": title, "count": count} for title, count in titles.items()],
    }
    row = Fuzzed.of("fastapi", report)
    assert (row.errors, row.leaks) == (3, 4)
    others = "7 × Response violates schema, 30 × Undocumented status code"
    assert str(row) == f"| fastapi | 33 | 1,663 | 3 | 4 | {others} |"


def test_nothing_found_is_said() -> None:
    report = {"operations": {"tested": 1}, "test_cases": {"generated": 2}, "failures": []}
    assert str(Fuzzed.of("django", report)) == "| django | 1 | 2 | 0 | 0 | 0 |"
