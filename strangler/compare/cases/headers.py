"""Which headers of a recorded or made request are asked again."""

import re
from collections.abc import Iterable
from typing import Final

from strangler.compare.redaction import is_secret

# What the connection, the browser or a proxy says, and what makes an answer depend on earlier ones.
_DROPPED: Final = frozenset(
    {
        *("accept-encoding", "cache-control", "connection", "content-length", "dnt", "expect", "forwarded", "host"),
        *("keep-alive", "origin", "pragma", "priority", "proxy-connection", "referer", "te", "trailer"),
        *("transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "via"),
        *("x-real-ip", "x-request-id", "x-stack"),
    }
)
_DROPPED_BEGINNINGS: Final = ("if-", "sec-", "x-forwarded-", "x-schemathesis-")
# RFC 9110, 5.1 and 5.5; the names that HTTP/2 begins with a colon are none.
NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def kept_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers that say what is asked for, without credentials; one byte in each character."""
    return tuple((name, _one_byte_each(value)) for name, value in headers if _is_kept(name, value))


def _is_kept(name: str, value: str) -> bool:
    if is_secret(name) or name.lower() in _DROPPED or name.lower().startswith(_DROPPED_BEGINNINGS):
        return False
    return bool(NAME.fullmatch(name) and VALUE.fullmatch(value))


def _one_byte_each(value: str) -> str:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value
