"""`strangler ramp`: move routes to FastAPI step by step, watched by the figures of the access log."""

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from strangler.cli.groups import command_group
from strangler.cli.moves import Names, Reason, rollout_read, rollout_recovered
from strangler.cli.output import json_print, say
from strangler.cli.ramp_background import KEPT, ramp_background
from strangler.cli.ramp_keep import ramp_entrust, ramp_go_on, ramp_keep, ramp_open
from strangler.cli.ramp_run import OwnGateway, ramp_drive, ramp_follower
from strangler.cli.ramp_text import event_show, plan_show
from strangler.deployment.open import ramps_open
from strangler.errors import FailedError, UnsafeError
from strangler.metrics.follower import AccessLogFollower
from strangler.ramp.gates import CanaryLimits
from strangler.ramp.ramp import Ramp, ramp_begin
from strangler.ramp.state import Phase, RampPlan, RampRequest, RampState
from strangler.ramp.steps import hours_parse, moment_parse, seconds_parse, steps_after, steps_parse
from strangler.ramp.store import RampStore
from strangler.rollout.edits import routes_select
from strangler.rollout.history import operator
from strangler.settings import LocalSettings, settings_load

_ANSWER_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_TAKEN_BACK: Final = 1
_IN_BACKGROUND: Final = "watched in the background; strangler status and strangler ramp log say how it goes"
Want = Literal["pause", "resume", "abort", "approve"]
Kept = Annotated[bool, typer.Option(KEPT, hidden=True, help="Have strangler up go on with it.")]
Log = Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Follow this access log; else the gateway's.")]


def ramp(
    names: Names,
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="N,…", help="Go to these % of callers, 100 for migrated.")
    ] = None,
    hold: Annotated[
        str | None, typer.Option("--hold", metavar="TIME", help="Watch each step for 10m at least.")
    ] = None,
    between: Annotated[
        str | None, typer.Option("--between", metavar="HOURS", help="Go on in these local hours only: 09:00-16:00.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Begin at this local time: 22:00, or 2027-01-31T22:00.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the steps and limits, and change nothing.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is watched, and leave it running.")
    ] = False,
    log: Log = None,
    reason: Reason = "",
    kept: Kept = False,
) -> None:
    """Move routes to FastAPI step by step, by themselves, and take them back when FastAPI does worse than Django.

    Goes to 1, 5, 25, 50 and 100 % of callers by default, ten minutes each, in front or with --detach; the project file
    may say otherwise. Exits with 1 once it was taken back. Below it are resume, pause, approve, abort and log.

    Example: strangler ramp feed.list --steps 5,50,100 --hold 30m
    """
    settings = settings_load()
    rollout = rollout_read()[0] if dry_run else rollout_recovered()[0]
    chosen = [route.name for route in routes_select(rollout.running()[1].routes, names)]
    around = OwnGateway(rollout, settings, command=_typed())
    plan = _plan(settings, around, chosen, steps=steps, hold=hold, between=between, at=at, reason=reason, kept=kept)
    if dry_run:
        plan_show(plan)
        return
    if detach and settings.gateway == "container" and log is None:
        plan_show(plan)
        ramp_entrust(settings, replace(plan, kept=True), rollout, around)
        say(_IN_BACKGROUND)
        return
    if detach:
        plan_show(plan)
        options = {"--steps": steps, "--hold": hold, "--between": between, "--at": at, "--log": log, "--reason": reason}
        given = [word for name, value in options.items() if value for word in (name, str(value))]
        ramp_background(settings, ["ramp", *chosen, *given, KEPT])
        say(_IN_BACKGROUND)
        return
    ramps = ramps_open(settings)
    with ramps.locked():
        follower = ramp_follower(settings, named=log, position=None)
        plan_show(plan)
        begun = ramp_begin(plan, store=ramps, follower=follower, around=around)
        _end(ramp_drive(begun, around))


def resume(log: Log = None, reason: Reason = "", kept: Kept = False) -> None:
    """Go on with the ramp that was paused or interrupted, in front where nobody watches it.

    Keeps all that was measured: the log is read on from where it was left.

    Example: strangler ramp resume
    """
    settings = settings_load()
    rollout, _ = rollout_recovered()
    ramps = ramps_open(settings)
    if ramps.runs or (log is None and _is_the_containers(settings, ramp_open(ramps))):
        _ask(settings, ramps, "resume", reason)
        return
    with ramps.locked():
        # One that was paused stays so where nobody has asked for this.
        if not kept:
            ramp_open(ramps)
            ramps.ask(RampRequest(want="resume", who=operator(), reason=reason), moment=time.time())
        _end(ramp_go_on(settings, rollout, ramps, log=log))


def keep(log: Log = None) -> None:
    """Go on with ramps of --detach, one after the other, until SIGTERM: what the service ramp of compose runs.

    A ramp that was under way when it ended goes on with all that was measured.

    Example: strangler ramp keep --log /log/access.log
    """
    ramp_keep(settings_load(), log=log)


