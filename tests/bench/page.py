"""What benchmarks write into docs/benchmark.md: tables, plots, and what they were measured under."""

import os
import platform
from collections.abc import Sequence
from typing import Final

from strangler.cli.output import err
from tests.bench.bystanders import Bystanders
from tests.example import ROOT
from tests.page_sections import section_write

PAGE: Final = ROOT / "docs" / "benchmark.md"
PLOTS: Final = PAGE.with_suffix("")


class Conditions:
    """What a table was measured under, from now on."""

    def __init__(self) -> None:
        self._bystanders = Bystanders()

    def line(self, command: str) -> str:
        """A sentence for the page."""
        python, others = platform.python_version(), self._bystanders.cores()
        return f"`{command}` on {os.cpu_count()} cores, of which other programs took {others:.1f}; Python {python}."


def section_of_page_write(name: str, lines: Sequence[str]) -> None:
    """Put lines in the place of a section's."""
    section_write(PAGE, name, lines)
    err.print(f"{PAGE.relative_to(ROOT)}: {name} is written anew")


def image(name: str, alternative: str) -> str:
    """The line of the page that shows a plot."""
    return f"![{alternative}]({PLOTS.name}/{name}.svg)"
