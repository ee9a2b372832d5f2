"""A ramp on the project's own gateway: what it touches, and the loop that drives it."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from strangler.cli.moves import back_apply, edited_apply
from strangler.cli.output import note, say
from strangler.cli.schema.drift import schema_drift
from strangler.deployment.elsewhere import NEXT
from strangler.deployment.open import rollout_open
from strangler.errors import StalePlanError, StranglerError, UsageError
from strangler.local.process import StopRequested, StopSignals
from strangler.local.services import Probe
from strangler.local.state import StateFolder
from strangler.metrics.follower import AccessLogFollower, LogFollower, LogPosition
from strangler.ramp.hooks import Hooks
from strangler.ramp.ramp import Ramp
from strangler.ramp.state import Phase, RampState, RouteState
from strangler.rollout.apply import Intent
from strangler.rollout.edits import Edits
from strangler.rollout.rollout import Rollout
from strangler.routes.editing import routes_edit
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

if TYPE_CHECKING:
    from strangler.deployment.cluster_pods import ClusterPods

TICK_SECONDS: Final = 1.0
_HEALTH_SECONDS: Final = 1.0
_RENEW_SECONDS: Final = 60.0


class OwnGateway:
    """The gateway of the settings, for a ramp that `command` has begun; see `strangler.ramp.surroundings`."""

    def __init__(self, rollout: Rollout, settings: LocalSettings, *, command: str) -> None:
        section = settings.project.ramp.hooks
        self._rollout = rollout
        self._settings = settings
        self._command = command
        self._hooks = Hooks(dict(section), folder=settings.project.root)
        self._checks = ThreadPoolExecutor(max_workers=1)
        self._clearance: Future[str] | None = None
        self._known: tuple[object, dict[str, RouteState]] | None = None
        self._schema = ""
        self._renewed = time.monotonic()

    @property
    def gateway(self) -> str:
        """What kind it is, as GATEWAY names it."""
        return self._settings.gateway

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def minute(self) -> int:
        """Minutes since the local midnight."""
        now = time.localtime()
        return now.tm_hour * 60 + now.tm_min

    def say(self, sentence: str) -> None:
        """Print it with the time."""
        say(f"{time.strftime('%H:%M:%S')} {sentence}")

    def places(self, names: Sequence[str]) -> Mapping[str, RouteState]:
        """Where these routes run, read anew when somebody has applied."""
        mark = self._rollout.folder.mark()
        if self._known is None or self._known[0] != mark:
            routes = self._rollout.running()[1].routes
            self._known = mark, {each.name: RouteState(stage=str(each.stage), percent=each.percent) for each in routes}
        places = self._known[1]
        return {name: places[name] for name in names if name in places}

    def move(self, edits: Edits, *, reason: str) -> None:
        """Apply these keys as `strangler switch` does."""
        self._rollout_renew()
        edited_apply(self._rollout, edits, Intent(command=self._command, reason=reason), yes=True)

    def take_back(self, edits: Edits, *, reason: str) -> None:
        """Apply these keys as `strangler rollback` does."""
        intent = Intent(command=self._command, reason=reason)
        while True:
            content = routes_edit(self._rollout.running()[0].decode(), edits).encode()
            try:
                back_apply(self._rollout, content, intent, yes=True)
            except StalePlanError:
                continue
            return

    def clearance(self, document: Mapping[str, Any]) -> str | None:
        """Why the step must not begin: the schema has drifted, or the hook says no; None while they are asked."""
        if self._clearance is None:
            self._clearance = self._checks.submit(self._cleared, document)
        if not self._clearance.done():
            return None
        found, self._clearance = self._clearance.result(), None
        return found

    def health(self) -> str:
        """Why FastAPI isn't healthy; empty where it is, or where it can't be asked: containers from the host."""
        if self._settings.gateway == "kubernetes":
            return self._pods.unhealthy(Stack.FASTAPI)
        if self._settings.moves_folder:
            service = self._settings.project.fastapi
            host, _, port = service.container.rpartition(":")
            own, spare = (
                Probe(host=name, port=int(port), path=service.health, host_header=self._settings.probe_host)
                for name in (host, f"{host}{NEXT}")
            )
            # During a deploy the one beside it answers while the service is made anew.
            refusal = own.refusal(timeout=_HEALTH_SECONDS)
            return refusal if refusal and not spare.answers(timeout=_HEALTH_SECONDS) else ""
        state = StateFolder(self._settings.project.state).read() if self._settings.gateway == "local" else None
        # During a deploy there are two of them, and one answers at any time.
        services = (
            (record for name, record in state.services.items() if name.startswith(Stack.FASTAPI)) if state else ()
        )
        probes = [record.probe for record in services if record.probe is not None]
        if not probes or any(probe.answers(timeout=_HEALTH_SECONDS) for probe in probes):
            return ""
        return f"{self._settings.project.stack(Stack.FASTAPI).health} isn't answered with 200"

    def differences(self, names: Sequence[str]) -> Mapping[str, int]:
        """What the shadow has found different so far, and the last comparison."""
        if time.monotonic() > self._renewed + _RENEW_SECONDS:
            self._rollout_renew()
        counts = {}
        for name, known in self._rollout.evidence(names).items():
            compared = known.compared.different if known.compared else 0
            counts[name] = compared + (known.shadow or {}).get("different", 0)
        return counts

    def hook(self, event: str, document: Mapping[str, Any]) -> None:
        """Call the hook of an event; that it failed is a note."""
        self._hooks.call(event, document).add_done_callback(lambda done: note(done.result()) if done.result() else None)

    @cached_property
    def _pods(self) -> "ClusterPods":
        from strangler.deployment.cluster_pods import cluster_pods

        return cluster_pods(self._settings)

    def close(self) -> None:
        """Wait for what is under way."""
        self._checks.shutdown()
        self._hooks.close()

    def _rollout_renew(self) -> None:
        """Evidence holds for the code that it was made with, of which a rollout takes the digests only once."""
        self._rollout = rollout_open(self._settings)
        self._renewed = time.monotonic()

    def _cleared(self, document: Mapping[str, Any]) -> str:
        return self._schema_drift() or self._hooks.call("before", document).result()

    def _schema_drift(self) -> str:
        """The first thing in which the database isn't as the contract and FastAPI want it."""
        if self._settings.gateway == "kubernetes":
            # Its database isn't that of the settings; FastAPI's pods aren't ready where it has drifted.
            return self._pods.unhealthy(Stack.FASTAPI)
        found = schema_drift(self._settings)
        if found.mismatches:
            return f"{found.mismatches[0]} See strangler schema check."
        return self._unchecked(found.problem) if found.problem else ""

    def _unchecked(self, problem: str) -> str:
        """A database that can't be reached from here is no reason to stop: it is noted once."""
        if problem != self._schema:
            note(f"the schema is not checked before steps: {problem}")
            self._schema = problem
        return ""


