"""Sections of pages that commands write."""

from pathlib import Path

import pytest

from tests.bench.page import PAGE, PLOTS
from tests.page_sections import section_write


def test_a_section_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin of one -->\nold\n<!-- end of one -->\nafter\n<!-- begin of two -->\n")
    section_write(page, "one", ["new", "lines"])
    expected = "before\n<!-- begin of one -->\nnew\nlines\n<!-- end of one -->\nafter\n<!-- begin of two -->\n"
    assert page.read_text() == expected


def test_a_page_without_the_section_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="not enough values"):
        section_write(page, "one", [])


@pytest.mark.parametrize(
    ("name", "plot"), [("bench", ""), ("fields", ""), ("peers", "peers.svg"), ("growth", "growth.svg")]
)
def test_the_benchmark_s_page_has_what_commands_write(name: str, plot: str) -> None:
    _before, begun, rest = PAGE.read_text().partition(f"<!-- begin of {name} -->\n")
    section, ended, _after = rest.partition(f"\n<!-- end of {name} -->")
    assert begun
    assert ended
    assert section.count("\n|") > 5
    if plot:
        assert f"({PLOTS.name}/{plot})" in section
        assert (PLOTS / plot).read_text().count("<svg") == 1
