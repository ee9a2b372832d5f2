"""Ports of this machine: whether one is free, and which process has it if not."""

import errno
import random
import socket
from collections import deque
from pathlib import Path
from typing import Final

import psutil

from strangler.errors import UsageError

# From the second on the system gives a port to whoever connects anywhere; IANA's 49152 where Linux doesn't say.
_FIRST_PORT: Final = 10_000
_FIRST_EPHEMERAL: Final = 49_152
_EPHEMERAL_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_picked: Final[deque[int]] = deque(maxlen=100)


def port_is_free(*, host: str, port: int) -> bool:
    """Whether a server could listen there now.

    :raises OSError: for any error but a taken port, such as a forbidden one.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def port_free_pick() -> int:
    """A port of 127.0.0.1 that was free a moment ago, and that no outgoing connection is given meanwhile.

    A server that starts slowly on a busy machine loses a port of the system's own choice to the next client. The last
    hundred that were picked here aren't picked again: their servers may not listen yet.
    """
    for port in random.sample(range(_FIRST_PORT, _first_ephemeral()), k=200):
        if port not in _picked and port_is_free(host="127.0.0.1", port=port):
            _picked.append(port)
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
    return chosen


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _FIRST_EPHEMERAL
    return first if first >= 2 * _FIRST_PORT else _FIRST_EPHEMERAL


def port_owner(port: int) -> str | None:
    """The process that listens on a port, as "name (pid 1)"; None if the system hides it from this user."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        address = connection.laddr or None
        if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return None


def port_require_free(*, host: str, port: int, setting: str) -> None:
    """Refuse a taken or forbidden port.

    :raises UsageError: names the port, the process that has it, and the setting to change.
    """
    try:
        if port_is_free(host=host, port=port):
            return
    except OSError as error:
        message = f"{host}:{port} can't be listened on ({error.strerror})"
        raise UsageError(message, f"set {setting} to another port in .env") from error
    owner = port_owner(port) or "another user's process"
    raise UsageError(f"port {port} is taken by {owner}", f"end it, or set {setting} to another port in .env")
