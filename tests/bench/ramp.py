"""`make bench-ramp`: which faults ramps catch, how many healthy ones are stopped, the log's reader, and the way back.

Requests are made up, and judged by the gates that `strangler ramp` has; the way back is that of real stacks. Exit
codes: 0 the targets are met, 1 not.
"""

import itertools
import json
import math
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from strangler.cli.output import err, say
from strangler.metrics.access_log import AccessLog
from strangler.metrics.callers import CallerSample
from strangler.metrics.follower import AccessLogFollower, LogPosition
from strangler.metrics.histogram import LatencyHistogram
from strangler.metrics.minutes import MinuteTable
from strangler.metrics.tally import StackTally
from strangler.ramp.gates import CanaryLimits, Figures, Verdict, Window, judge, worst
from strangler.routes.route import Stack
from tests.bench.ramp_return import LONGEST_SECONDS, returned, returns_text

STEPS: Final = (1.0, 5.0, 25.0, 50.0, 100.0)
HOLD: Final = 600
# As long as a slot of the last minute; the ramp itself looks each second, for which its bounds are made.
LOOK: Final = 10
RATES: Final = (5, 50, 500)
BASE_ERRORS: Final = 0.0005
CALLERS: Final = 3_000
STOPPED_AT_MOST: Final = 1
LINES: Final = 400_000
LINES_A_SECOND: Final = 20_000
# The share of reads that is asked of both stacks again, and how many a second the shadow's worker asks at most.
SHADOW: Final = 0.05
SHADOW_RATE: Final = 20.0
# A second in which both stacks wait for the database, of so many looks.
_HICCUPS: Final = 100
_SLOWER: Final = 3.0
_TIMES: Final = 20_000


@dataclass(frozen=True)
class Fault:
    """What FastAPI does worse: 5xx, or wrong bodies, of so many requests more, times longer by a factor."""

    name: str
    errors: float = 0.0
    slower: float = 1.0
    wrong: float = 0.0


FAULTS: Final = (
    Fault("5xx at 1 %", errors=0.01),
    Fault("5xx at 0.3 %", errors=0.003),
    Fault("p95 × 1.5", slower=1.5),
    Fault("a wrong body at 1 %", wrong=0.01),
)
HEALTHY: Final = Fault("none")


@dataclass(frozen=True)
class Outcome:
    """How a ramp ended: `verdict` breach, pass for the end, inconclusive where the time was over.

    `requests` are the canary's, and `callers` those who met the fault.
    """

    verdict: Verdict
    percent: float
    seconds: int
    requests: int
    callers: int


