"""A service of docker-compose.yml is replaced by its new image while nginx goes on, from the machine that runs compose.

Beside each service stands one of the profile `deploy`, named `NAME-next`, with the same image. It is started from the
new image, and nginx sends requests there once it is ready; then the service itself is made anew, nginx goes back, and
the one beside it is removed: addresses stay what the project file says. No container ends before nginx's workers that
knew it alone are gone.
"""

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError
from strangler.gateway.compose_cli import Compose, last_line
from strangler.gateway.interface import TAKE_OVER_SECONDS
from strangler.project import command_fill
from strangler.rollout.apply import rollout_render
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

PROFILE: Final = ("--profile", "deploy")
NEXT: Final = "-next"
_BUILD_SECONDS: Final = 3600.0
# With the grace that the old container has to end.
_START_SECONDS: Final = 180.0
# Requests end long before, streams of events don't: those are cut, and their clients connect again.
_DRAIN_SECONDS: Final = 15.0
# nginx asks for a name again every 2 s, and a second after it found none.
_LOOKED_UP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.5
_ADDRESSES: Final = TypeAdapter(dict[str, str])
# Prints the address of a name, and whether a GET there is answered by 200: the image of nginx is not sure to have curl.
_ASK: Final = """
address=$(getent ahostsv4 "$1" | awk '{ print $1; exit }')
[ -n "$address" ] || { echo "the name is not known"; exit; }
exec timeout 5 bash -c 'echo "$0"
exec 3<>"/dev/tcp/$0/$1"
printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$2" "$3" >&3
read -r line <&3
echo "$line"' "$address" "$2" "$3" "$4"
"""
_WORKERS: Final = """
for process in /proc/[0-9]*; do
    case $(tr '\\0' ' ' <"$process/cmdline" 2>/dev/null) in "nginx: worker process"*) echo "${process##*/}" ;; esac
done
"""
_LEFT: Final = 'for process; do [ ! -e "/proc/$process" ] || echo "$process"; done\n'


