"""Switches under load: is any request lost, and was each answered by a stack whose turn it was?"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from strangler.rollout.apply import Intent, rollout_apply
from strangler.rollout.rollout import Rollout
from strangler.routes.editing import routes_edit
from strangler.routes.route import Api, Stage
from tests.bench.keepalive import Answered, Load, load

_STAGES: Final = (Stage.MIGRATED, Stage.PARALLEL)


@dataclass(frozen=True)
class Turn:
    """A stack's turn: from the moment when its switch began until the switch after it was done."""

    stack: str
    begins: float
    ends: float


@dataclass(frozen=True)
class Switches:
    """What a run of switches has shown."""

    load: Load
    turns: tuple[Turn, ...]
    seconds: tuple[float, ...]

    @property
    def out_of_turn(self) -> list[Answered]:
        """The answers of a stack that had no turn at any time while the request was under way."""
        begins = [turn.begins for turn in self.turns]
        return [answer for answer in self.load.answers if not self._in_turn(answer, begins)]

    def _in_turn(self, answer: Answered, begins: Sequence[float]) -> bool:
        until = self.turns[: bisect_left(begins, answer.received)]
        # No more than a few turns overlap a request.
        return any(turn.stack == answer.served_by and turn.ends >= answer.sent for turn in reversed(until[-5:]))

    @property
    def refused(self) -> list[Answered]:
        """The answers that are errors."""
        return [answer for answer in self.load.answers if answer.status >= 400]

    @property
    def stacks(self) -> dict[str, int]:
        """How many answers each stack has given."""
        names = [answer.served_by for answer in self.load.answers]
        return {name: names.count(name) for name in sorted(set(names))}

    def summary(self) -> str:
        """The run in a sentence."""
        return (
            f"{len(self.seconds)} switches, {len(self.load.answers)} requests answered ({self.stacks}), "
            f"{len(self.load.lost)} lost, {len(self.refused)} refused, {len(self.out_of_turn)} out of turn; "
            f"a switch took {median(self.seconds):.2f} s, the longest {max(self.seconds):.2f} s"
        )


async def switch_under_load(
    rollout: Rollout, names: Sequence[str], requests: Sequence[bytes], *, clients: int, switches: int, seconds: float
) -> Switches:
    """Move routes forth and back `switches` times within `seconds`, spread evenly, while the clients ask."""
    turns = [Turn(Stage.PARALLEL.answers(Api.V1), 0.0, 0.0)]
    took = []
    async with load(rollout.gateway.url, requests, clients=clients) as seen:
        began = time.monotonic()
        for number in range(switches):
            await asyncio.sleep(max(0.0, began + number * seconds / switches - time.monotonic()))
            stage = _STAGES[number % len(_STAGES)]
            started = time.monotonic()
            await asyncio.to_thread(_switch, rollout, names, stage)
            done = time.monotonic()
            took.append(done - started)
            turns[-1] = Turn(turns[-1].stack, turns[-1].begins, done)
            turns.append(Turn(stage.answers(Api.V1), started, done))
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    turns[-1] = Turn(turns[-1].stack, turns[-1].begins, time.monotonic())
    return Switches(load=seen, turns=tuple(turns), seconds=tuple(took))


def _switch(rollout: Rollout, names: Sequence[str], stage: Stage) -> None:
    text = rollout.file_content().decode()
    content = routes_edit(text, {name: {"stage": str(stage)} for name in names}).encode()
    checksum = rollout.propose(content).plan.checksum
    intent = Intent(command=f"switch to {stage}", force=True, reason="a measured switch")
    rollout_apply(rollout, content, checksum=checksum, intent=intent)