def pause(reason: Reason = "") -> None:
    """Keep the ramp at its step; it is watched on, and taken back if it does worse.

    Example: strangler ramp pause --reason "a release of Django"
    """
    settings = settings_load()
    _ask(settings, ramps_open(settings), "pause", reason)


def approve(reason: Reason = "") -> None:
    """Let the ramp go to its next step, where the project file wants somebody else to approve that.

    Refused to the user who began the ramp (exit code 3).

    Example: strangler ramp approve
    """
    settings = settings_load()
    ramps = ramps_open(settings)
    begun = ramp_open(ramps).plan.who
    if operator().split("@")[0] == begun.split("@")[0]:
        raise UnsafeError(f"{begun} began this ramp", "let somebody else run strangler ramp approve")
    _ask(settings, ramps, "approve", reason)


def abort(reason: Reason = "") -> None:
    """Take the ramp's routes back to where they were, and end it.

    Example: strangler ramp abort --reason "wrong routes"
    """
    settings = settings_load()
    rollout, _ = rollout_recovered()
    ramps = ramps_open(settings)
    if ramps.runs:
        _ask(settings, ramps, "abort", reason)
        return
    with ramps.locked():
        state = ramp_open(ramps)
        ramps.ask(RampRequest(want="abort", who=operator(), reason=reason), moment=time.time())
        around = OwnGateway(rollout, settings, command=" ".join(sys.argv[1:]))
        follower = AccessLogFollower(Path(os.devnull), state.position)
        ramp_drive(Ramp(state, store=ramps, follower=follower, around=around), around)


def log(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Show this many events.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all events as one JSON array.")] = False,
) -> None:
    """Show what ramps did and why, with the figures of each gate, the newest last.

    Shows the last 20 events by default, and changes nothing.

    Example: strangler ramp log --lines 5
    """
    events = ramps_open(settings_load()).events()
    if as_json:
        json_print(events)
        return
    for event in events[-lines:]:
        event_show(event)


COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "resume": resume,
    "keep": keep,
    "pause": pause,
    "approve": approve,
    "abort": abort,
    "log": log,
}


def group(names: Iterable[str]) -> typer.Typer:
    """The commands below `ramp` that `names` name."""
    return command_group(COMMANDS, names, about="Go on with a ramp, or end it.")


def _plan(
    settings: LocalSettings,
    around: OwnGateway,
    names: list[str],
    *,
    steps: str | None,
    hold: str | None,
    between: str | None,
    at: str | None,
    reason: str,
    kept: bool,
) -> RampPlan:
    section = settings.project.ramp
    before = dict(around.places(names))
    hours = section.between if between is None else between
    return RampPlan(
        routes=names,
        steps=steps_after(steps_parse(steps or section.steps), before.values()),
        hold=seconds_parse(hold or section.hold),
        between=hours_parse(hours) if hours else None,
        at=moment_parse(at, now=around.now()) if at else None,
        approvals=section.approvals,
        limits={name: _limits(settings, name) for name in names},
        before=before,
        differences=dict(around.differences(names)),
        who=operator(),
        command=_typed(),
        reason=reason,
        kept=kept,
    )


def _typed() -> str:
    """The command as an operator types it."""
    return " ".join(word for word in sys.argv[1:] if word != KEPT)


def _limits(settings: LocalSettings, name: str) -> CanaryLimits:
    """The limits of a route: those of the first pattern that fits it, then those of `[ramp]`, then the defaults."""
    section = settings.project.ramp
    fitting = (limits for pattern, limits in section.routes.items() if fnmatchcase(name, pattern))
    values: dict[str, Any] = {}
    for found in (section, next(fitting, None)):
        for field in vars(CanaryLimits()):
            value = getattr(found, field, None)
            values |= {} if value is None else {field: value}
    return CanaryLimits(**values)


def _is_the_containers(settings: LocalSettings, state: RampState) -> bool:
    """Whether the service ramp goes on with it, and no command on the host."""
    return settings.gateway == "container" and state.plan.kept


def _ask(settings: LocalSettings, ramps: RampStore, want: Want, reason: str) -> None:
    """Ask it of the process that watches the ramp; where none does, it is kept for whoever goes on with it."""
    state = ramp_open(ramps)
    name = ramps.ask(RampRequest(want=want, who=operator(), reason=reason), moment=time.time())
    if not ramps.runs:
        who = "strangler ramp resume goes on"
        if _is_the_containers(settings, state):
            who = f"the container goes on ({settings.compose} --profile ramp up --detach)"
        say(f"{want}: done when {who}; nobody watches the ramp {state.standing}")
        return
    deadline = time.monotonic() + _ANSWER_SECONDS
    while ramps.is_asked(name):
        if time.monotonic() > deadline:
            raise FailedError("the ramp that runs doesn't answer", "see strangler status")
        time.sleep(_POLL_SECONDS)
    say(f"{want}: done")


def _end(phase: Phase) -> None:
    if phase is Phase.RETURNED:
        raise SystemExit(_TAKEN_BACK)