class ElsewhereFile:
    """Where a deploy has stacks' requests sent for a while: `elsewhere.json` of the containers' state folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "elsewhere.json"

    def read(self) -> Mapping[str, str]:
        """The addresses by stack.

        :raises FailedError: the file can't be read.
        """
        try:
            return _ADDRESSES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            hint = "remove it if no deploy is under way, then strangler apply"
            raise FailedError(f"{self._path} can't be read", hint) from error

    def write(self, stack: Stack, address: str) -> None:
        """Change one of them; empty for the stack's own.

        :raises OSError: the folder isn't writable, or its disk is full.
        """
        others = {name: at for name, at in self.read().items() if name != stack}
        write_durably(self._path, _ADDRESSES.dump_json(others | ({str(stack): address} if address else {})))


def container_deploy(settings: LocalSettings, rollout: Rollout, which: Stack) -> Iterator[str]:
    """Deploys step by step, and gives a sentence with each.

    :raises StranglerError: it failed; the sentence says what serves now.
    """
    with _alone(settings.state_dir):
        yield from _Deploy(settings, rollout, which).steps()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "deploy.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnsafeError("a deploy is under way", "wait until it is done, and try again") from error
        yield


class _Deploy:
    def __init__(self, settings: LocalSettings, rollout: Rollout, which: Stack) -> None:
        self._settings = settings
        self._rollout = rollout
        self._which = which
        self._names = settings.project.containers
        self._compose = Compose(settings.compose, folder=settings.project.root)
        self._elsewhere = ElsewhereFile(settings.state_dir)
        self._own, _, self._port = settings.project.stack(which).container.partition(":")
        self._spare = f"{self._own}{NEXT}"

    def steps(self) -> Iterator[str]:
        if self._rollout.gateway.running_version() is None:
            raise UsageError(f"no gateway answers at {self._rollout.gateway.place}", self._rollout.hint)
        yield f"building the new {self._which}"
        self._run("build", self._own, seconds=_BUILD_SECONDS)
        # Of a deploy that ended half-way: nginx sends requests to the one beside it, which then is no one to replace.
        if not self._elsewhere.read().get(self._which):
            yield from self._stand_in()
        yield f"the old {self._own} finishes what it has, and is made anew"
        self._renew(self._own)
        try:
            seconds, _ = self._ready(self._own)
        except FailedError as error:
            what = f"{error.message}, and {self._spare} goes on serving"
            raise FailedError(what, f"see {self._compose.command} logs {self._own}; then deploy again") from error
        time.sleep(_LOOKED_UP_SECONDS)
        yield f"it is ready after {seconds:.1f} s, and nginx sends requests to it"
        self._drain(self._send(""))
        self._remove_spare()
        if self._which is Stack.FASTAPI and self._names.worker:
            yield f"the old {self._names.worker} ends its jobs, and is made anew"
            self._renew(self._names.worker)
        yield f"{self._which} is deployed"

    def _stand_in(self) -> Iterator[str]:
        """The new image serves beside the old container."""
        yield f"starting {self._spare}"
        try:
            # One of a deploy that was killed may be of an older image.
            self._remove_spare()
            self._require_migrated()
            self._run(*PROFILE, "up", "--detach", "--no-deps", "--no-build", self._spare)
            seconds, address = self._ready(self._spare)
            yield f"it is ready after {seconds:.1f} s, and nginx sends requests to it"
            leaving = self._send(f"{address}:{self._port}")
        except BaseException as error:
            with suppress(StranglerError, OSError):
                if self._elsewhere.read().get(self._which):
                    self._drain(self._send(""))
                self._remove_spare()
            if not isinstance(error, StranglerError):
                raise
            what = f"{error.message}, and the old {self._own} serves as before"
            hint = f"mend that and deploy again; until then {self._compose.command} up would start the new image"
            raise FailedError(what, error.hint or hint) from error
        self._drain(leaving)

    def _require_migrated(self) -> None:
        """Refuse new code of Django whose migrations aren't applied: its container would apply them when it starts."""
        manage = self._settings.project.django.manage
        if self._which is not Stack.DJANGO or manage is None:
            return
        command = command_fill(manage, {"python": "python"})
        migrate = (*PROFILE, "run", "--rm", "-T", "--no-deps", self._spare, *command, "migrate")
        ended = self._compose.run(*migrate, "--check", seconds=_START_SECONDS)
        if ended.code != 0:
            reason = last_line(ended.stderr) or "migrations are pending"
            hint = "strangler schema guard says whether FastAPI survives them; then "
            hint += f"{self._compose.command} {' '.join(migrate)}"
            raise FailedError(f"the new Django can't be deployed yet ({reason})", hint)

    def _renew(self, service: str) -> None:
        self._run("up", "--detach", "--no-deps", "--no-build", "--force-recreate", service)

    def _remove_spare(self) -> None:
        self._run(*PROFILE, "down", self._spare)

    def _ready(self, service: str) -> tuple[float, str]:
        """Wait until a service answers its health check; gives how long that took, and its address.

        :raises FailedError: it didn't in time.
        """
        health, most = self._settings.project.stack(self._which).health, self._settings.ready_seconds
        started = time.monotonic()
        while True:
            address, answer = self._ask(service, health)
            if answer.split()[1:2] == ["200"]:
                return time.monotonic() - started, address
            if time.monotonic() - started > most:
                what = f"{service} wasn't ready within the {most} s of READY_SECONDS (GET {health}: {answer})"
                raise FailedError(what, f"see {self._compose.command} logs {service}, and deploy again")
            time.sleep(_POLL_SECONDS)

    def _ask(self, service: str, health: str) -> tuple[str, str]:
        """The address of a service, and the first line of its answer, or why there is none."""
        try:
            said = self._inside(_ASK, service, self._port, health, self._settings.probe_host)
        except FailedError as error:
            # The engine may be as busy as the machine.
            return "", error.message
        address, _, answer = said.partition("\n")
        return address, answer.strip() or address.strip() or "no answer"

    def _send(self, address: str) -> list[str]:
        """Have nginx send the stack's requests to an address; empty for its own.

        Gives nginx's workers that don't know it, whatever they say of themselves: on a busy machine one of them hears
        of a reload long after others have answered for it.
        """
        leaving: list[str] = []

        def change() -> None:
            leaving.extend(self._inside(_WORKERS).split())
            self._elsewhere.write(self._which, address)

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

    def _run(self, *arguments: str, seconds: float = _START_SECONDS) -> None:
        ended = self._compose.run(*arguments, seconds=seconds)
        if ended.code != 0:
            reason = last_line(ended.stderr) or f"exit code {ended.code}"
            words = " ".join(arguments)
            raise FailedError(f"{self._compose.command} {words} failed ({reason})", "see its output, and deploy again")