class Simulation:
    """One ramp at so many requests a second; both stacks take 20 ms in the middle, FastAPI is no faster."""

    def __init__(self, fault: Fault, rate: float, *, seed: int, hours: float) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self._fault = fault
        self._rate = rate
        self._left = int(hours * 3600)
        # Whole milliseconds, as nginx writes them: so few that a look counts each once.
        self._times = [round(self._random.lognormvariate(math.log(0.02), 0.6), 3) for _ in range(_TIMES)]
        self._seconds = self._requests = 0
        # Of its own, so that a ramp is the same whoever is counted.
        self._chance = random.Random(seed)  # noqa: S311 - repeatable
        self._met = set[int]()

    def run(self) -> Outcome:
        """The ramp from its first step on."""
        control = StackTally()
        for number, percent in enumerate(STEPS):
            following = STEPS[min(number + 1, len(STEPS) - 1)]
            verdict, control = self._step(percent, following, control)
            if verdict is not Verdict.PASS:
                break
        return Outcome(verdict, percent, self._seconds, self._requests, len(self._met))

    def _step(self, percent: float, following: float, baseline: StackTally) -> tuple[Verdict, StackTally]:
        step, slots, parts = Window(), list[Window](), set[int]()
        callers = self._callers(percent)
        for second in itertools.count(LOOK, LOOK):
            slot = self._look(percent)
            slots = [*slots[-5:], slot]
            step = Window.of([step, slot])
            if percent == STEPS[-1]:
                step.control = baseline
            if slot.canary.requests:
                parts.add(second // (HOLD // 10))
            figures = Figures(
                route="a route",
                percent=percent,
                next_percent=following,
                step=step,
                recent=Window.of(slots),
                parts=len(parts),
                callers=callers if percent < STEPS[-1] else None,
            )
            verdict = Verdict.BREACH if self._differs() else worst(judge(figures, CanaryLimits()))
            self._seconds += LOOK
            is_done = verdict is Verdict.PASS and second >= HOLD
            if verdict is Verdict.BREACH or is_done or self._seconds >= self._left:
                return verdict, step.control
        raise AssertionError

    def _look(self, percent: float) -> Window:
        slower = _SLOWER if self._random.randrange(_HICCUPS) == 0 else 1.0
        canary = self._poisson(self._rate * LOOK * percent / 100)
        self._requests += canary
        found = self._tally(canary, BASE_ERRORS + self._fault.errors, slower * self._fault.slower)
        if self._fault.errors:
            self._meet(percent, found.errors)
        elif self._fault.wrong:
            self._meet(percent, self._poisson(canary * self._fault.wrong))
        elif self._fault.slower > 1:
            self._meet(percent, canary)
        return Window(
            canary=found,
            control=self._tally(self._poisson(self._rate * LOOK * (100 - percent) / 100), BASE_ERRORS, slower),
        )

    def _meet(self, percent: float, requests: int) -> None:
        """So many of the canary's requests meet the fault; who is in it at one step is at the next."""
        share = round(CALLERS * percent / 100)
        self._met.update(self._chance.randrange(share) for _ in range(requests))

    def _differs(self) -> bool:
        """Whether the shadow has met a wrong body since the last look: one difference is above the limit."""
        if not self._fault.wrong:
            return False
        asked = min(self._rate * SHADOW, SHADOW_RATE) * LOOK
        return self._poisson(asked * self._fault.wrong) > CanaryLimits().differences

    def _tally(self, requests: int, errors: float, slower: float) -> StackTally:
        found = StackTally(requests=requests, errors=min(requests, self._poisson(requests * errors)))
        for seconds, count in Counter(self._random.choices(self._times, k=requests)).items():
            found.times.merge(_times_of(round(seconds * slower, 3), count))
        return found

    def _callers(self, percent: float) -> CallerSample:
        """Who is asked about a step: the callers of hours, split as nginx does."""
        sample = CallerSample()
        for _ in range(CALLERS):
            stack = Stack.FASTAPI if self._random.random() < percent / 100 else Stack.DJANGO
            sample.add(f"user:{self._random.getrandbits(64)}", stack)
        return sample

    def _poisson(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self._random.gauss(mean, math.sqrt(mean))))
        limit, count, product = math.exp(-mean), 0, self._random.random()
        while product > limit:
            count += 1
            product *= self._random.random()
        return count


def _times_of(seconds: float, count: int) -> LatencyHistogram:
    one = LatencyHistogram()
    one.add(seconds)
    [bucket] = one.counts
    return LatencyHistogram([(bucket, count)])


def table(faults: Sequence[Fault], *, ramps: int, hours: float) -> Iterator[str]:
    """A line for each fault and rate."""
    yield "| fault | requests/s | caught | waiting | at the end | at step | canary's requests | clients hit | after |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for fault, rate in itertools.product(faults, RATES):
        found = _ramps(fault, rate, ramps=ramps, hours=hours)
        caught = [each for each in found if each.verdict is Verdict.BREACH]
        ends = sum(each.verdict is Verdict.PASS for each in found)
        if caught:
            steps = ", ".join(f"{step:g}" for step in sorted({each.percent for each in caught}))
            requests = statistics.median(each.requests for each in caught)
            minutes = statistics.median(each.seconds for each in caught) / 60
            callers = statistics.median(each.callers for each in caught)
            where = f"{steps} % | {requests:,.0f} | {callers:,.0f} | {minutes:.0f} min"
        else:
            where = "- | - | - | -"
        waiting = ramps - len(caught) - ends
        yield f"| {fault.name} | {rate} | {len(caught)} of {ramps} | {waiting} | {ends} | {where} |"


