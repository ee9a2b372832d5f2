"""Which texts may stand in nginx's configuration, where a `;` or a space would begin something else."""

import re
from collections.abc import Iterable
from ipaddress import ip_network

from strangler.errors import UsageError

_ADDRESS = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9a-fA-F:.]+\](:[0-9]+)?")
_PATH = re.compile(r"[A-Za-z0-9._/-]*")
_SIZE = re.compile(r"[1-9][0-9]{0,8}[km]?")
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)?")


def require_addresses(addresses: Iterable[str]) -> None:
    """:raises UsageError: one is no address that nginx could listen on or connect to."""
    for address in addresses:
        _require(_ADDRESS, address, "write an address such as 127.0.0.1:8080")


def require_paths(paths: Iterable[str]) -> None:
    """:raises UsageError: one has other characters than letters, digits and . _ / -"""
    for path in paths:
        _require(_PATH, path, "use letters, digits and . _ / - only")


def require_size(size: str) -> None:
    """:raises UsageError: it isn't a number of bytes, kibibytes or mebibytes."""
    _require(_SIZE, size, "write a size such as 512k or 2m")


def require_account(account: str) -> None:
    """:raises UsageError: it isn't a user, or a user and a group."""
    _require(_ACCOUNT, account, "write a user, or a user and a group")


def require_networks(networks: Iterable[str]) -> None:
    """:raises UsageError: one is no network in CIDR notation."""
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise UsageError(f"nginx can't trust {network!r}: write a network such as 10.0.0.0/8.") from error


def _require(pattern: re.Pattern[str], value: str, mend: str) -> None:
    if not pattern.fullmatch(value):
        raise UsageError(f"{value!r} can't stand in nginx's configuration: {mend}.")
