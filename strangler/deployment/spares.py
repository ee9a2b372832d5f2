"""What stands in for a service and for its worker while each is replaced; and each wait for a process, step by step."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError, UsageError
from strangler.local.keeper import Keeper
from strangler.local.services import Probe, Service, stack_service, worker_helper
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

# A worker answers no probe: one that has lived as long as its service took to be ready, and so long at least, goes on.
WORKER_LIVES_SECONDS: Final = 5.0
# For the jobs that the old worker has begun; then it is killed, and another has to do them again.
_JOBS_SECONDS: Final = 300.0


def service_here(stack: LocalStack, which: Stack, settings: LocalSettings) -> Service:
    """A service as it is started here with these settings."""
    service = stack_service(settings, stack.connections, which)
    if service is None:
        raise UsageError(f"{which} isn't started here", "deploy it where it runs")
    return service


class Spare:
    """The new service on its spare port."""

    def __init__(self, stack: LocalStack, which: Stack, port: int, *, release: str) -> None:
        settings = stack.settings.model_copy(update={f"{which}_port": port})
        service = replace(service_here(stack, which, settings), name=f"{which}-new")
        if release:
            service = replace(service, cwd=Path(release))
        self.hint = f"strangler logs {service.name} says more"
        self.probe = service.probe
        self.address = f"{service.listens[0]}:{port}"
        self.keeper = stack.kept.start(service, address=self.address, probe=service.probe)


class SpareWorker:
    """The worker of a service's jobs, where one runs here: the new one stands in until the old one has ended."""

    def __init__(self, stack: LocalStack, which: Stack | None, *, release: str) -> None:
        self.started: list[Keeper] = []
        self._seconds = 0.0
        self._stack = stack
        self._release = release
        self._old = stack.children.keepers("worker") if which is Stack.FASTAPI else []
        # Of deploys that ended half-way.
        self._spares = stack.children.keepers("worker-new") if self._old else []

    def start(self, *, seconds: float) -> Iterator[str]:
        """Start the new one, and see that it goes on for so long.

        :raises FailedError: it ended.
        """
        if not self._old or (helper := worker_helper(self._stack.settings, self._stack.connections)) is None:
            return
        yield "starting the new worker"
        cwd = Path(self._release) if self._release else helper.cwd
        new = self._stack.kept.start(replace(helper, name="worker-new", cwd=cwd), address=helper.address)
        self.started.append(new)
        self._seconds = seconds
        yield from wait_alive(new, seconds=seconds)

    def replace(self) -> Iterator[str]:
        """Have the old one end its jobs and start again, then end the new one in the same way.

        :raises FailedError: it doesn't start again.
        """
        for old in self._old if self.started else ():
            yield "the old worker ends its jobs, and starts again"
            yield from wait_restarted(old, seconds=_JOBS_SECONDS)
            try:
                yield from wait_alive(old, seconds=self._seconds)
            except FailedError as error:
                what = f"{error.message}, and worker-new goes on"
                raise FailedError(what, f"{error.hint}; then deploy again") from error
        for each in [*self.started, *self._spares]:
            yield from wait_ended(self._stack, each, seconds=_JOBS_SECONDS)


def wait_alive(keeper: Keeper, *, seconds: float) -> Iterator[str]:
    """See that it runs for so long.

    :raises FailedError: it ended.
    """
    ended, deadline = keeper.last_end, time.monotonic() + seconds
    while time.monotonic() < deadline:
        if keeper.child is None or keeper.ending or keeper.last_end != ended:
            what = keeper.last_end or f"{keeper.program.name} {keeper.ending}"
            raise FailedError(what, f"strangler logs {keeper.program.name} says more")
        yield ""


def wait_ready(stack: LocalStack, keeper: Keeper, probe: Probe) -> Iterator[str]:
    """Wait until it answers its probe.

    :raises FailedError: it ended, or wasn't ready within READY_SECONDS.
    """
    seconds = stack.settings.ready_seconds
    ended, deadline = keeper.last_end, time.monotonic() + seconds
    while not probe.answers(timeout=0.2):
        if keeper.last_end != ended:
            raise FailedError(keeper.last_end)
        if time.monotonic() > deadline:
            raise FailedError(f"{keeper.program.name} wasn't ready within the {seconds} s of READY_SECONDS")
        yield ""


def wait_restarted(keeper: Keeper, *, seconds: float) -> Iterator[str]:
    """Ask it to restart; it is killed where it takes longer."""
    old, deadline = keeper.child, time.monotonic() + seconds
    keeper.ask_restart()
    while keeper.child is None or keeper.child is old:
        if time.monotonic() > deadline:
            if keeper.child is None:
                return
            keeper.child.process.kill()
        yield ""


def wait_ended(stack: LocalStack, keeper: Keeper, *, seconds: float) -> Iterator[str]:
    """Have it end for good; it is killed where it takes longer."""
    deadline = time.monotonic() + seconds
    keeper.ask_end()
    while not keeper.ending and keeper.child is not None and time.monotonic() < deadline:
        yield ""
    if keeper.child is not None:
        keeper.child.stop(timeout=0)
    stack.kept.forget(keeper)
