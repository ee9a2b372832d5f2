"""A ramp: watches its canary step by step, goes on when the figures are good, and takes itself back when they aren't.

Each change is written before and after it is made, so that a killed process goes on where it was, or stays put.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from strangler.errors import FailedError, StranglerError, UsageError
from strangler.metrics.access_log import AccessLog
from strangler.metrics.follower import LogFollower
from strangler.metrics.tally import StackTally
from strangler.ramp.gates import Figures, GateResult, Verdict, judge, worst
from strangler.ramp.measurement import Measurement
from strangler.ramp.state import Phase, RampPlan, RampRequest, RampState
from strangler.ramp.steps import ALL, hours_text, is_within, moment_text, place_edits, place_of
from strangler.ramp.store import RampStore
from strangler.ramp.surroundings import Surroundings
from strangler.rollout.history import utc_now

_PARTS: Final = 10
# What isn't free is looked at less often than the log, still often enough to take back within 5 s.
_CHECK_SECONDS: Final = 2.0
_KEEP_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 30.0
_UNHEALTHY: Final = 2
_HELD: Final = "held"
_PAUSED: Final = "paused: strangler ramp resume goes on"
_POLL_SECONDS: Final = 0.1


class Ramp:
    """One ramp, driven by `tick`; whoever calls it holds the store's lock.

    Args:
        state: where it is.
        store: where that is kept.
        follower: the log, from the state's position on.
        around: what it touches.
    """

    def __init__(self, state: RampState, *, store: RampStore, follower: LogFollower, around: Surroundings) -> None:
        self.state = state
        self.store = store
        self.follower = follower
        self.around = around
        self.log = AccessLog()
        self._measured = {name: Measurement.from_json(each) for name, each in state.measured.items()}
        self._checked = self._kept = self._retry = 0.0
        self._unhealthy = 0
        self._differences: Mapping[str, int] = {}
        self._noted: tuple[Any, ...] = ()

    def tick(self) -> None:
        """Do what is to be done now; an end of the state is the end.

        :raises StranglerError: its first step is refused, or its routes can't be taken back yet.
        """
        self.store.require()
        for name, request in self.store.asked():
            self._answer(request)
            self.store.done(name)
        if self.state.phase is Phase.WAITING:
            self._begin_when_due()
        elif self.state.phase is Phase.MOVING:
            self._go()
        elif self.state.phase is Phase.RETURNING:
            self._return()
        elif self.state.phase is Phase.WATCHING:
            self._watch()

    def keep(self) -> None:
        """Write the state with all that was measured."""
        self.state.measured = {name: each.as_json() for name, each in self._measured.items()}
        self.state.position = self.follower.position
        self.state.seen = self._kept = self.around.now()
        self.store.write(self.state)

    # ---- from step to step

    def _begin_when_due(self) -> None:
        """Go to the first step once the plan's moment has come."""
        at, now = self.state.plan.at or 0.0, self.around.now()
        # Reads past what is logged meanwhile.
        self._measure()
        if self.state.paused or now < at:
            self._wait(_PAUSED if self.state.paused else f"begins: {moment_text(at)}")
        elif now >= self._retry and self._cleared(self.state.percent):
            self.state.phase = Phase.MOVING
            self.keep()
            self._go()

    def _go(self) -> None:
        """Go to the state's step, unless its routes are there already."""
        plan, step = self.state.plan, self.state.step
        target = {name: place_of(plan.steps[step]) for name in plan.routes}
        places = self.around.places(plan.routes)
        if places != target:
            allowed = [plan.before if step == 0 else {name: place_of(plan.steps[step - 1]) for name in plan.routes}]
            if places not in allowed:
                self._supersede()
                return
            try:
                self.around.move(place_edits(target), reason=self.state.plan.reason_of(f"step {plan.steps[step]:g}%"))
            except StranglerError as error:
                if step == 0:
                    self._end(Phase.RETURNED, f"the first step was refused ({error})")
                    raise
                self.state.step, self.state.phase = step - 1, Phase.WATCHING
                self._retry = self.around.now() + _RETRY_SECONDS
                self._wait(f"{plan.steps[step]:g}% was refused: {error}")
                self.keep()
                return
        now = self.around.now()
        # What the others did at the step before is what all are held against once there are no others.
        if plan.steps[step] == ALL:
            self.state.baseline = {name: each.step.control.as_json() for name, each in self._measured.items()}
        self._measured = {name: Measurement(since=now, part=plan.hold / _PARTS) for name in plan.routes}
        self.state.phase, self.state.since, self.state.why, self.state.results = Phase.WATCHING, now, "", []
        self.keep()
        self.note("step", percent=plan.steps[step])
        self.around.say(f"at {plan.steps[step]:g}%, held for {plan.hold:g} s at least")
        self.around.hook("step", self.state.document(percent=plan.steps[step]))

    def _watch(self) -> None:
        names = self.state.plan.routes
        if self.around.places(names) != {name: place_of(self.state.percent) for name in names}:
            self._supersede()
            return
        trouble = self._measure()
        results = [result for name in names for result in judge(self._figures(name), self.state.plan.limits[name])]
        self.state.results = [result.as_json() for result in results]
        if breach := self._breach(results):
            self.state.why = breach
            self.state.phase = Phase.RETURNING
            self.keep()
            self._return()
            return
        waiting = trouble or self._waiting(results)
        if waiting:
            self._wait(waiting)
        else:
            self._forward()
        if self.around.now() - self._kept >= _KEEP_SECONDS:
            self.keep()

    def _forward(self) -> None:
        """Go on to the next step, or to the end."""
        if self.state.is_last:
            self._end(Phase.FINISHED, "all steps passed")
            return
        if self.around.now() < self._retry or not self._cleared(self.state.next_percent):
            return
        self.note("pass", percent=self.state.percent)
        self.state.step += 1
        self.state.phase = Phase.MOVING
        self.keep()
        self._go()

    def _cleared(self, percent: float) -> bool:
        """Whether a step may begin by what is around; where it may not, that is asked again in a while."""
        reason = self.around.clearance(self.state.document(percent=percent))
        if reason:
            self._retry = self.around.now() + _RETRY_SECONDS
            self._wait(f"{percent:g}% may not begin: {reason}")
        return reason == ""

    def _return(self) -> None:
        """Take the routes back to where they were, unless they are there already, or somebody moved them."""
        plan, begun = self.state.plan, self.around.now()
        ours = {place_of(percent) for percent in plan.steps[: self.state.step + 1]}
        places = self.around.places(plan.routes)
        edits = {name: plan.before[name] for name, place in places.items() if place in ours}
        edits = {name: place for name, place in edits.items() if places[name] != place}
        if edits:
            self.around.take_back(place_edits(edits), reason=self.state.plan.reason_of(self.state.why))
        took = round(self.around.now() - begun, 2)
        self._end(Phase.RETURNED, self.state.why, event="rollback", seconds=took)

    def _supersede(self) -> None:
        self._end(Phase.SUPERSEDED, "somebody else has moved its routes, which stay where they are")

    def _end(self, phase: Phase, why: str, *, event: str = "finish", **more: Any) -> None:  # noqa: ANN401 - figures
        self.state.phase, self.state.why = phase, why
        # First, since a kill in between says it twice rather than not at all.
        self.note(str(phase), why=why, results=self.state.results, **more)
        self.keep()
        self.around.say(f"{phase}: {why}")
        self.around.hook(event, self.state.document(percent=self.state.percent))

    # ---- what is known

    def _measure(self) -> str:
        """Count what was logged since the last look; gives why that isn't possible."""
        unreadable = self.log.unreadable
        try:
            for request in self.log.requests(self.follower.lines(), self._measured):
                self._measured[request.route].add(request)
        except FailedError as error:
            return str(error)
        if self.log.unreadable > unreadable and self.log.unreadable > self.log.readable:
            return "most lines of the log are not of nginx's access log"
        return ""

    def _figures(self, name: str) -> Figures:
        measured, percent = self._measured[name], self.state.percent
        step, others = measured.step, self.state.baseline.get(name)
        if percent == ALL and others:
            step.control = StackTally.from_json(others)
        return Figures(
            route=name,
            percent=percent,
            next_percent=self.state.next_percent,
            step=step,
            recent=measured.recent(now=self.around.now()),
            parts=len(measured.parts),
            callers=None if percent == ALL else measured.callers,
        )

    def _breach(self, results: Iterable[GateResult]) -> str:
        """What takes the ramp back: the gates' figures, or what was found besides them; empty for nothing."""
        found = [result for result in results if result.verdict is Verdict.BREACH]
        if found:
            return "; ".join(f"{result.route} {result.sentence}" for result in found)
        if self.around.now() - self._checked < _CHECK_SECONDS:
            return ""
        self._checked = self.around.now()
        unhealthy = self.around.health()
        self._unhealthy = self._unhealthy + 1 if unhealthy else 0
        if self._unhealthy >= _UNHEALTHY:
            return f"FastAPI is not healthy: {unhealthy}"
        plan = self.state.plan
        for name, count in self.around.differences(plan.routes).items():
            more = count - plan.differences.get(name, 0)
            if more > plan.limits[name].differences:
                return f"{name}: {more} answers of both stacks differ, see strangler shadow {name} --differences"
        return ""

    def _waiting(self, results: Sequence[GateResult]) -> str:
        """Why it doesn't go on now; empty where it may."""
        plan, now = self.state.plan, self.around.now()
        if self.state.paused:
            return _PAUSED
        if (left := self.state.since + plan.hold - now) > 0:
            return f"{_HELD} for {left:.0f} s more"
        if worst(results) is not Verdict.PASS:
            first = next(result for result in results if result.verdict is not Verdict.PASS)
            return f"inconclusive, {first.route}: {first.sentence}"
        if self.state.is_last:
            return ""
        percent = self.state.next_percent
        if plan.between and not is_within(plan.between, self.around.minute()):
            return f"good, and waits for {hours_text(plan.between)}"
        if percent in plan.approvals and f"{percent:g}" not in self.state.approved:
            return f"good, and waits for somebody else to approve {percent:g}%: strangler ramp approve"
        return ""

    # ---- what others ask, and what they hear

    def _answer(self, request: RampRequest) -> None:
        by = f"{request.who}{f': {request.reason}' if request.reason else ''}"
        if request.want == "approve":
            self.state.approved[f"{self.state.next_percent:g}"] = request.who
        elif request.want == "abort":
            if not self.state.phase.is_end:
                self.state.phase, self.state.why = Phase.RETURNING, f"aborted by {by}"
        else:
            self.state.paused = request.want == "pause"
        self.note(request.want, by=by)
        self.around.say(f"{request.want} by {by}")
        self.keep()

    def _wait(self, why: str) -> None:
        """Say why it waits, each reason once: figures in it change all the time."""
        self.state.why = why
        what = why.split(":")[0].split(" for ")[0]
        # Which gates pass already is of interest once it has been held.
        results = self.state.results if what != _HELD else []
        kind = (what, *sorted((each["route"], each["gate"], each["verdict"]) for each in results))
        if kind != self._noted:
            self._noted = kind
            self.note("wait", why=why, results=self.state.results)
            self.around.say(f"{self.state.standing}: {why}")

    def note(self, event: str, **more: Any) -> None:  # noqa: ANN401 - figures
        """Add a line to what happened."""
        moment = utc_now().isoformat().replace("+00:00", "Z")
        self.store.note({"time": moment, "event": event, "routes": list(self.state.plan.routes), **more})


