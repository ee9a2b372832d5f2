"""A service of docker-compose.yml is replaced by its new image while nginx goes on, from the machine that runs compose.

Beside each service stands one of the profile `deploy`, named `NAME-next`, with the same image. It is started from the
new image, and nginx sends requests there once it is ready; then the service itself is made anew, nginx goes back, and
the one beside it is removed: addresses stay what the project file says. No container ends before nginx's workers that
knew it alone are gone.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from strangler.deployment.elsewhere import ElsewhereFile, StackServices
from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError
from strangler.gateway.compose_cli import Compose, last_line
from strangler.gateway.interface import TAKE_OVER_SECONDS
from strangler.rollout.apply import rollout_render
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

PROFILE: Final = ("--profile", "deploy")
_BUILD_SECONDS: Final = 3600.0
_CHECK_SECONDS: Final = 180.0
# What ends a container takes up to its stop_grace_period, which may be anything, and is not to be killed in the middle.
_RECREATE_SECONDS: Final = 86_400.0
# Requests end long before, streams of events don't: those are cut, and their clients connect again.
_DRAIN_SECONDS: Final = 15.0
# nginx asks for a name again every 2 s, and a second after it found none.
_LOOKED_UP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.5
# What migrate --check --plan says where migrations are pending; also one that could not be run may end with 1.
_PENDING: Final = "Planned operations"
_WORKERS: Final = """
for process in /proc/[0-9]*; do
    case $(tr '\\0' ' ' <"$process/cmdline" 2>/dev/null) in "nginx: worker process"*) echo "${process##*/}" ;; esac