def ramp_follower(settings: LocalSettings, *, named: Path | None, position: LogPosition | None) -> LogFollower:
    """The access log that a ramp reads on from there, or from now on.

    :raises UsageError: it is none of this machine's.
    """
    if settings.gateway == "kubernetes" and named is None:
        from strangler.deployment.cluster_pods import cluster_pods

        return cluster_pods(settings).log(position or LogPosition(moment=time.time()))
    file = ramp_log(settings, named=named, instead="" if position else "add --detach, or ")
    return AccessLogFollower(file, position) if position else AccessLogFollower.at_end(file)


def ramp_log(settings: LocalSettings, *, named: Path | None, instead: str = "") -> Path:
    """The access log that a ramp reads; `instead` is what an operator of containers could do besides.

    :raises UsageError: it is none of this machine's.
    """
    if named is not None:
        return named
    if settings.gateway == "kubernetes":
        hint = "pass a file that whatever collects the pods' logs writes, with --log"
        raise UsageError("each pod of the cluster has an access log of its own", hint)
    if settings.gateway == "container":
        logs = f"{settings.compose} logs --follow --no-log-prefix nginx"
        hint = f"{instead}have a file written, such as by {logs}, and pass it with --log"
        raise UsageError("the container's access log is no file of this machine", hint)
    return settings.project.state / "logs" / "nginx.log"


def ramp_drive(ramp: Ramp, around: OwnGateway) -> Phase:
    """Run a ramp to its end in front, or until a signal; gives the phase that it was left in.

    :raises StranglerError: its first step is refused.
    """
    trouble = ""
    with StopSignals() as signals:
        try:
            while not ramp.state.phase.is_end:
                begun = time.monotonic()
                trouble = _tick(ramp, trouble)
                while time.monotonic() < begun + TICK_SECONDS and not ramp.state.phase.is_end:
                    signals.check()
                    time.sleep(TICK_SECONDS / 20)
        except StopRequested:
            ramp.keep()
            say(f"left {ramp.state.standing}{_who_goes_on(around.gateway, ramp.state)}")
        finally:
            around.close()
    return ramp.state.phase


def _who_goes_on(gateway: str, state: RampState) -> str:
    """How a ramp that is left at its step goes on."""
    keepers = {"local": "strangler up goes on with it", "container": "its container goes on with it when it runs again"}
    if state.plan.kept and gateway in keepers:
        return f": {keepers[gateway]}"
    return ", and nobody watches it: strangler ramp resume goes on"


def _tick(ramp: Ramp, trouble: str) -> str:
    """Do what is due; gives what is wrong, where nothing could be done, which is noted if it wasn't so before."""
    try:
        ramp.tick()
    except (StranglerError, OSError) as error:
        # A ramp that is under way goes on, above all if its routes have to be taken back; also on a full disk.
        if ramp.state.phase.is_end:
            raise
        if str(error) != trouble:
            note(f"tried again until it is possible: {error}")
        return str(error)
    return ""
