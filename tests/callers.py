"""Many callers of a gateway, each known by a token or an address, and who answered them."""

import base64
import json
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

# nginx closes a connection after so many requests (keepalive_requests).
_PER_CONNECTION = 1000
_CONNECTIONS = 4
# Fewer than either side buffers, so that nobody waits for the other.
_AT_A_TIME = 50
_SECONDS = 30


def unsigned_token(payload: object) -> str:
    """What looks like a JWT, with this payload and a signature that nobody would take."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, payload)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"])


def bearer(user_id: Any) -> dict[str, str]:
    """The header of somebody with this user id."""
    return {"Authorization": f"Bearer {unsigned_token({'user_id': user_id})}"}


def served_by(url: str, path: str, callers: Sequence[dict[str, str]]) -> list[str]:
    """Which stack answers a HEAD of each caller, whom the headers identify."""
    parts = [callers[start : start + _PER_CONNECTION] for start in range(0, len(callers), _PER_CONNECTION)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        return [stack for found in pool.map(lambda part: _ask(url, path, part), parts) for stack in found]


def _ask(url: str, path: str, callers: Sequence[dict[str, str]]) -> list[str]:
    address = urlsplit(url)
    found: list[str] = []
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=_SECONDS) as connection:
        for start in range(0, len(callers), _AT_A_TIME):
            batch = callers[start : start + _AT_A_TIME]
            connection.sendall(b"".join(_head(address.netloc, path, headers) for headers in batch))
            found += _answers(connection, len(batch))
    return found


def _head(host: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"HEAD {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _answers(connection: socket.socket, count: int) -> list[str]:
    received = b""
    while received.count(b"\r\n\r\n") < count:
        part = connection.recv(65536)
        assert part, "the gateway hung up"
        received += part
    return re.findall(r"X-Served-By: (\w+)\r\n", received.decode())