done
"""
_LEFT: Final = 'for process; do [ ! -e "/proc/$process" ] || echo "$process"; done\n'


def container_deploy(settings: LocalSettings, rollout: Rollout, which: Stack) -> Iterator[str]:
    """Deploys step by step, and gives a sentence with each.

    :raises StranglerError: it failed; the sentence says what serves now.
    """
    file = ElsewhereFile(settings.state_dir)
    with file.alone():
        yield from _Deploy(settings, rollout, which, file).steps()


class _Deploy:
    def __init__(self, settings: LocalSettings, rollout: Rollout, which: Stack, elsewhere: ElsewhereFile) -> None:
        self._settings = settings
        self._rollout = rollout
        self._which = which
        self._names = settings.project.containers
        self._worker = self._names.worker if which is Stack.FASTAPI else None
        self._compose = Compose(settings.compose, folder=settings.project.root)
        self._elsewhere = elsewhere
        self._services = StackServices(settings, which, self._compose)
        self._own, self._spare = self._services.own, self._services.spare

    def steps(self) -> Iterator[str]:
        if self._rollout.gateway.running_version() is None:
            raise UsageError(f"no gateway answers at {self._rollout.gateway.place}", self._rollout.hint)
        self._require_spare()
        with self._phase("all containers run as before", touched=False):
            yield f"building the new {self._which}"
            built = (self._own, self._spare, *([self._worker] if self._worker else ()))
            self._run(*PROFILE, "build", *built, seconds=_BUILD_SECONDS)
            self._require_migrated()
            serving = self._settle()
        if serving:
            yield f"{self._spare} of an interrupted deploy serves"
        else:
            yield from self._stand_in()
        with self._phase(f"{self._spare} goes on serving"):
            yield f"the old {self._own} finishes what it has, and is made anew"
            self._renew(self._own)
            seconds, _ = self._ready(self._own, f"{self._compose.command} logs {self._own}")
            time.sleep(_LOOKED_UP_SECONDS)
        with self._phase(f"the new {self._own} and {self._spare} both run, and nginx sends requests to one of them"):
            yield f"it is ready after {seconds:.1f} s, and nginx sends requests to it"
            leaving = self._send_back()
        with self._phase(f"the new {self._own} serves, while {self._spare} is left over"):
            self._drain(leaving)
            self._remove_spare()
        if self._worker:
            with self._phase(f"the new {self._own} serves"):
                yield f"the old {self._worker} ends its jobs, and is made anew"
                self._renew(self._worker)
        yield f"{self._which} is deployed"

    def _require_spare(self) -> None:
        ended = self._compose.run(*PROFILE, "config", "--services", seconds=_CHECK_SECONDS)
        if ended.code != 0:
            reason = last_line(ended.stderr) or f"exit code {ended.code}"
            raise UsageError(
                f"{self._compose.command} config failed ({reason})", "fix the compose file, and deploy again"
            )
        if self._spare not in ended.stdout.split():
            add = f"{self._spare}: {{extends: {{service: {self._own}}}, profiles: [deploy]}}"
            hint = f"add {add}, and leave ports and container_name out of {self._own}, which two can't share"
            raise UsageError(f"the compose file has no service {self._spare} in the profile deploy", hint)

    def _require_migrated(self) -> None:
        """Refuse new code of Django whose migrations aren't applied: its container would apply them when it starts."""
        manage = self._names.manage
        if self._which is not Stack.DJANGO or not manage:
            return
        # In place of the image's own ENTRYPOINT, which often migrates.
        program, *arguments = manage
        run = (*PROFILE, "run", "--rm", "-T", "--no-deps", "--entrypoint", program, self._spare, *arguments, "migrate")
        ended = self._compose.run(*run, "--check", "--plan", seconds=_CHECK_SECONDS)
        if ended.code == 0:
            return
        command = f"{self._compose.command} {' '.join(run)}"
        if ended.code == 1 and _PENDING in ended.stdout:
            hint = f"strangler schema guard says whether FastAPI survives them; then {command}"
            raise UsageError("the new Django has migrations that aren't applied", hint)
        reason = last_line(ended.stderr) or f"exit code {ended.code}"
        hint = f"set manage under [containers] to how the image calls manage.py, and try {command} --check"
        raise FailedError(f"the migrations of the new Django could not be checked ({reason})", hint)

    def _settle(self) -> bool:
        """Have nginx send requests to whoever serves, whatever a deploy that was interrupted has left it doing.

        Gives whether the spare serves. The file is believed only of a spare that stands in. One that is ready beside
        a service that isn't serves, too, whatever the file says: a deploy may have ended before it could write that.
        """
        file = self._elsewhere.read()
        services = {stack: StackServices(self._settings, stack, self._compose) for stack in Stack}
        serving = {stack: each.standing(file.get(stack, "")) for stack, each in services.items()}
        standing = {str(stack): address for stack, address in serving.items() if address}
        self._drain(self._send(standing))
        return self._which in standing

    def _stand_in(self) -> Iterator[str]:
        """The new image serves beside the old container."""
        yield f"starting {self._spare}"
        try:
            # One of a deploy that was killed may be of an older image.
            self._remove_spare()
            up = (*PROFILE, "up", "--detach", "--no-deps", "--no-build", self._spare)
            self._run(*up)
            seconds, address = self._ready(self._spare, f"{self._compose.command} {' '.join(PROFILE)} up {self._spare}")
            yield f"it is ready after {seconds:.1f} s, and nginx sends requests to it"
            leaving = self._send(self._others() | {str(self._which): f"{address}:{self._services.port}"})
        except BaseException as error:
            serves = self._way_back()
            if not isinstance(error, StranglerError):
                raise
            hint = f"fix that and deploy again; until then {self._compose.command} up would start the new image"
            raise FailedError(f"{error.message}, and {serves}", error.hint or hint) from error
        self._drain(leaving)

    def _way_back(self) -> str:
        """Give the spare up; gives who serves then."""
        try:
            if self._which in self._elsewhere.read():
                self._drain(self._send(self._others()))
            self._remove_spare()
        except StranglerError as error:
            return f"{self._spare} is left and may serve ({error.message})"
        return f"the old {self._own} serves as before"

    @contextmanager
    def _phase(self, serves: str, *, touched: bool = True) -> Iterator[None]:
        """Have an error say who serves; one that comes after something was changed is a failure, whatever its cause."""
        try:
            yield
        except StranglerError as error:
            kinds = (FailedError,) if touched else (UsageError, UnsafeError)
            kind = next((each for each in kinds if isinstance(error, each)), FailedError)
            raise kind(f"{error.message}, and {serves}", error.hint or "fix that, and deploy again") from error

    def _others(self) -> dict[str, str]:
        """Where the requests of the other stack are sent, if a deploy of it was interrupted."""
        return {stack: address for stack, address in self._elsewhere.read().items() if stack != self._which}

    def _renew(self, service: str) -> None:
        self._run("up", "--detach", "--no-deps", "--no-build", "--force-recreate", service)

    def _remove_spare(self) -> None:
        self._run(*PROFILE, "down", self._spare)

    def _ready(self, service: str, look: str) -> tuple[float, str]:
        """Wait until a service answers its health check; gives how long that took, and its address.

        :raises FailedError: it didn't in time; names the command `look`.
        """
        most = self._settings.ready_seconds
        started = time.monotonic()
        while True:
            try:
                asked = self._services.ask(service)
            except FailedError as error:
                # The engine may be as busy as the machine.
                answer = error.message
            else:
                answer = asked.answer
                if asked.is_ready:
                    return time.monotonic() - started, asked.address
            if time.monotonic() - started > most:
                asking = f"GET {self._services.health}: {answer}"
                what = f"{service} wasn't ready within the {most} s of READY_SECONDS ({asking})"
                raise FailedError(what, f"see {look}; then deploy again")
            time.sleep(_POLL_SECONDS)

    def _send(self, addresses: Mapping[str, str]) -> list[str]:
        """Have nginx send the requests of these stacks to the addresses, and all others to the stacks' own.

        Gives nginx's workers that don't know it, whatever they say of themselves: on a busy machine one of them hears
        of a reload long after others have answered for it.
        """
        leaving: list[str] = []

        def change() -> None:
            leaving.extend(self._inside(_WORKERS).split())
            self._elsewhere.write(addresses)

        gateway = self._rollout.gateway
        rollout_render(self._rollout, change=change)
        deadline = time.monotonic() + TAKE_OVER_SECONDS
        while True:
            current = gateway.current() or ""
            try:
                gateway.wait_until_running(current)
            except FailedError:
                # A move that was applied meanwhile is another version, with the same address.
                if gateway.current() == current or time.monotonic() > deadline:
                    raise
            else:
                return leaving

    def _send_back(self) -> list[str]:
        """Have nginx send the stack's requests to its own service again; gives nginx's workers that don't know it.

        Where that fails nginx may do either: the spare stays in the file, of which only one that stands in is believed.
        """
        before = self._elsewhere.read()
        try:
            return self._send(self._others())
        except BaseException:
            with suppress(StranglerError):
                self._elsewhere.write(before)
            raise

    def _drain(self, leaving: list[str]) -> None:
        """Wait until these workers of nginx are gone, or for as long as it is worth."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while leaving and time.monotonic() < deadline:
            with suppress(FailedError):
                leaving = self._inside(_LEFT, *leaving).split()
            time.sleep(_POLL_SECONDS)

    def _inside(self, script: str, *arguments: str) -> str:
        """What a script says in nginx's container."""
        return self._compose.inside(self._names.nginx, script, *arguments).stdout

    def _run(self, *arguments: str, seconds: float = _RECREATE_SECONDS) -> None:
        ended = self._compose.run(*arguments, seconds=seconds)
        if ended.code != 0:
            reason = last_line(ended.stderr) or f"exit code {ended.code}"
            command = f"{self._compose.command} {' '.join(arguments)}"
            raise FailedError(f"{command} failed ({reason})", "run that to see why, and deploy again")
