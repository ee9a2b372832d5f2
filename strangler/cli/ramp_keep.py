"""Ramps that another process goes on with: a container has them begun by the host, and drives them to their ends."""

import math
import os
import time
from pathlib import Path
from typing import Final

from strangler.cli.moves import rollout_recovered
from strangler.cli.output import logged_show, note, say
from strangler.cli.ramp_background import goes_by_itself, is_left_alone
from strangler.cli.ramp_run import OwnGateway, ramp_drive, ramp_follower
from strangler.deployment.open import ramps_folder
from strangler.errors import FailedError, StranglerError, UsageError
from strangler.gateway.moves_folder import MovesFolder
from strangler.local.process import StopSignals
from strangler.metrics.follower import AccessLogFollower, LogPosition
from strangler.ramp.ramp import Ramp, ramp_begin
from strangler.ramp.state import Phase, RampPlan, RampState
from strangler.ramp.steps import place_edits, place_of
from strangler.ramp.store import RampStore
from strangler.rollout.rollout import Rollout
from strangler.routes.editing import routes_edit
from strangler.settings import LocalSettings

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 5.0
_LONG_SECONDS: Final = 15.0


def ramp_open(ramps: RampStore) -> RampState:
    """The ramp under way.

    :raises UsageError: there is none.
    """
    state = ramps.read()
    if state is None or state.phase.is_end:
        raise UsageError("no ramp is under way", "begin one with strangler ramp NAME")
    return state


def ramp_go_on(settings: LocalSettings, rollout: Rollout, ramps: RampStore, *, log: Path | None) -> Phase:
    """Drive the ramp under way from where it is; gives the phase that it was left in. The caller holds its lock.

    :raises UsageError: there is none, or its log is none of this machine's.
    """
    state = ramp_open(ramps)
    around = OwnGateway(rollout, settings, command="ramp resume")
    follower = ramp_follower(settings, named=log, position=state.position)
    return ramp_drive(Ramp(state, store=ramps, follower=follower, around=around), around)


def ramp_keep(settings: LocalSettings, *, log: Path | None) -> None:
    """Go on with each ramp that was left to this process, until a signal.

    :raises UnsafeError: another process does so.
    :raises FailedError: the state can't be written.
    """
    logged_show(say)
    ramps, trouble, retry = ramps_folder(settings), "", 0.0
    stop = f"{settings.compose} --profile ramp stop {settings.project.containers.ramp}"
    with StopSignals() as signals, ramps.kept(hint=f"one is enough: leave it, or end it with {stop}"):
        if settings.moves_folder:
            MovesFolder(Path(settings.moves_folder), command=settings.compose).clear()
        say("goes on with ramps that were begun with --detach")
        while not signals.requested:
            time.sleep(_POLL_SECONDS)
            if time.monotonic() < retry or not is_left_alone(ramps):
                continue
            try:
                rollout, _ = rollout_recovered()
                with ramps.locked():
                    if not ramp_go_on(settings, rollout, ramps, log=log).is_end:
                        return  # a signal has ended it, which its own handler had
                trouble = ""
            except (StranglerError, OSError) as error:
                if str(error) != trouble:
                    note(f"tried again until it is possible: {error}")
                trouble, retry = str(error), time.monotonic() + _RETRY_SECONDS


def ramp_entrust(settings: LocalSettings, plan: RampPlan, rollout: Rollout, around: OwnGateway) -> None:
    """Begin a ramp that the container of `strangler ramp keep` drives; returns once its first step is watched.

    :raises UsageError: no such container runs, nginx writes no log for it, or no step may begin.
    :raises UnsafeError: the first step is refused, or another ramp runs.
    :raises FailedError: the container has ended, or couldn't go to the first step.
    """
    ramps = ramps_folder(settings)
    if not ramps.is_kept:
        hint = f"start it with {settings.compose} --profile ramp up --detach, or follow a log in front with --log"
        raise UsageError("no container goes on with ramps", hint)
    if not settings.service_metrics:
        hint = f"set SERVICE_METRICS=1 in .env, then {settings.compose} --profile ramp up --detach and strangler apply"
        raise UsageError("nginx writes no log that the container could read", hint)
    first = place_edits({name: place_of(plan.steps[0]) for name in plan.routes})
    proposal = rollout.propose(routes_edit(rollout.file_content().decode(), first).encode())
    if plan.at is None:
        proposal.require_safe(forced=False)
    with ramps.locked():
        # Whoever goes on reads a log from its beginning, and passes over what is older than the step.
        unread = AccessLogFollower(Path(os.devnull), LogPosition())
        state = ramp_begin(plan, store=ramps, follower=unread, around=around).state
    around.close()
    logs, long = f"{settings.compose} logs {settings.project.containers.ramp}", time.monotonic() + _LONG_SECONDS
    while not goes_by_itself(state):
        if state.phase is Phase.RETURNED:
            raise FailedError(state.why, "strangler ramp log says more")
        if state.phase.is_end:
            return
        if not ramps.is_kept:
            raise FailedError("the container that goes on with ramps has ended", f"see {logs}")
        if time.monotonic() > long:
            note(f"it isn't at its first step yet: {logs} says why")
            long = math.inf
        time.sleep(_POLL_SECONDS)
        state = ramps.read() or state
