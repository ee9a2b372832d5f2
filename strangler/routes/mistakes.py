"""What is wrong in a routes file: the lines, the sentence and the hint."""

import datetime as dt
import difflib
from collections.abc import Iterable, Sequence

from strangler.errors import UsageError

_SHOWN = 60


class Mistake(Exception):
    """One thing that is wrong. `lines` says where, from 1; it is empty where that can't be known."""

    def __init__(self, sentence: str, *lines: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.lines = tuple(sorted({line for line in lines if line}))

    def text(self, source: str) -> str:
        """The mistake behind the file's name and its lines."""
        return f"{source}{self._place}: {self.sentence}"

    @property
    def _place(self) -> str:
        *most, last = [str(line) for line in self.lines] or [""]
        if most:
            return f", lines {', '.join(most)} and {last}"
        return f", line {last}" if last else ""


class MistakesError(UsageError):
    """A file that says what it can't; its sentence is the first of `mistakes`, in the order of the lines."""

    # Where a person finds the others.
    see = ""

    def __init__(self, source: str, mistakes: Iterable[Mistake]) -> None:
        ordered = sorted(mistakes, key=lambda mistake: (not mistake.lines, mistake.lines))
        self.mistakes: Sequence[str] = [mistake.text(source) for mistake in ordered]
        more = f" ({len(ordered) - 1} more{self.see})" if len(ordered) > 1 else ""
        super().__init__(self.mistakes[0] + more)


class RoutesError(MistakesError):
    """A routes file that nginx could not serve."""

    see = ": see strangler check"


def shown(value: object) -> str:
    """A value as an error shows it: on one line, control characters escaped, not longer than a line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return str(value)
    try:
        text = repr(value)
    except ValueError:  # Python writes no number beyond 4300 digits.
        return "a number without end"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)
