"""A lock that a cluster keeps: a Lease with its holder, which is renewed while it is held and expires when it isn't."""

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from strangler.errors import FailedError, UnsafeError
from strangler.kubernetes.api import ClusterApi, ObjectConflict, ObjectMissing
from strangler.kubernetes.manifest import Manifest
from strangler.rollout import state_dir
from strangler.rollout.state_dir import holder_text

# Below what another operator waits, so that the next command after a kill gets it. Nobody's clock is compared with
# another's: a lease has expired for whoever has seen it unchanged for so long.
LEASE_SECONDS: Final = 8
_RENEW_SECONDS: Final = 2.0
# A holder gives up before anybody else may think that it has.
_GIVE_UP_SECONDS: Final = 6.0
_POLL_SECONDS: Final = 0.25


class Lease:
    """The lock of that name. `head` is the manifest of the object without its spec.

    `of` is what errors call it of, `busy` the error for a lock that its holder doesn't give up in time.
    """

    def __init__(self, api: ClusterApi, head: Manifest, *, of: str, busy: Callable[[str], UnsafeError]) -> None:
        self._of = of
        self._busy = busy
        self._api = api
        self._head = head
        self._renewed = 0.0
        self._held: Manifest | None = None
        self._expired = ""

    def require(self) -> None:
        """Refuse to go on where the lock may be somebody else's by now.

        :raises FailedError: it could not be renewed in time.
        """
        if self._held is None or time.monotonic() - self._renewed > _GIVE_UP_SECONDS:
            hint = "look at strangler history, and run it again"
            raise FailedError(f"the lock of the {self._of} was lost, since the cluster could not be reached", hint)

    def mark(self) -> str:
        """What changes whenever somebody takes the lock, renews it or gives it back."""
        found = self._read()
        return "" if found is None else _mark(found)

    def is_held(self) -> bool:
        """Whether somebody holds it: takes as long as it may take to see it renewed.

        :raises FailedError: the cluster can't be asked.
        """
        first = self._read()
        if first is None or not _holder(first):
            return False
        deadline = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < deadline:
            found = self._read()
            if found is None or not _holder(found):
                return False
            if _mark(found) != _mark(first):
                return True
            time.sleep(_POLL_SECONDS)
        self._expired = _mark(first)
        return False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; waits for another holder as long as a rollout on disk does.

        :raises UnsafeError: another operator holds it and goes on.
        :raises FailedError: the cluster can't be asked.
        """
        self._take(f"{holder_text()} {uuid.uuid4().hex}")
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended.wait,), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            self._give_back()

    def _take(self, holder: str) -> None:
        seen: tuple[str, float] | None = None
        deadline = time.monotonic() + state_dir.LOCK_SECONDS
        while True:
            found = self._read()
            now = time.monotonic()
            if (
                found is None
                or not _holder(found)
                or self._expired == _mark(found)
                or (seen and seen[0] == _mark(found) and now - seen[1] > LEASE_SECONDS)
            ):
                with suppress(ObjectConflict):
                    self._write(holder, found)
                    return
            elif seen is None or seen[0] != _mark(found):
                seen = _mark(found), now
            if found is not None and now >= deadline:
                raise self._busy(_holder(found).rpartition(" ")[0] or "another operator")
            time.sleep(_POLL_SECONDS)

    def _renew(self, wait: Callable[[float], bool]) -> None:
        while not wait(_RENEW_SECONDS) and self._held is not None:
            try:
                self._write(_holder(self._held), self._held)
            except ObjectConflict:
                self._held = self._own(_holder(self._held))
            except FailedError:
                continue  # until `require` says that it is too late

    def _own(self, holder: str) -> Manifest | None:
        """The lease as a write of ours has left it whose answer was lost; None where it is somebody else's."""
        with suppress(FailedError):
            found = self._read()
            return found if found and _holder(found) == holder else None
        return self._held

    def _give_back(self) -> None:
        """Where it can't be, it expires by itself."""
        if self._held is not None:
            with suppress(FailedError):
                self._write("", self._held)
        self._held = None

    def _read(self) -> Manifest | None:
        try:
            return self._api.read("Lease", self._head["metadata"]["name"])
        except ObjectMissing:
            return None

    def _write(self, holder: str, found: Manifest | None) -> None:
        begun = time.monotonic()
        now = dt.datetime.now(dt.UTC)
        # The client writes no fraction where it is zero, and the API server takes no time without one.
        now = now.replace(microsecond=now.microsecond or 1)
        spec = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now.isoformat()}
        before = found or self._head
        body = {**self._head, "metadata": before["metadata"], "spec": {**before.get("spec", {}), **spec}}
        self._held = self._api.replace(body) if found else self._api.create(body)
        self._renewed = begun


def _holder(lease: Manifest) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _mark(lease: Manifest) -> str:
    return str(lease["metadata"]["resourceVersion"])