def _ramps(fault: Fault, rate: float, *, ramps: int, hours: float) -> list[Outcome]:
    found = []
    for seed in range(ramps):
        found.append(Simulation(fault, rate, seed=seed * 1000 + int(rate), hours=hours).run())
        err.print(Text(f"{fault.name}, {rate}/s: {found[-1]}"))
    return found


def healthy(*, ramps: int, hours: float) -> tuple[int, str]:
    """How many ramps without a fault are stopped, and that in words."""
    shares = [ramps // len(RATES) + (number < ramps % len(RATES)) for number in range(len(RATES))]
    found = [
        each
        for rate, count in zip(RATES, shares, strict=True)
        for each in _ramps(HEALTHY, rate, ramps=count, hours=hours)
    ]
    stopped = sum(each.verdict is Verdict.BREACH for each in found)
    done = [each for each in found if each.verdict is Verdict.PASS]
    took = statistics.median(each.seconds for each in done) / 60 if done else 0
    text = f"without a fault: {stopped} of {ramps} stopped, {len(done)} at the end"
    return stopped, f"{text}, in {took:.0f} min at the median"


def reading() -> tuple[float, str]:
    """Lines that the reader takes of one core's second, and that in words."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "nginx.log"
        rng = random.Random(1)  # noqa: S311 - repeatable
        with log.open("w") as file:
            for number in range(LINES):
                file.write(json.dumps(_line(number, rng), separators=(",", ":")) + "\n")
        began = time.process_time()
        counted, minutes = AccessLog(), MinuteTable()
        minutes.add(counted.requests(AccessLogFollower(log, LogPosition()).lines()))
        rate = counted.readable / (time.process_time() - began)
    return rate, f"the log's reader: {rate:,.0f} lines in a second of a core, {rate / 2:,.0f} on half of one"


def _line(number: int, rng: random.Random) -> dict[str, object]:
    return {
        "time": f"2026-11-22T12:{number // 6000 % 60:02}:{number // 100 % 60:02}+00:00",
        "request_id": f"{rng.getrandbits(128):032x}",
        "client": "10.0.0.1",
        "method": "GET",
        "uri": f"/api/things/?page={number}",
        "api": "v1",
        "route": f"things.{number % 30}",
        "stack": rng.choice(["django", "fastapi"]),
        "fallback": "",
        "caller": f"user:{rng.randrange(20_000)}",
        "status": 200,
        "upstream_status": "200",
        "upstream_time": f"{rng.lognormvariate(-4, 1):.3f}",
        "time_taken": 0.012,
        "bytes": 4123,
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
    }


def bench(
    ramps: Annotated[int, typer.Option(min=1, help="Ramps of each fault at each rate.")] = 20,
    without: Annotated[int, typer.Option(min=3, help="Ramps without a fault.")] = 100,
    hours: Annotated[float, typer.Option(min=1, help="Give a ramp up after so many hours of its own time.")] = 4,
    returns: Annotated[int, typer.Option(min=1, help="Ramps on real stacks that are taken back.")] = 5,
) -> None:
    """Ramp with planted faults and without, and measure the log's reader and the way back."""
    rate, sentence = reading()
    say(sentence)
    back = list(returned(times=returns))
    say(returns_text(back))
    for line in table(FAULTS, ramps=ramps, hours=hours):
        say(line)
    stopped, sentence = healthy(ramps=without, hours=hours)
    say(sentence)
    slow = max(each.back for each in back) > LONGEST_SECONDS
    if stopped > STOPPED_AT_MOST or rate / 2 < LINES_A_SECOND or slow:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(bench)
