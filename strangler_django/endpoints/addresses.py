"""Paths that answers lead to, by the names of URLs."""

from typing import Any, Final
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from rest_framework.routers import APIRootView

# Values that no path has by itself, of each kind that a pattern may want.
_SAMPLES: Final = (UUID("9f0c51c2-2f6b-4f4c-8d53-0a7d1c6e4b18"), 918273645, "zqxjkvbpyg")


def row_address(view_name: str | None, parameter: str) -> str | None:
    """The path of the row that a URL of that name leads to, with `{}` in place of its parameter.

    None where the name leads nowhere, or the path has other parameters too.
    """
    for sample in _SAMPLES:
        try:
            path = reverse(str(view_name), kwargs={parameter: sample})
        except NoReverseMatch:
            continue
        if path.count(str(sample)) == 1 and "{" not in path:
            return path.replace(str(sample), "{}")
    return None


def root_addresses(view: Any, name: str | None) -> dict[str, str] | None:  # noqa: ANN401 - any callable
    """The paths that the root view of a router lists, by their names; None of any other view."""
    if getattr(view, "cls", None) is not APIRootView:
        return None
    namespace = f"{name.rpartition(':')[0]}:" if name and ":" in name else ""
    found: dict[str, str] = {}
    for key, url_name in (view.initkwargs.get("api_root_dict") or {}).items():
        try:
            found[str(key)] = reverse(namespace + url_name)
        except NoReverseMatch:
            continue  # the view leaves it out too
    return found
