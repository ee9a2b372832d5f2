"""The settings of a shadow worker: environment variables that begin with `SHADOW_`.

Read by hand, since Pydantic takes half of the memory that such a worker needs (docs/benchmark.md, Memory).
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from strangler.addresses import is_path, require_port
from strangler.compare.differ import DifferenceKind
from strangler.errors import UsageError

_HOST_AND_PORT: Final = re.compile(r"[^:]+:[0-9]{1,5}")


@dataclass(frozen=True, kw_only=True)
class ShadowSettings:
    """One worker; every field is an environment variable in capitals that begins with `SHADOW_`.

    `declared` is the file of declared differences, None for none. `v1` and `v2` are the public
    prefixes; those of the stacks are part of their addresses.
    `socket` is where nginx sends samples, and `socket_owner` the account that may, if it isn't the worker's own; or
    `listen` is the address where they come by UDP. At the address `results`, if any, the results are served.
    `rate` is comparisons per second, each of two requests; `concurrency` how many are under way at once. Of each route
    `queue_per_route` samples wait, `queue` of all; more are dropped. `timeout` is seconds for one answer, `body_bytes`
    the size of the largest that is compared. Differences of the kinds in `ignore`, a JSON array, don't count.
    """

    socket: Path | None = None
    listen: str = ""
    results: str = ""
    database: Path
    django_url: str
    fastapi_url: str
    declared: Path | None = None
    v1: str
    v2: str
    socket_owner: str = ""
    rate: float = 20.0
    concurrency: int = 4
    queue: int = 500
    queue_per_route: int = 50
    timeout: float = 10.0
    body_bytes: int = 1_000_000
    ignore: frozenset[DifferenceKind] = frozenset()


def shadow_settings_load(environ: Mapping[str, str] = os.environ) -> ShadowSettings:
    """The settings in the environment.

    :raises UsageError: names the first variable that is missing or wrong.
    """
    found: dict[str, Any] = {}
    for each in fields(ShadowSettings):
        name = f"SHADOW_{each.name.upper()}"
        # An empty variable counts as none.
        if text := environ.get(name):
            try:
                found[each.name] = _READ.get(each.name, str)(text)
            except (ValueError, TypeError) as error:
                raise _wrong(name, str(error)) from None
        elif each.default is MISSING:
            raise _wrong(name, "it is missing")
    settings = ShadowSettings(**found)
    if (settings.socket is None) == (not settings.listen):
        raise _wrong("SHADOW_SOCKET", "name either SHADOW_SOCKET or SHADOW_LISTEN")
    return settings


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(f"{name} can't be read ({why})", "correct it in the worker's environment")


def _address(text: str) -> str:
    if not _HOST_AND_PORT.fullmatch(text):
        raise ValueError("it is no HOST:PORT")
    return require_port(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no http:// or https:// address")
    return text.rstrip("/")


def _prefix(text: str) -> str:
    """No prefix is written as a slash."""
    return text.rstrip("/")


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise ValueError("it is less than 1")
    return count


def _above_zero(text: str) -> float:
    if not (number := float(text)) > 0:
        raise ValueError("it isn't above 0")
    return number


def _kinds(text: str) -> frozenset[DifferenceKind]:
    return frozenset(map(DifferenceKind, json.loads(text)))


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "socket": Path,
    "listen": _address,
    # A socket of the file system as well.
    "results": lambda text: text if is_path(text) else _address(text),
    "database": Path,
    "django_url": _url,
    "fastapi_url": _url,
    "declared": Path,
    "v1": _prefix,
    "v2": _prefix,
    "rate": _above_zero,
    "concurrency": _count,
    "queue": _count,
    "queue_per_route": _count,
    "timeout": _above_zero,
    "body_bytes": _count,
    "ignore": _kinds,
}
