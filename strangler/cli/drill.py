"""`strangler drill`: one route is moved forward and back under observation, so that a rollback is no first time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from strangler.cli.moves import Reason, Yes, confirm, rollout_recovered
from strangler.cli.output import say
from strangler.cli.ramp_run import OwnGateway
from strangler.cutover.drills import RollbackDrill, drill_record
from strangler.cutover.observer import Observer, failures, median_and_slowest
from strangler.deployment.open import ramps_open
from strangler.deployment.releases import DeployFile
from strangler.errors import UnsafeError, UsageError, many
from strangler.local.process import StopRequested, StopSignals
from strangler.ramp.state import RouteState
from strangler.ramp.steps import place_edits
from strangler.rollout.edits import routes_select
from strangler.rollout.history import operator, utc_now
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Api, Route, Stack, Stage
from strangler.settings import LocalSettings, settings_load

_SECONDS: Final = 20.0
_FAILED: Final = 1
# Where a route goes for a drill, and the API on which that is seen. No canary is of all callers, and migrated skips it.
_FORWARD: Final = {
    Stage.LEGACY: (RouteState(stage=Stage.PARALLEL), Api.V2),
    Stage.PARALLEL: (RouteState(stage=Stage.CANARY, percent=99.99), Api.V1),
}


def drill(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A route that reads, such as posts.list.")],
    path: Annotated[
        str, typer.Option("--path", metavar="PATH", help="Ask this path below the prefix, such as /posts/1/.")
    ] = "",
    yes: Yes = False,
    reason: Reason = "",
) -> None:
    """Move one route that reads a stage forward and back again, and measure both moves.

    From legacy to parallel, seen on v2, or from parallel to canary 99.99 %, seen on v1: FastAPI serves real callers for
    about a second. Asks its path without a token 30 times a second. Recorded in .run/drills.jsonl; exits with 1 where a
    request failed meanwhile. Refused beside a ramp or a deploy, and where strangler switch would refuse the move.

    Example: strangler drill posts.list --yes
    """
    settings = settings_load()
    rollout, _ = rollout_recovered()
    rollout.require_django()
    route = _route(rollout, name)
    there, api = _FORWARD[route.stage]
    asked = _path(route, path)
    with _alone(settings):
        if not yes:
            confirm(f"move {route.name} from {route.stage} to {there.stage} and back?")
        url = f"{rollout.gateway.url}{settings.project.prefixes.of(api)}{asked}"
        try:
            found = _drilled(rollout, settings, route, there=there, url=url, path=asked, reason=reason)
        except StopRequested:
            say(f"stopped, and {route.name} is at {route.stage}: a drill that ended early is none")
            raise SystemExit(_FAILED) from None
    drill_record(settings.project.state, found)
    say(f"forward in {found.forward_seconds:.2f} s, back in {found.back_seconds:.2f} s")
    for status, count in found.statuses.items():
        say(f"{count} were answered with {status} instead of {found.status}")
    times = f"median {found.median * 1000:.0f} ms, slowest {found.slowest * 1000:.0f} ms"
    say(f"{many(found.requests, 'request')} of {url} meanwhile, {found.errors} failed; {times}")
    raise SystemExit(_FAILED if found.errors else 0)


def _route(rollout: Rollout, name: str) -> Route:
    """The route, as it runs.

    :raises UsageError: there is no such route, it is not one, it writes, or it is too far on its way.
    """
    chosen = routes_select(rollout.running()[1].routes, [name])
    if len(chosen) != 1:
        raise UsageError(f"{name} are {len(chosen)} routes", "drill one route at a time")
    (route,) = chosen
    if route.writes or not route.safe or route.streaming:
        raise UsageError(f"{route.name} is no plain read, and a drill sends requests", "name a route of GET alone")
    if route.stage not in _FORWARD or route.v2_only:
        where = "only in v2" if route.v2_only else f"at {route.stage}"
        raise UsageError(f"{route.name} is {where}, and a drill begins at legacy or parallel", "name another route")
    return route


def _path(route: Route, typed: str) -> str:
    if not typed and "{" in route.path:
        raise UsageError(f"{route.path} has a variable part", "name a path of it with --path, such as one that exists")
    if typed and not typed.startswith("/"):
        raise UsageError(f"--path {typed!r} is no path", "write it from the prefix on, with a slash before it")
    return typed or route.path


@contextmanager
def _alone(settings: LocalSettings) -> Iterator[None]:
    """Keep ramps away, and refuse beside what moves or replaces services by itself.

    :raises UnsafeError: a ramp isn't over, or a deploy is under way.
    """
    ramps = ramps_open(settings)
    with ramps.locked():
        ramp = ramps.read()
        if ramp is not None and not ramp.phase.is_end:
            hint = "end it with strangler ramp abort, or let it go on with strangler ramp resume"
            raise UnsafeError(f"a ramp of {', '.join(ramp.plan.routes)} isn't over", hint)
        deploy = DeployFile(settings.project.state).read()
        if deploy is not None and not deploy.is_over:
            raise UnsafeError(f"a deploy of {deploy.service} is under way", "wait until it is done")
        yield


def _drilled(
    rollout: Rollout, settings: LocalSettings, route: Route, *, there: RouteState, url: str, path: str, reason: str
) -> RollbackDrill:
    around = OwnGateway(rollout, settings, command=" ".join(sys.argv[1:]))
    observer = Observer(url, host=settings.probe_host)
    why = f"drill{f': {reason}' if reason else ''}"
    time_begun, before = utc_now().isoformat().replace("+00:00", "Z"), RouteState(stage=route.stage)
    # A signal ends it once the route is back.
    with StopSignals() as signals, observer.running():
        observer.wait_for(Stack.DJANGO, since=time.monotonic(), seconds=_SECONDS, check=signals.check)
        status = observer.observations[-1].status
        if status is None or status >= 500:
            raise UsageError(f"{url} is answered with {status} before the drill", "name a path that works with --path")
        began = len(observer.observations)
        moved = time.monotonic()
        around.move(place_edits({route.name: there}), reason=why)
        try:
            forward = observer.wait_for(Stack.FASTAPI, since=moved, seconds=_SECONDS, check=signals.check)
        finally:
            returned = time.monotonic()
            around.take_back(place_edits({route.name: before}), reason=why)
        back = observer.wait_for(Stack.DJANGO, since=returned, seconds=_SECONDS, check=signals.check)
    seen = observer.observations[began:]
    failed = failures(seen, status=status)
    median, slowest = median_and_slowest(seen)
    return RollbackDrill(
        time=time_begun,
        who=operator(),
        route=route.name,
        path=path,
        before=str(route.stage),
        forward_seconds=round(forward, 3),
        back_seconds=round(back, 3),
        requests=len(seen),
        errors=sum(failed.values()),
        status=status,
        statuses=failed,
        median=round(median, 4),
        slowest=round(slowest, 4),
        reason=reason,
    )
