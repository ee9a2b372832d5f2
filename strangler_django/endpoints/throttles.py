"""What counts the requests of a view: DRF's throttles with their rates, and whether FastAPI can count with them."""

from collections.abc import Iterator
from typing import Any, Final

from rest_framework import throttling

from strangler_django.endpoints.code.own_code import is_own
from strangler_django.python_source import class_name

_KINDS: Final = {
    "anon": throttling.AnonRateThrottle,
    "user": throttling.UserRateThrottle,
    "scoped": throttling.ScopedRateThrottle,
}
# What a project overrides in its throttles.
_HOOKS: Final = (
    *("allow_request", "get_cache_key", "get_ident", "get_rate", "parse_rate", "throttle_success", "throttle_failure"),
    "wait",
)


def throttle_facts(view: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any view
    """The throttles of a view, but for those that never refuse anything: without a rate, or without a scope."""
    return [facts for throttle in view.get_throttles() for facts in _facts(throttle, view)]


def _facts(throttle: Any, view: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any throttle of any view
    cls = type(throttle)
    kind = next((name for name, base in _KINDS.items() if isinstance(throttle, base)), "custom")
    overridden = [name for name in _HOOKS if is_own(cls, name)]
    if kind == "scoped" and not overridden:
        throttle.scope = getattr(view, throttle.scope_attr, None)
        if not throttle.scope:
            return
        throttle.rate = throttle.get_rate()
    rate = getattr(throttle, "rate", None)
    if rate is None and kind != "custom" and not overridden:
        return
    yield {
        "class": class_name(cls),
        "kind": kind,
        "scope": getattr(throttle, "scope", None),
        "rate": rate,
        "cache_format": getattr(throttle, "cache_format", None),
        "shared": getattr(getattr(throttle, "cache", None), "counts_for_both_stacks", False),
        "overridden": overridden,
    }
