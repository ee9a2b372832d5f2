"""What was measured of one route since its ramp went to the step where it is."""

from collections.abc import Mapping
from typing import Any, Final

from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.callers import CallerSample
from strangler.metrics.tally import StackTally, stack_of
from strangler.ramp.gates import Window
from strangler.routes.route import Api, Stack

_SLOT_SECONDS: Final = 10
_SLOTS: Final = 6
# nginx's old workers answer on connections that clients hold open for 5 s more (keepalive_min_timeout).
SETTLE_SECONDS: Final = 6
_STACKS: Final = {str(stack): stack for stack in Stack}


class Measurement:
    """Canary and others since `since` (seconds since 1970); `part` is a tenth of the hold, in seconds.

    As JSON it lives in the state file, together with the position in the log that it was read up to.
    """

    def __init__(self, *, since: float, part: float) -> None:
        self.since = since
        self.part = part
        self.step = Window()
        self.parts: set[int] = set()
        self.callers = CallerSample()
        self._slots: dict[int, Window] = {}

    def add(self, request: LoggedRequest) -> None:
        """Count a request of v1, unless it is of before the step."""
        moment, stack = request.time.timestamp(), stack_of(request)
        if request.api != Api.V1 or stack is None or moment < int(self.since):
            return
        slot = self._slots.setdefault(int(moment // _SLOT_SECONDS), Window())
        for window in (self.step, slot):
            (window.canary if stack is Stack.FASTAPI else window.control).add(request)
        if stack is Stack.FASTAPI:
            self.parts.add(int((moment - self.since) // self.part))
        if moment >= self.since + SETTLE_SECONDS:
            self.callers.add(request.caller, stack)

    def recent(self, *, now: float) -> Window:
        """The last minute."""
        newest = int(now // _SLOT_SECONDS)
        for slot in [slot for slot in self._slots if slot <= newest - _SLOTS]:
            del self._slots[slot]
        return Window.of(self._slots.values())

    def as_json(self) -> dict[str, Any]:
        """For the state file; `from_json` reads it."""
        return {
            "since": self.since,
            "part": self.part,
            "step": _window_json(self.step),
            "parts": sorted(self.parts),
            "threshold": self.callers.threshold,
            "callers": {str(stack): self.callers.of(stack) for stack in Stack},
            "slots": {str(slot): _window_json(window) for slot, window in self._slots.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Measurement":
        """The measurement that `as_json` wrote.

        :raises KeyError: it is none.
        """
        found = cls(since=document["since"], part=document["part"])
        found.step = _window(document["step"])
        found.parts = set(document["parts"])
        known = [(digest, _STACKS[name]) for name, digests in document["callers"].items() for digest in digests]
        found.callers = CallerSample(threshold=document["threshold"], known=known)
        found._slots = {int(slot): _window(window) for slot, window in document["slots"].items()}
        return found


def _window_json(window: Window) -> dict[str, Any]:
    return {"canary": window.canary.as_json(), "control": window.control.as_json()}


def _window(document: Mapping[str, Any]) -> Window:
    return Window(canary=StackTally.from_json(document["canary"]), control=StackTally.from_json(document["control"]))
