"""Where a deploy of containers has a stack's requests sent: to the service that stands in for the stack's own.

The file outlives a deploy that was interrupted, and a container that was started again has another address: only a
deploy that is under way believes the file as it is.
"""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.gateway.compose_cli import ContainerShell
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.state_dir import lock_is_held
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

NEXT: Final = "-next"
# Commands want the addresses several times in one breath, and each question takes as long as an exec.
_SEEN_SECONDS: Final = 5.0
_HINT: Final = "run as the user who started the stack, or free some of its disk"
_ADDRESSES: Final = TypeAdapter(dict[str, str])
_LOG = logging.getLogger(__name__)
# Prints a name's address, and the first line of the answer to a GET there: nginx's image is not sure to have curl.
_ASK: Final = """
address=$(getent ahostsv4 "$1" | awk '{ print $1; exit }')
echo "$address"
[ -n "$address" ] || { echo "its name is not known"; exit; }
exec timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" || { echo "no connection"; exit; }
printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$2" "$3" >&3
read -r line <&3
echo "$line"' "$address" "$2" "$3" "$4" 2>/dev/null
"""


class ElsewhereFile:
    """The addresses by stack, `elsewhere.json` of the containers' state folder, and the lock of whoever deploys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "elsewhere.json"
        self._lock = folder / "deploy.lock"

    def read(self) -> Mapping[str, str]:
        """The addresses as the last deploy has written them.

        :raises FailedError: the file can't be read.
        """
        try:
            return _ADDRESSES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            hint = "remove it if no deploy is under way, then strangler apply"
            raise FailedError(f"{self._path} can't be read", hint) from error

    def write(self, addresses: Mapping[str, str]) -> None:
        """Replace them; a stack that isn't among them has its own.

        :raises FailedError: the folder isn't writable, or its disk is full.
        """
        try:
            write_durably(self._path, _ADDRESSES.dump_json(dict(addresses)))
        except OSError as error:
            raise FailedError(f"{self._path} can't be written ({error.strerror})", _HINT) from error

    @property
    def is_deploying(self) -> bool:
        """Whether a deploy is under way."""
        return lock_is_held(self._lock)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One deploy at a time.

        :raises UnsafeError: another one is under way.
        :raises FailedError: the folder isn't writable.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = self._lock.open("a")
        except OSError as error:
            raise FailedError(f"{error.filename} isn't writable ({error.strerror})", _HINT) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UnsafeError("a deploy is under way", "wait until it is done, and try again") from error
            yield


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The address that a service's name has, empty for none, and the first line of its answer, or why there is none."""

    address: str
    answer: str

    @property
    def is_ready(self) -> bool:
        """Whether it answered 200."""
        return self.answer.split()[1:2] == ["200"]


class StackServices:
    """The services of docker-compose.yml that may serve a stack: its `own`, and the `spare` of the profile deploy.

    They are asked from inside nginx's container, by `shell`.
    """

    def __init__(self, settings: LocalSettings, which: Stack, shell: ContainerShell) -> None:
        section = settings.project.stack(which)
        self.own, _, self.port = section.container.partition(":")
        self.spare = f"{self.own}{NEXT}"
        self.health = section.health
        self._host = settings.probe_host
        self._nginx = settings.project.containers.nginx
        self._shell = shell

    def ask(self, service: str) -> Asked:
        """Ask a service for its health.

        :raises FailedError: nginx's container can't be reached.
        """
        said = self._shell.inside(self._nginx, _ASK, service, self.port, self.health, self._host).stdout
        address, _, answer = said.partition("\n")
        return Asked(address=address.strip(), answer=answer.strip() or "no answer")

    def standing(self, address: str) -> str:
        """Where the spare serves in place of the stack's own service, by its port; empty where it doesn't.

        `address` is where requests were sent, empty for the service itself: whoever served goes on where neither is
        ready.

        :raises FailedError: nginx's container can't be reached.
        """
        spare = self.ask(self.spare)
        found = f"{spare.address}:{self.port}"
        served = found == address
        if (served and spare.is_ready) or not self.ask(self.own).is_ready:
            return found if served or spare.is_ready else ""
        return ""


def elsewhere_reader(
    settings: LocalSettings, file: ElsewhereFile, shell: ContainerShell
) -> Callable[[], Mapping[str, str]]:
    """What gives the addresses that nginx is rendered with: of stacks in the file, where somebody still stands in."""
    seen: dict[tuple[str, str], tuple[float, str]] = {}

    def standing(stack: str, address: str) -> str:
        at, found = seen.get((stack, address), (-_SEEN_SECONDS, address))
        if time.monotonic() - at > _SEEN_SECONDS:
            before = found
            services = StackServices(settings, Stack(stack), shell)
            try:
                found = services.standing(address)
            except FailedError:
                # Nothing is rendered without that container either.
                return address
            if before and not found:
                gone = f"{services.spare} of an interrupted deploy serves no more at {address}"
                _LOG.info("%s, and requests go to %s: deploy %s again", gone, services.own, stack)
            seen[stack, address] = time.monotonic(), found
        return found

    def read() -> Mapping[str, str]:
        found = file.read()
        if not found or file.is_deploying:
            return found
        serving = {stack: standing(stack, address) for stack, address in found.items()}
        return {stack: address for stack, address in serving.items() if address}

    return read
