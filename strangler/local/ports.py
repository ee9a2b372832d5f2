"""Ports of this machine: whether one is free, and which process has it if not."""

import errno
import socket

import psutil

from strangler.errors import UsageError


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
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


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
