"""A service is replaced by its new code while nginx goes on: asked of the supervisor, who owns the processes.

The new one starts on a spare port, and nginx sends requests there once it is ready; the old one finishes what it has.
Then the service itself starts again on its own port, nginx goes back, and the one on the spare port ends in the same
way: addresses stay what the settings say. No process ends before nginx's workers that knew it alone are gone.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import format_exception
from typing import Final, Literal

import psutil

from strangler.deployment.local_gateway import native_gateway
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.releases import Deploy, DeployFile, release_point
from strangler.errors import FailedError, StranglerError, UsageError
from strangler.gateway.interface import TAKE_OVER_SECONDS, Gateway
from strangler.gateway.rendering import render_gateway
from strangler.local.children import READY_SECONDS
from strangler.local.keeper import Keeper
from strangler.local.ports import port_free_pick
from strangler.local.services import Probe, Service, stack_folder, stack_service
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

# Requests end long before, streams of events don't: those are cut, and their clients connect again.
_DRAIN_SECONDS: Final = 15.0
_LOG = logging.getLogger(__name__)


class Deployer:
    """Does what is asked for, a step with each call of `step`, so that the supervisor goes on with everything else."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._file = DeployFile(stack.folder.path)
        self._file.forget()
        self._under_way: _UnderWay | None = None

    def step(self) -> None:
        """Go on with the deploy under way, or begin the one that was asked for; its failure is recorded, not raised."""
        if self._under_way is not None:
            if self._under_way.step():
                self._under_way = None
        elif (asked := self._file.read()) is not None and asked.outcome == "asked":
            self._under_way = _UnderWay(asked, _replaced(self._stack, asked), self._file)


