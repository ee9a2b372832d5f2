import json
from pathlib import Path

import pytest

from strangler.errors import FailedError
from tests.bench.comparison_rate import Compared
from tests.bench.tool import compared_read


def report(folder: Path, *equal: int) -> Path:
    file = folder / "report.json"
    file.write_text(json.dumps({"seconds": 2.0, "routes": [{"equal": count} for count in equal]}))
    return file


def test_a_run_is_what_its_report_says(tmp_path: Path) -> None:
    compared = compared_read(report(tmp_path, 30, 20), cases=50, cpu_seconds=0.5)
    assert compared == Compared(cases=50, seconds=2.0, cpu_seconds=0.5)
    assert compared.rate == 25


@pytest.mark.parametrize("equal", [(), (30, 19)])
def test_a_run_that_found_differences_or_asked_less_is_refused(tmp_path: Path, equal: tuple[int, ...]) -> None:
    with pytest.raises(FailedError, match=rf"^compare found {sum(equal)} of 50 cases equal: "):
        compared_read(report(tmp_path, *equal), cases=50, cpu_seconds=0.5)
