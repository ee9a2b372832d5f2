"""Which Host a request may name: Django's ALLOWED_HOSTS, in its own notation (`django.http.request`)."""

import re
from collections.abc import Iterable
from typing import Final

_HOST: Final = re.compile(r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::([0-9]+))?")


def is_allowed_host(header: str, allowed: Iterable[str]) -> bool:
    """Whether a Host header names one of `allowed`, whatever its port and with or without the dot at its end.

    `.example.org` stands for the domain and all below it, `*` for every host.
    """
    match = _HOST.fullmatch(header.lower())
    if match is None:
        return False
    name = match[1].removesuffix(".")
    return any(pattern == "*" or is_same_domain(name, pattern) for pattern in allowed)


def is_same_domain(name: str, pattern: str) -> bool:
    """Whether a host is the one of `pattern`, or below it where that begins with a dot (`django.utils.http`)."""
    pattern = pattern.lower()
    return name == pattern or (pattern.startswith(".") and (name.endswith(pattern) or name == pattern[1:]))
