import io
import json
from pathlib import Path

from rich.console import Console

from tests.bench.comparison import Comparison, Round
from tests.bench.report import report_print, report_table_lines, report_write
from tests.bench.wrk import Load


def load(requests: int, p99_ms: float) -> Load:
    return Load(requests=requests, seconds=2.0, p50_ms=3.25, p99_ms=p99_ms, unsent=0, errors={}, cpu_seconds=1.0)


MET = Comparison("detail", target=4, rounds=[Round(v1=load(200, 20.0), v2=load(1000, 9.0))])
MISSED = Comparison("feed", target=None, rounds=[Round(v1=load(200, 20.0), v2=load(5000, 21.0))])


def printed(*, terminal: bool) -> list[str]:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None)
    report_print([MET, MISSED], console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_off_a_terminal_each_endpoint_is_a_line() -> None:
    assert printed(terminal=False) == [
        "detail: v1 100 req/s, p50 3.2 ms, p99 20.0 ms, CPU 5.0 ms; v2 500 req/s, p50 3.2 ms, p99 9.0 ms, CPU 1.0 ms; "
        "v2/v1 5.00 (5.00-5.00); ≥ 4 × met, p99 < v1's met",
        "feed: v1 100 req/s, p50 3.2 ms, p99 20.0 ms, CPU 5.0 ms; v2 2500 req/s, p50 3.2 ms, p99 21.0 ms, CPU 0.2 ms; "
        "v2/v1 25.00 (25.00-25.00); p99 < v1's MISSED",
    ]


def test_on_the_page_each_endpoint_is_a_row() -> None:
    _heads, _rule, row, _other = report_table_lines([MET, MISSED])
    assert row == "| detail | 100 | 500 | 5.00 (5.00–5.00) | 20 / 9 ms | 5.0 / 1.0 ms |"


def test_on_a_terminal_it_is_a_table() -> None:
    lines = printed(terminal=True)
    assert next(line for line in lines if "endpoint" in line).split() == [
        *("endpoint", "req/s", "p50", "p99", "CPU", "v2/v1", "targets"),
    ]
    v1 = next(number for number, line in enumerate(lines) if "feed" in line)
    assert lines[v1].split() == ["feed", "v1", "100", "3.2", "20.0", "5.0", "25.00", "p99", "<", "v1's", "MISSED"]
    assert lines[v1 + 1].split() == ["v2", "2,500", "3.2", "21.0", "0.2", "25.00-25.00"]


def test_file_tells_the_conditions_and_whether_all_is_met(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    report_write(file, [MET, MISSED], conditions={"rounds": 1})
    document = json.loads(file.read_text())
    assert (document["rounds"], document["met"]) == (1, False)
    assert [endpoint["endpoint"] for endpoint in document["endpoints"]] == ["detail", "feed"]
    report_write(file, [MET], conditions={})
    assert json.loads(file.read_text())["met"] is True
