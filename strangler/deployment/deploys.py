"""A service is replaced by its new code while nginx goes on: asked of the supervisor, who owns the processes.

The new one starts on a spare port, and nginx sends requests there once it is ready; the old one finishes what it has.
Then the service itself starts again on its own port, nginx goes back, and the one on the spare port ends in the same
way: addresses stay what the settings say. No process ends before nginx's workers that knew it alone are gone.

The worker of background jobs is replaced with its service: the new one runs beside the old one, which ends its jobs.

In the same way FastAPI is replaced where its main process has died and its workers serve without it, as uvicorn's do.
Those of gunicorn end within a second: Django is started again at once.

Routes may move meanwhile, for a ramp that finds a breach doesn't wait: the rollout is locked only while nginx is given
another address, and whoever applies renders with the address of that moment.
"""

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import format_exception
from typing import Final, Literal

import psutil

from strangler.deployment.local_stack import LocalStack
from strangler.deployment.releases import Deploy, DeployFile, release_point
from strangler.deployment.spares import (
    WORKER_LIVES_SECONDS,
    Spare,
    SpareWorker,
    service_here,
    wait_ended,
    wait_ready,
    wait_restarted,
)
from strangler.errors import FailedError, StranglerError
from strangler.gateway.interface import STEADY_SECONDS, TAKE_OVER_SECONDS
from strangler.local.keeper import Keeper
from strangler.local.ports import port_free_pick
from strangler.local.services import stack_folder
from strangler.rollout.apply import rollout_render
from strangler.routes.route import Stack

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
        self._fastapi = stack.children.keepers(Stack.FASTAPI)
        for keeper in self._fastapi:
            keeper.let_orphans_serve(service_here(stack, Stack.FASTAPI, stack.settings).probe.answers)

    def step(self) -> None:
        """Go on with the deploy under way, or begin the one that was asked for; its failure is recorded, not raised."""
        if self._under_way is not None:
            if self._under_way.step():
                self._under_way = None
        elif (asked := self._file.read()) is not None and asked.outcome == "asked":
            self._begin(asked)
        elif keeper := next((each for each in self._fastapi if each.wants_replacement), None):
            self._replace(keeper)

    def _replace(self, keeper: Keeper) -> None:
        """Begin to replace a FastAPI whose main process has died, unless a deploy was asked for at this moment."""
        deploy = Deploy.of(Stack.FASTAPI)
        try:
            if self._file.claim(deploy) is not None:
                return
        except OSError:
            pass  # a full disk costs the record alone
        keeper.replacement_begins()
        self._begin(deploy, with_worker=False)

    def _begin(self, deploy: Deploy, *, with_worker: bool = True) -> None:
        self._under_way = _UnderWay(deploy, _replaced(self._stack, deploy, with_worker=with_worker), self._file)


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
            if self._deploy.is_over:
                # It would be under way for ever, and every later one refused.
                with suppress(OSError):
                    self._file.forget()


def _replaced(stack: LocalStack, asked: Deploy, *, with_worker: bool) -> Iterator[str]:
    """Deploys step by step; gives a sentence, or an empty one while it waits.

    :raises StranglerError: it failed; the sentence says what serves now.
    """
    which = asked.service
    keeper, port = stack.children.keeper(which), port_free_pick()
    before = stack.state.elsewhere.get(which, "")
    # Of deploys that ended half-way: nginx may send requests there, and does so no more after this one.
    spares = stack.children.keepers(f"{which}-new")
    yield f"starting the new {which} on port {port}"
    spare = Spare(stack, which, port, release=asked.release)
    worker = SpareWorker(stack, which if with_worker else None, release=asked.release)
    try:
        started = time.monotonic()
        yield from wait_ready(stack, spare.keeper, spare.probe)
        took = time.monotonic() - started
        yield f"it is ready after {took:.1f} s"
        yield from worker.start(seconds=max(took, WORKER_LIVES_SECONDS))
        yield f"nginx sends requests to the new {which}"
        leaving = yield from _sent(stack, which, to=spare.address)
        if asked.release:
            yield release_point(stack_folder(stack.settings.project, which), Path(asked.release))
    except Exception as error:
        if stack.state.elsewhere.get(which, "") != before:
            with suppress(StranglerError, OSError):
                yield from _drained(_send(stack, which, to=before))
        for each in [spare.keeper, *worker.started]:
            stack.kept.forget(each)
            each.stop()
        if not isinstance(error, StranglerError):
            raise
        raise FailedError(f"{error.message}, and the old {which} serves as before", error.hint or spare.hint) from error
    yield f"the old {which} finishes what it has, and starts again on its own port"
    yield from _drained(leaving)
    yield from wait_restarted(keeper, seconds=keeper.program.stop_seconds)
    try:
        yield from wait_ready(stack, keeper, service_here(stack, which, stack.settings).probe)
    except FailedError as error:
        what = f"{error.message}, and the new {which} goes on serving on port {port}"
        raise FailedError(what, f"strangler logs {which} says more; then deploy again") from error
    yield "it is ready, and nginx sends requests to it"
    try:
        leaving = yield from _sent(stack, which, to="")
    except FailedError as error:
        if stack.rollout.gateway.running_version() is not None:
            raise
        leaving = []
        yield f"{error.message}, and it sends them once it is started again"
    yield from _drained(leaving)
    for each in [spare.keeper, *spares]:
        yield from wait_ended(stack, each, seconds=each.program.stop_seconds)
    yield from worker.replace()


def _send(stack: LocalStack, which: Stack, *, to: str) -> list[psutil.Process]:
    """Have nginx send a stack's requests to an address; empty for its own. Moves are rendered with it from then on.

    Gives nginx's workers that don't know the address: all that there are, whatever they say of themselves, since on a
    busy machine one of them hears of a reload long after others have answered for it.

    :raises StranglerError: nginx refuses.
    :raises OSError: the state can't be written.
    """
    leaving: list[psutil.Process] = []

    def change() -> None:
        nginx = stack.state.services["nginx"].find()
        leaving.extend(nginx.children() if nginx else ())
        elsewhere = {name: address for name, address in stack.state.elsewhere.items() if name != which}
        elsewhere |= {str(which): to} if to else {}
        stack.folder.write(replace(stack.state, elsewhere=elsewhere))
        stack.state.elsewhere = elsewhere

    rollout_render(stack.rollout, change=change)
    return leaving


def _sent(stack: LocalStack, which: Stack, *, to: str) -> Generator[str, None, list[psutil.Process]]:
    """Send them, once no apply is under way, and wait until every new connection meets that.

    Gives nginx's workers that don't know the address.

    :raises StranglerError: nginx refuses, or hasn't done so after 15 s.
    :raises OSError: the state can't be written.
    """
    gateway = stack.rollout.gateway
    while stack.rollout.folder.is_locked():
        yield ""
    leaving = _send(stack, which, to=to)
    deadline, since = time.monotonic() + TAKE_OVER_SECONDS, 0.0
    # A move that was applied meanwhile is another version, with the same address.
    while not since or time.monotonic() - since < STEADY_SECONDS:
        current, now = gateway.current(), time.monotonic()
        since = (since or now) if gateway.running_version() == current else 0.0
        if now > deadline:
            raise FailedError(f"nginx did not take over version {current} within {TAKE_OVER_SECONDS:.0f} s")
        yield ""
    return leaving


def _drained(leaving: Sequence[psutil.Process]) -> Iterator[str]:
    """Wait until these workers of nginx are gone, or for as long as it is worth."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < deadline and any(worker.is_running() for worker in leaving):
        yield ""
