"""What requests of a size are made of, and whether reading them costs no more than their size."""

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import jwt

TIMES: Final = 8
# What eight times the size may cost. In quadratic time it is 64 times as much.
MOST: Final = 3 * TIMES
# Shorter times are the clock's and the collector's.
SHORTEST_SECONDS: Final = 0.003
SMALLEST_BYTES: Final = 50_000
KEY: Final = "a key of the tests, as long as HMAC wants it"
PART: Final = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=x"

# By content type and what the body of a size is. nginx lets 2 MB of it through.
BODIES: Final[dict[str, tuple[str, Callable[[int], bytes]]]] = {
    "numbers": (JSON, lambda size: b"[" + b"1," * (size // 2) + b"1]"),
    "names": (JSON, lambda size: json.dumps({f"name{each}": 1 for each in range(size // 12)}).encode()),
    "one name": (JSON, lambda size: b"{" + b'"a":1,' * (size // 6) + b'"a":1}'),
    "lists in lists": (JSON, lambda size: b"[" * size),
    "digits": (JSON, lambda size: b"1" * size),
    "escapes": (JSON, lambda size: b'"' + b"\\u00e9" * (size // 6) + b'"'),
    "spaces": (JSON, lambda size: b" " * size),
    "an open text": (JSON, lambda size: b'"' + b"a" * size),
    "fields": (FORM, lambda size: b"a=1&" * (size // 4)),
    "separators": (FORM, lambda size: b"&" * size),
    "percents": (FORM, lambda size: b"a=" + b"%41" * (size // 3)),
    "half percents": (FORM, lambda size: b"a=" + b"%" * size),
    "parts": (MULTIPART, lambda size: PART % (b"a", b"1") * (size // 60) + b"--x--"),
    "a part": (MULTIPART, lambda size: PART % (b"a", b"1" * size) + b"--x--"),
    "line ends": (MULTIPART, lambda size: PART % (b"a", b"\r\n" * (size // 2)) + b"--x--"),
    "half boundaries": (MULTIPART, lambda size: PART % (b"a", b"\r\n--" * (size // 4)) + b"--x--"),
    "boundaries": (MULTIPART, lambda size: b"--x\r\n" * (size // 5)),
    "no boundary": (MULTIPART, lambda size: b"-" * size),
    "a name": (MULTIPART, lambda size: PART % (b"a" * size, b"1") + b"--x--"),
}
# Each header as the server takes it, up to 8,190 bytes.
HEADERS: Final[dict[str, tuple[str, Callable[[int], str]]]] = {
    "media types": ("accept", lambda size: "a/b," * (size // 4)),
    "parameters": ("accept", lambda size: "a/b" + ";a=b" * (size // 4)),
    "quotes": ("accept", lambda size: 'a/b;a="' + '\\"' * (size // 2)),
    "languages": ("accept-language", lambda size: "de-at;q=0.1," * (size // 12)),
    "a language": ("accept-language", lambda size: "de" + "-a" * (size // 2)),
    "ETags": ("if-none-match", lambda size: '"a",' * (size // 4)),
    "an open ETag": ("if-none-match", lambda size: '"' + "W/" * (size // 2)),
    "cookies": ("cookie", lambda size: "a=b; " * (size // 5)),
    "an open cookie": ("cookie", lambda size: 'a="' + "\\" * size),
    "dots": ("authorization", lambda size: "Bearer " + "." * size),
    "a token": ("authorization", lambda size: "Bearer " + jwt.encode({"a": "b" * size}, KEY)),
    "content types": ("content-type", lambda size: "a/b" + "; charset=a" * (size // 11)),
}
# What follows the `?`. nginx takes a request line of 8,190 bytes.
QUERIES: Final[dict[str, Callable[[int], str]]] = {
    "parameters": lambda size: "a=1&" * (size // 4),
    "names": lambda size: "&".join(f"name{each}=1" for each in range(size // 9)),
    "a value": lambda size: "a=" + "b" * size,
    "a cursor": lambda size: "cursor=" + "cD0x" * (size // 4),
    "terms": lambda size: "search=" + "a," * (size // 2),
    "separators": lambda size: "&" * size,
    "percents": lambda size: "a=" + "%41" * (size // 3),
}


def header_list(size: int) -> dict[str, str]:
    """So many headers; nginx takes 90."""
    return {f"x-made-{each}": "a" * 80 for each in range(size)}


def require_growth(made: Callable[[int], Any], read: Callable[[Any], object], *, size: int) -> None:
    """Hold what reading one size costs against eight times as much; the least of some, since others share the core."""
    small, large = made(size), made(TIMES * size)
    took, allowed = 0.0, 0.0
    for _ in range(5):
        took, allowed = _seconds(read, large), max(SHORTEST_SECONDS, MOST * _seconds(read, small))
        if took <= allowed:
            break
    assert took <= allowed, "time grows faster"
    assert _bytes(read, large) <= max(SMALLEST_BYTES, MOST * _bytes(read, small)), "memory grows faster"


def _seconds(read: Callable[[Any], object], given: object) -> float:
    took = []
    for _ in range(3):
        began = time.thread_time()
        read(given)
        took.append(time.thread_time() - began)
    return min(took)


def _bytes(read: Callable[[Any], object], given: object) -> int:
    tracemalloc.start()
    try:
        read(given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
