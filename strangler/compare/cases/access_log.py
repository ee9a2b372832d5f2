"""Cases from nginx's access log."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final
from zlib import crc32

from strangler.compare.case import Case
from strangler.compare.cases.router import Router, is_rewritten
from strangler.rollout.access_log import AccessLog, log_lines
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Route
from strangler.routes.table import RouteTable

UNREADABLE: Final = "lines of the log that nginx can't have written"
UNSAFE: Final = "requests of the log that may write"
ELSEWHERE: Final = "requests of the log that aren't below a prefix of the API"
REWRITTEN: Final = "requests of the log for a path that nginx reads as another"
FIXED: Final = "requests of the log that only one stack answers"
STREAMING: Final = "requests of the log for an answer without an end"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def cases_from_log(
    file: BinaryIO, table: RouteTable, *, skipped: Counter[str], callers: Sequence[str] = (), name: str = "access log"
) -> Iterator[Case]:
    """The safe requests of a log, v1 and v2 alike, in its order and in constant memory.

    The log names the user (`user:17`) but holds no token: a request of a signed-in user is sent as one of `callers`,
    always the same one for the same user; other requests are sent without credentials, and so are all if `callers` is
    empty.

    Args:
        file: the log, as nginx or `docker compose logs` writes it.
        table: gives the routes their names.
        skipped: counts what is no case, by reason.
        callers: names that are signed in.
        name: what the cases call the log.
    """
    router, log = Router(table), AccessLog()
    for content in log.contents(log_lines(file)):
        request = _request(content, table.prefixes)
        if request is None:
            log.unreadable += 1
            continue
        method, target, caller = request
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


def _request(content: bytes, prefixes: Prefixes) -> tuple[str, str, str] | None:
    """Method, target and caller; the target is empty where the path isn't below a prefix."""
    try:
        # nginx passes bytes beyond ASCII on as the client sent them: each is one character.
        entry = json.loads(content.decode("latin-1"))
        method, uri, caller = entry["method"], entry["uri"], entry.get("caller") or ""
    except (ValueError, KeyError, RecursionError):
        return None
    if not (isinstance(method, str) and isinstance(uri, str) and isinstance(caller, str)):
        return None
    found = prefixes.split(uri)
    return method, found[1] if found else "", caller


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
    return FIXED if router.is_fixed(target) else ""


def _caller(caller: str, callers: Sequence[str]) -> str:
    if not callers or not caller.startswith("user:"):
        return ""
    return callers[crc32(caller.encode("latin-1")) % len(callers)]
