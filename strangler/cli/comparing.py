"""Whom `strangler compare` asks, and as whom, as its options say: the sides, the passwords."""

import getpass
import sys
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from strangler.compare.settings import CompareSettings
from strangler.compare.side import Side
from strangler.compare.sides import header_parse, side_at, sides_gateway, sides_local
from strangler.errors import UsageError
from strangler.local.settings import LocalSettings
from strangler.routes.route import Api

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def sides_of(left: str | None, right: str | None, headers: Sequence[str], settings: LocalSettings) -> tuple[Side, Side]:
    """The sides that were named, else those of the stack that the settings name.

    :raises UsageError: one of them, or a header, is none.
    """
    said = tuple(header_parse(text) for text in headers)
    if left is None:
        return (sides_gateway if settings.gateway == "container" else sides_local)(settings, headers=said)
    if right is None:
        raise UsageError("name two base addresses, LEFT and RIGHT, or none for the local stack.")
    return side_at("left", left, headers=said), side_at("right", right, headers=said)


def passwords(logins: Sequence[str], sides: Sequence[Side], settings: LocalSettings) -> Callable[[str], str | None]:
    """Gives each caller's password: STRANGLER_PASSWORD, else in development the demo's, else what is typed now.

    :raises UsageError: one can't be had.
    """
    told = CompareSettings().password.get_secret_value()
    here = all(urlsplit(side.url).hostname in _LOOPBACK for side in sides)
    if told or (settings.is_development and here):
        return lambda _name: told or settings.demo_password
    if logins and not sys.stdin.isatty():
        raise UsageError("nobody is there to type a password: set STRANGLER_PASSWORD.")
    typed = {name: getpass.getpass(f"password of {name}: ") for name in logins}
    return typed.get


def bases_of(sides: Sequence[Side], settings: LocalSettings) -> tuple[str, ...]:
    """Where a client may have asked what is asked again: both sides, and the front door before them."""
    return (*(side.url for side in sides), *(settings.proxy_url + api.prefix for api in Api))
