"""How far a comparison is: a moving line on a terminal, a plain one every ten seconds off it."""

import time
from collections import Counter
from typing import Final, Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from strangler.cli.output import err
from strangler.compare.comparison import CaseOutcome

_SECONDS: Final = 10.0


class CaseProgress:
    """Shows itself while the `with` block lasts, on the error stream."""

    def __init__(self) -> None:
        self._counts: Counter[CaseOutcome] = Counter()
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True
        )
        self._task = self._progress.add_task("asking", total=None)
        self._began = self._reported = time.monotonic()

    def __enter__(self) -> Self:
        if err.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        # Stopped without a start it would print an empty line.
        if err.is_terminal:
            self._progress.stop()

    def tell(self, outcome: CaseOutcome) -> None:
        """Count one case."""
        self._counts[outcome] += 1
        now = time.monotonic()
        # Drawing costs more than a request, and nobody reads faster.
        if now - self._reported < (0.1 if err.is_terminal else _SECONDS):
            return
        self._reported = now
        if err.is_terminal:
            self._progress.update(self._task, description=self._text(now))
        else:
            err.print(self._text(now), markup=False)

    def _text(self, now: float) -> str:
        asked = self._counts.total()
        found = ", ".join(f"{count:,} {outcome}" for outcome, count in self._counts.most_common())
        return f"asked {asked:,} ({found}), {asked / (now - self._began):.0f} a second"
