"""How ramps are shown: their plans, where they are, what happened."""

from collections.abc import Mapping
from typing import Any, Final

from strangler.cli.output import say, say_folded
from strangler.errors import many
from strangler.ramp.gates import Verdict
from strangler.ramp.state import RampPlan, RampState
from strangler.ramp.steps import hours_text, moment_text

_INDENT: Final = 4
# Where a gate's sentence begins, but for the route's name.
_RESULT_INDENT: Final = 16
# Of the gates that don't pass; several routes have many.
_SHOWN: Final = 3
_KNOWN: Final = frozenset({"time", "event", "routes", "results"})


def plan_show(plan: RampPlan) -> None:
    """The plan, a line for each fact."""
    for name, place in plan.before.items():
        limits = plan.limits[name]
        now = place.stage if place.percent is None else f"{place.stage} {place.percent:g}%"
        say(
            f"{name}  {now}; limits: errors +{limits.errors:g} points, p95 {limits.p95:g} times, "
            f"p99 {limits.p99:g} times, differences {limits.differences}"
        )
    shares = ", ".join(f"{step:g}%" for step in plan.steps)
    hours = f", between {hours_text(plan.between)}" if plan.between else ""
    begins = f", from {moment_text(plan.at)} on" if plan.at else ""
    say(f"steps {shares}, {plan.hold:g} s each at least{hours}{begins}")
    wanted = [f"{step:g}%" for step in plan.approvals if step in plan.steps]
    if wanted:
        say(f"somebody else approves {', '.join(wanted)}: strangler ramp approve")


def ramp_show(state: RampState, *, watched: bool) -> None:
    """Where a ramp is, and why it is there; `watched`: a process watches it."""
    routes = ", ".join(state.plan.routes)
    if state.phase.is_end:
        say_folded(f"last ramp, of {routes}: {state.phase}: {state.why}", indent=_INDENT)
        return
    who = "" if watched else ", and nobody watches it: strangler ramp resume"
    say_folded(f"ramp of {routes}: {state.phase} {state.standing}{who}", indent=_INDENT)
    if state.why:
        say_folded(f"  {state.why}", indent=_INDENT)
    others = [each for each in state.results if each["verdict"] != Verdict.PASS and each["sentence"] not in state.why]
    for result in others[:_SHOWN]:
        say_folded(f"  {result['verdict']:<12}  {result['route']}  {result['sentence']}", indent=_RESULT_INDENT)
    if state.results:
        passed = sum(each["verdict"] == Verdict.PASS for each in state.results)
        say(f"  {passed} of {many(len(state.results), 'gate')} pass; strangler status --json has each with its figures")


def ramp_json(state: RampState) -> dict[str, Any]:
    """Where a ramp is, for machines."""
    return {
        "routes": list(state.plan.routes),
        "steps": list(state.plan.steps),
        "phase": str(state.phase),
        "percent": state.percent,
        "paused": state.paused,
        "why": state.why,
        "results": state.results,
    }


def event_show(event: Mapping[str, Any]) -> None:
    """A line of what happened, and one for each gate."""
    more = [f"{key} {value}" for key, value in event.items() if key not in _KNOWN and value not in ("", [])]
    say(f"{event['time']}  {event['event']:<10}  {', '.join([' '.join(event['routes']), *more])}")
    for result in event.get("results", ()):
        say(f"{'':<22}{result['verdict']:<12}  {result['route']}  {result['sentence']}")
