"""Cases from a browser's recording (HAR 1.2)."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from strangler.compare.case import Case
from strangler.compare.cases.message import FORM_TYPE, kept_headers, secrets_in, secrets_in_body, without_secrets
from strangler.compare.cases.router import Router
from strangler.errors import UsageError
from strangler.routes.table import RouteTable

ELSEWHERE: Final = "requests of the recording to other addresses"
BROKEN: Final = "entries of the recording without a whole request"
FIXED: Final = "requests of the recording that only one stack answers"
STREAMING: Final = "requests of the recording for an answer without an end"
METHOD: Final = "requests of the recording with a method that no API has"
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# Browsers record answers too, and those of a day's work are some 100 MB.
MAX_BYTES: Final = 512 * 1024 * 1024


class _BrokenError(Exception):
    """The entry is invalid HAR."""


def cases_from_har(
    file: Path, bases: Sequence[str], table: RouteTable, *, skipped: Counter[str], caller: str = ""
) -> Iterator[Case]:
    """The requests of a recording to one of `bases`, in its order, writes too, each sent as `caller`.

    Credentials and cookies stay behind, those in a query too. A password in a body is sent again, as a known secret.

    Args:
        file: the recording.
        bases: addresses with their prefix, such as `https://example.com/api`; the longest that fits counts.
        table: gives the routes their names.
        skipped: counts what is no case, by reason.
        caller: the user whose token requests carry; empty for none.

    :raises UsageError: the file can't be read, or is no HAR.
    """
    router = Router(table)
    for number, entry in enumerate(_entries(file), start=1):
        try:
            method, target = _asked(entry, bases)
            reason = _reason(router, method, target)
            if not reason:
                yield _case(entry["request"], method, target, router, caller, f"{file.name}, request {number}")
        except _BrokenError:
            reason = BROKEN
        if reason:
            skipped[reason] += 1


def _entries(file: Path) -> list[Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read ({error.strerror})", "name a recording in HAR") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{file} is larger than {MAX_BYTES >> 20} MiB", "record less, or without the answers' bodies")
    try:
        # Some browsers begin it with a byte order mark.
        entries = json.loads(content.decode("utf-8-sig"))["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{file} is no HAR", "have the browser save all requests as HAR") from error
    if not isinstance(entries, list):
        raise UsageError(f"{file} is no HAR, its entries are no list", "have the browser save all requests as HAR")
    return entries


def _asked(entry: object, bases: Sequence[str]) -> tuple[str, str]:
    """The method, and the target below the base that fits; the target is empty where none does."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise _BrokenError
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise _BrokenError
    address = url.partition("#")[0]
    fitting = [base.rstrip("/") for base in bases if _is_below(address, base.rstrip("/"))]
    target = address[len(max(fitting, key=len)) :] if fitting else ""
    return method.upper(), without_secrets(target.encode("utf-8", "replace").decode("latin-1"))


def _is_below(address: str, base: str) -> bool:
    """Whether the path of the base goes on with a slash; hosts are the same in any case of their letters."""
    scheme, host, path, *_ = urlsplit(base)
    beginning = f"{scheme}://{host}"
    return address[: len(beginning)].lower() == beginning.lower() and address[len(beginning) :].startswith(f"{path}/")


def _reason(router: Router, method: str, target: str) -> str:
    """Why a request is no case; empty if it is one."""
    if not target:
        return ELSEWHERE
    if method not in _METHODS:
        return METHOD
    if router.is_fixed(target):
        return FIXED
    route = router.route_of(method, target)
    return STREAMING if route and route.streaming else ""


def _case(request: dict[str, Any], method: str, target: str, router: Router, caller: str, source: str) -> Case:
    body, media_type, secrets = _body(request)
    headers = kept_headers(_pairs(request.get("headers")))
    if body and media_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", media_type), *headers)
    return Case(
        method=method,
        target=target,
        headers=headers,
        body=body,
        caller=caller,
        route=router.name_of(method, target),
        source=source,
        secrets=secrets,
    )


def _body(request: dict[str, Any]) -> tuple[bytes, str, tuple[str, ...]]:
    """The body, its type, and the secrets in it; a form may be there as its fields only."""
    data = request.get("postData")
    if data is None:
        return b"", "", ()
    if not isinstance(data, dict):
        raise _BrokenError
    media_type, text = str(data.get("mimeType") or ""), data.get("text")
    fields = _pairs(data.get("params"))
    secrets = tuple(secrets_in(dict(fields)))
    if isinstance(text, str) and text:
        return text.encode("utf-8", "replace"), media_type, (*secrets, *secrets_in_body(text))
    if media_type.startswith("multipart/"):
        # Only the browser knows what was sent.
        raise _BrokenError
    return urlencode(fields).encode(), media_type or FORM_TYPE, secrets


def _pairs(value: object) -> list[tuple[str, str]]:
    """Names with their values, as HAR lists headers and fields."""
    entries = value if isinstance(value, list) else []
    return [
        (entry["name"], entry["value"])
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("value"), str)
    ]