def ramp_begin(plan: RampPlan, *, store: RampStore, follower: LogFollower, around: Surroundings) -> Ramp:
    """A new ramp, on the disk and not moved yet; whoever calls it holds the store's lock.

    :raises UsageError: the last one hasn't ended, or it has too many routes.
    """
    if len(plan.routes) > store.most_routes:
        message = f"{len(plan.routes)} routes are more than a ramp of this gateway can have"
        raise UsageError(message, f"ramp {store.most_routes} at once")
    last = store.read()
    if last is not None and not last.phase.is_end:
        hint = "go on with strangler ramp resume, or end it with strangler ramp abort"
        raise UsageError(f"a ramp of {', '.join(last.plan.routes)} hasn't ended", hint)
    for name, _request in store.asked():
        store.done(name)
    phase = Phase.MOVING if plan.at is None else Phase.WAITING
    state = RampState(plan=plan, phase=phase, began=around.now(), since=around.now())
    ramp = Ramp(state, store=store, follower=follower, around=around)
    # One that begins later asks then, and waits as before any other step.
    if plan.at is None:
        while (reason := around.clearance(ramp.state.document(percent=state.percent))) is None:
            time.sleep(_POLL_SECONDS)
        if reason:
            raise UsageError(f"no step may begin ({reason})", "fix that, and start it again")
    ramp.keep()
    ramp.note("begin", who=plan.who, command=plan.command, steps=list(plan.steps), reason=plan.reason)
    return ramp
