"""Addresses of servers as a person writes them: HOST:PORT, or the path of a socket."""

from typing import Final

LAST_PORT: Final = 65_535


def require_port(address: str) -> str:
    """An address that ends with a port, or an empty one.

    :raises ValueError: no address has such a port.
    """
    if address and not 0 < int(address.rpartition(":")[2]) <= LAST_PORT:
        raise ValueError(f"a port is 1 to {LAST_PORT}")
    return address


def is_path(address: str) -> bool:
    """Whether it is that of a socket, and no HOST:PORT."""
    return address.startswith("/")
