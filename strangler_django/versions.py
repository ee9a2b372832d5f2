"""The oldest Django and Django REST framework whose facts this package reads."""

from collections.abc import Iterator
from typing import Final

import django
import rest_framework

_LEAST: Final = {"Django": (4, 2), "Django REST framework": (3, 15)}


def too_old() -> str:
    """What is too old here, as a sentence; empty where nothing is."""
    return next(_old({"Django": django.__version__, "Django REST framework": rest_framework.VERSION}), "")


def _old(found: dict[str, str]) -> Iterator[str]:
    for name, version in found.items():
        least = _LEAST[name]
        if tuple(int(part) for part in version.split(".")[:2]) < least:
            wanted = ".".join(map(str, least))
            yield f"{name} {version} is too old for strangler_django: upgrade the project to {wanted} or later."
