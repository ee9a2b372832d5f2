"""How many cases a second `strangler compare` compares, beside what the slower of the two sides answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, Self

from tests.bench.wrk import Load

TARGET: Final = 0.8


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Cases that were all equal, the seconds that the tool's report tells, and those that it took of the cores."""

    cases: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Cases compared in a second."""
        return self.cases / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of a core for each case."""
        return self.cpu_seconds * 1000 / self.cases

    def beyond(self, start: Self) -> Self:
        """What came after the first case, given a run of a single one."""
        return replace(
            self,
            cases=self.cases - start.cases,
            seconds=self.seconds - start.seconds,
            cpu_seconds=self.cpu_seconds - start.cpu_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A round: the slower side under wrk, and both under the tool, one right after the other.

    `bystanders` is how many cores programs with no part in it took meanwhile.
    """

    alone: Load
    compared: Compared
    bystanders: float

    @property
    def ratio(self) -> float:
        """The tool's part of what the slower side answers."""
        return self.compared.rate / self.alone.rate


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How it is measured: requests under way at once on each side; whether the slower side has a core of its own."""

    own_core: bool
    concurrency: int

    def __str__(self) -> str:
        return f"{self.concurrency:2} at once, {'a core of its own' if self.own_core else 'no core of its own'}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """All rounds of one setting."""

    setting: Setting
    pairs: Sequence[Pair]

    @property
    def alone(self) -> float:
        """What the slower side answers in a second: the median of the rounds."""
        return median(pair.alone.rate for pair in self.pairs)

    @property
    def compared(self) -> float:
        """How many cases a second the tool compares: the median of the rounds."""
        return median(pair.compared.rate for pair in self.pairs)

    @property
    def ratio(self) -> float:
        """The second over the first."""
        return self.compared / self.alone

    @property
    def missed(self) -> bool:
        """Whether the target isn't met; there is none where the tool and the slower side take each other's cores."""
        return self.setting.own_core and self.ratio < TARGET

    def __str__(self) -> str:
        ratios = [pair.ratio for pair in self.pairs]
        result = ("missed" if self.missed else "met") if self.setting.own_core else "no target"
        return (
            f"{self.setting}: {self.alone:.0f} answers a second alone, {self.compared:.0f} cases compared a second, "
            f"{self.ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}), {result}; "
            f"others took {median(pair.bystanders for pair in self.pairs):.1f} cores"
        )