class _UnderWay:
    """A deploy that goes on with each step, and its record."""

    def __init__(self, asked: Deploy, steps: Iterator[str], file: DeployFile) -> None:
        self._deploy = replace(asked, outcome="under way")
        self._steps = steps
        self._file = file
        self._record()

    def step(self) -> bool:
        """Whether it is over."""
        try:
            if sentence := next(self._steps):
                self._say(sentence)
        except StopIteration:
            self._end("done", f"{self._deploy.service} is deployed")
        except (StranglerError, OSError) as error:
            self._end("failed", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a deploy runs into, it may end the deploy and never the stack
            _LOG.warning("the deploy of %s failed:\n%s", self._deploy.service, "".join(format_exception(error)))
            self._end("failed", f"an unexpected {type(error).__name__} ({error}): the log of strangler up says where")
        return self._deploy.is_over

    def _end(self, outcome: Literal["done", "failed"], sentence: str) -> None:
        self._deploy = replace(self._deploy, outcome=outcome)
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        _LOG.info("%s", sentence)
        self._deploy = replace(self._deploy, lines=(*self._deploy.lines, sentence))
        self._record()

    def _record(self) -> None:
        try:
            self._file.write(self._deploy)
        except OSError as error:
            _LOG.warning("deploy.json can't be written (%s): free some of its disk", error.strerror)


def _replaced(stack: LocalStack, asked: Deploy) -> Iterator[str]:
    """Deploys step by step; gives a sentence, or an empty one while it waits.

    :raises StranglerError: it failed; the sentence says what serves now.
    """
    which = asked.service
    keeper, gateway = stack.children.keeper(which), stack.rollout.gateway
    with stack.rollout.folder.locked():
        before, port = gateway.current() or "", port_free_pick()
        # Of deploys that ended half-way: nginx may send requests there, and does so no more after this one.
        spares = stack.children.keepers(f"{which}-new")
        yield f"starting the new {which} on port {port}"
        spare = _Spare(stack, which, port, release=asked.release)
        try:
            started = time.monotonic()
            yield from _ready(spare.keeper, spare.probe)
            yield f"it is ready after {time.monotonic() - started:.1f} s, and nginx sends requests to it"
            yield from spare.send_requests()
            if asked.release:
                yield release_point(stack_folder(stack.settings.project, which), Path(asked.release))
        except Exception as error:
            with suppress(FailedError):
                gateway.take_up(before)
            stack.forget(spare.keeper)
            spare.keeper.stop()
            if not isinstance(error, StranglerError):
                raise
            raise FailedError(f"{error.message}, and the old {which} serves as before", spare.hint) from error
        yield f"the old {which} finishes what it has, and starts again on its own port"
        yield from _drained(stack)
        yield from _restarted(keeper)
        try:
            yield from _ready(keeper, _service(stack, which, stack.settings).probe)
        except FailedError as error:
            what = f"{error.message}, and the new {which} goes on serving on port {port}"
            raise FailedError(what, f"strangler logs {which} says more; then deploy again") from error
        yield "it is ready, and nginx sends requests to it"
        try:
            yield from _taken_up(gateway, stack)
        except FailedError as error:
            if gateway.running_version() is not None:
                raise
            yield f"{error.message}, and it sends them once it is started again"
        yield from _drained(stack)
        for each in [spare.keeper, *spares]:
            stack.forget(each)
            yield from _ended(each)


def _service(stack: LocalStack, which: Stack, settings: LocalSettings) -> Service:
    """A service as it is started here with these settings."""
    service = stack_service(settings, stack.connections, which)
    if service is None:
        raise UsageError(f"{which} isn't started here", "deploy it where it runs")
    return service


class _Spare:
    """The new service on its spare port."""

    def __init__(self, stack: LocalStack, which: Stack, port: int, *, release: str) -> None:
        self._stack = stack
        self._settings = stack.settings.model_copy(update={f"{which}_port": port})
        service = replace(_service(stack, which, self._settings), name=f"{which}-new")
        if release:
            service = replace(service, cwd=Path(release))
        self.hint = f"strangler logs {service.name} says more"
        self.probe = service.probe
        self.keeper = stack.start_kept(service, address=f"{service.listens[0]}:{port}", probe=service.probe)

    def send_requests(self) -> Iterator[str]:
        """Have nginx send requests there.

        :raises FailedError: nginx refuses.
        """
        folder, without_django = self._stack.folder.path / "nginx", self._stack.without_django
        gateway = native_gateway(self._settings, folder=folder, without_django=without_django)
        yield from _taken_up(gateway, self._stack)


def _taken_up(gateway: Gateway, stack: LocalStack) -> Iterator[str]:
    """Have nginx run the routes as `gateway` renders them; where it has ended, it reads them when it is started again.

    :raises FailedError: it refuses them, or doesn't run them within 15 s.
    """
    _content, running = stack.rollout.running()
    rendered = render_gateway(running, gateway.settings)
    gateway.install(rendered)
    with suppress(FailedError):
        gateway.take_up(rendered.version)
    deadline = time.monotonic() + TAKE_OVER_SECONDS
    while gateway.running_version() != rendered.version:
        if time.monotonic() > deadline:
            raise FailedError(f"nginx did not take over version {rendered.version} within {TAKE_OVER_SECONDS:.0f} s")
        yield ""
    gateway.wait_until_running(rendered.version)


def _ready(keeper: Keeper, probe: Probe) -> Iterator[str]:
    """Wait until it answers its probe.

    :raises FailedError: it ended, or wasn't ready within a minute.
    """
    ended, deadline = keeper.last_end, time.monotonic() + READY_SECONDS
    while not probe.answers(timeout=0.2):
        if keeper.last_end != ended:
            raise FailedError(keeper.last_end)
        if time.monotonic() > deadline:
            raise FailedError(f"{keeper.program.name} wasn't ready within {READY_SECONDS:.0f} s")
        yield ""


def _drained(stack: LocalStack) -> Iterator[str]:
    """Wait until nginx's workers of before its last reload are gone, or for as long as it is worth."""
    nginx = stack.state.services["nginx"].find()
    deadline = time.monotonic() + _DRAIN_SECONDS
    while nginx is not None and time.monotonic() < deadline and any(map(_is_leaving, nginx.children())):
        yield ""


def _is_leaving(worker: psutil.Process) -> bool:
    try:
        return "shutting down" in " ".join(worker.cmdline())
    except psutil.NoSuchProcess:
        return False


def _restarted(keeper: Keeper) -> Iterator[str]:
    """Ask it to restart; it is killed where it takes longer than it may."""
    old, deadline = keeper.child, time.monotonic() + keeper.program.stop_seconds
    keeper.ask_restart()
    while keeper.child is old and old is not None:
        if time.monotonic() > deadline:
            old.process.kill()
        yield ""


def _ended(keeper: Keeper) -> Iterator[str]:
    """Signal it to end, and wait."""
    child, deadline = keeper.child, time.monotonic() + keeper.program.stop_seconds
    if child is not None:
        child.process.send_signal(keeper.program.stop_signal)
        while child.exit_code is None and time.monotonic() < deadline:
            yield ""
        child.stop(timeout=0)
