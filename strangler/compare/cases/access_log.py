"""Cases from nginx's access log."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, Final
from zlib import crc32

from strangler.compare.case import Case
from strangler.compare.cases.message import without_secrets
from strangler.compare.cases.router import Router, is_rewritten
from strangler.metrics.access_log import AccessLog, log_lines
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Route
from strangler.routes.table import RouteTable

UNREADABLE: Final = "lines of the log that nginx can't have written"
UNSAFE: Final = "requests of the log that may write"
ELSEWHERE: Final = "requests of the log that aren't below a prefix of the API"
REWRITTEN: Final = "requests of the log for a path that nginx reads as another"
FIXED: Final = "requests of the log that only one stack answers"
UNKNOWN: Final = "requests of the log for a path that no route has"
STREAMING: Final = "requests of the log for an answer without an end"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def cases_from_log(
    file: BinaryIO, table: RouteTable, *, skipped: Counter[str], callers: Sequence[str] = (), name: str = "access log"
) -> Iterator[Case]:
    """The safe requests of a log, v1 and v2 alike, in its order and in constant memory.

    The log names the user (`user:17`) but holds no token: a request of a signed-in user is sent as one of `callers`,
    always the same one for the same user; other requests are sent without credentials, and so are all if `callers` is
    empty.

    A path that no route has is no case: a scanner's are answered by whatever else a stack serves.

    Args:
        file: the log, as nginx or a log collector writes it, compressed or not.
        table: gives the routes their names.
        skipped: counts what is no case, by reason.
        callers: names that are signed in.
        name: what the cases call the log.

    :raises FailedError: most of it is no access log, or it isn't whole.
    """
    router, log = Router(table), AccessLog()
    for method, target, caller in log.parsed(log_lines(file), partial(_request, table.prefixes)):
        route = router.route_of(method, target)
        reason = _reason(router, method, target, route)
        if reason:
            skipped[reason] += 1
            continue
        yield Case(
            method=method,
            target=target,
            caller=_caller(caller, callers),
            route=route.name if route else "",
            source=f"{name}, line {log.line}",
        )
    if log.unreadable:
        skipped[UNREADABLE] += log.unreadable
    log.require_readable(name)


def _request(prefixes: Prefixes, entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Method, target and caller; the target is empty where the path isn't below a prefix."""
    method, uri, caller = entry["method"], entry["uri"], entry.get("caller") or ""
    if not (isinstance(method, str) and isinstance(uri, str) and isinstance(caller, str)):
        raise TypeError(entry)
    # A target has one character for each byte that was sent.
    found = prefixes.split(uri.encode("utf-8", "surrogateescape").decode("latin-1"))
    return method, without_secrets(found[1]) if found else "", caller


def _reason(router: Router, method: str, target: str, route: Route | None) -> str:
    """Why a request is no case; empty if it is one."""
    if method not in _SAFE:
        return UNSAFE
    if route:
        return STREAMING if route.streaming else ""
    if not target:
        return ELSEWHERE
    if is_rewritten(target):
        return REWRITTEN
    if router.is_fixed(target):
        return FIXED
    return "" if router.is_known_path(target) else UNKNOWN


def _caller(caller: str, callers: Sequence[str]) -> str:
    if not callers or not caller.startswith("user:"):
        return ""
    return callers[crc32(caller.encode("utf-8", "surrogateescape")) % len(callers)]
