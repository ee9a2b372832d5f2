"""What is asked of the gateway, whoever runs it: the one place that touches nginx's process."""

import http.client
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from strangler.errors import FailedError
from strangler.gateway.rendering import Rendered
from strangler.gateway.settings import GatewaySettings

VERSION_PATH: Final = "/gateway/version"
EJECTION_PATH: Final = "/gateway/ejection"
# nginx lets old workers accept connections for 100 ms after it has started new ones (ngx_msleep in its reload).
STEADY_SECONDS: Final = 0.2
TAKE_OVER_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.01
_REQUEST_SECONDS: Final = 2.0


class Gateway(Protocol):
    """nginx with its versions of configuration.

    `url` is its front door, `place` what errors call it.
    """

    url: str

    @property
    def settings(self) -> GatewaySettings:
        """What it is rendered with now: a deploy changes the stacks' addresses for a while."""

    @property
    def place(self) -> str:
        """Where it is, as the end of a sentence: `no gateway answers at …`."""

    def running_version(self) -> str | None:
        """The version that a new connection meets; None where no gateway of ours answers.

        :raises FailedError: the gateway can't be asked.
        """

    def wait_until_running(self, version: str) -> None:
        """Wait until every new connection is answered by `version`.

        :raises FailedError: it isn't in time; says what answers instead.
        """

    def current(self) -> str | None:
        """The version that nginx reads at its next start or reload; None before the first.

        :raises FailedError: the gateway can't be asked.
        """

    def install(self, rendered: Rendered) -> None:
        """Write a version and have nginx test it; what runs is not touched.

        :raises FailedError: nginx refuses it, in nginx's own words.
        """

    def holds(self, rendered: Rendered) -> bool:
        """Whether that version is the current one, and its files are as they were written."""

    def activate(self, version: str) -> None:
        """Make an installed version the current one, in one step; nginx takes it up when it reloads or starts.

        :raises FailedError: the gateway can't be reached.
        """

    def take_up(self, version: str) -> None:
        """Make an installed version the current one, and have nginx read it.

        Requests under way are finished by the workers that have them.

        :raises FailedError: nginx doesn't run, or refuses; the version may be the current one nevertheless.
        """

    def prune(self, keep: Collection[str]) -> None:
        """Forget all versions but these and the current one."""


class OneNginx:
    """The part of a `Gateway` that is asked of its front door, where one nginx is all of it."""

    url: str

    @property
    def place(self) -> str:
        """See `Gateway`."""
        return self.url

    def running_version(self) -> str | None:
        """See `Gateway`."""
        return running_version(self.url)

    def wait_until_running(self, version: str) -> None:
        """See `Gateway`."""
        wait_until_running(self.url, version)


@dataclass(frozen=True, kw_only=True)
class Ejection:
    """Whether FastAPI is out of reads, since when it is or was last (ISO 8601), and how often since nginx started."""

    ejected: bool
    since: str | None
    ejections: int


def running_version(url: str) -> str | None:
    """The version that a new connection meets; None where no gateway of ours answers."""
    return _read(url, VERSION_PATH)


def ejection_read(url: str) -> Ejection | None:
    """What nginx knows of FastAPI's health; None where no gateway of ours says it to this address."""
    try:
        document = json.loads(_read(url, EJECTION_PATH) or "")
        return Ejection(ejected=document["ejected"], since=document["since"], ejections=document["ejections"])
    except (ValueError, KeyError, TypeError):
        return None


def _read(url: str, path: str) -> str | None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_REQUEST_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.read(200).decode("ascii").strip() if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException, UnicodeDecodeError):
        return None
    finally:
        connection.close()


def wait_until_running(url: str, version: str, *, seconds: float = TAKE_OVER_SECONDS) -> None:
    """Wait until every new connection is answered by `version`.

    :raises FailedError: another one still answers after `seconds`.
    """
    deadline = time.monotonic() + seconds
    since: float | None = None
    while since is None or time.monotonic() - since < STEADY_SECONDS:
        found = running_version(url)
        now = time.monotonic()
        since = (since or now) if found == version else None
        if since is None and now > deadline:
            what = f"version {found} still answers" if found else "nobody answers"
            raise FailedError(f"nginx did not take over version {version} within {seconds:.0f} s: {what} at {url}.")
        time.sleep(_POLL_SECONDS)
