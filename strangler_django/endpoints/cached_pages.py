"""Answers that Django keeps for a while (`cache_page`), and what they vary on, where a decorator of a view says so.

class ItemViewSet(ReadOnlyModelViewSet):
    @method_decorator(vary_on_headers("Authorization"))
    @method_decorator(cache_page(60 * 15))
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

A moved endpoint answers anew each time, with the headers that tell clients how long they may keep the answer.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.middleware.cache import CacheMiddleware
from django.views.decorators.vary import vary_on_cookie

_DECORATORS: Final = "django.utils.decorators"
_VARY: Final = "django.views.decorators.vary"


@dataclass(frozen=True)
class CachedMethod:
    """A method of a view, and what decorators around it do to its answers.

    `seconds` is how long they are kept, None where they aren't, `vary` the headers of requests that they vary on.
    """

    method: Any
    seconds: int | None = None
    vary: tuple[str, ...] = ()


def cached_method(function: Any) -> CachedMethod | None:  # noqa: ANN401 - whatever a class has under a name
    """What `method_decorator` made of a method; None where it made something else of it, or nothing."""
    found = _closure(function, _DECORATORS)
    if not {"decorators", "method"} <= found.keys():
        return None
    inner = cached_method(found["method"]) or CachedMethod(found["method"])
    for each in found["decorators"]:
        added = _added(each)
        if added is None or (added.seconds is not None and inner.seconds is not None):
            return None
        seconds = inner.seconds if added.seconds is None else added.seconds
        inner = CachedMethod(inner.method, seconds, (*inner.vary, *added.vary))
    return inner


def undecorated(function: Any) -> Any:  # noqa: ANN401 - as above
    """A method without such decorators around it; anything else as it is."""
    found = cached_method(function)
    return function if found is None else found.method


def _added(decorator: Any) -> CachedMethod | None:  # noqa: ANN401 - a function
    """What a decorator does to answers; None of another one."""
    if decorator is vary_on_cookie:
        return CachedMethod(None, vary=("Cookie",))
    headers = _closure(decorator, _VARY).get("headers")
    if headers is not None:
        return CachedMethod(None, vary=tuple(headers))
    found = _closure(decorator, _DECORATORS)
    seconds = found.get("m_kwargs", {}).get("page_timeout")
    if found.get("middleware_class") is not CacheMiddleware or type(seconds) is not int or seconds <= 0:
        return None
    return CachedMethod(None, seconds)


def _closure(function: Any, module: str) -> dict[str, Any]:  # noqa: ANN401 - as above
    """What a function of that module has from the one that made it; nothing of another's."""
    if not inspect.isfunction(function) or function.__globals__.get("__name__") != module:
        return {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


def cache_facts(methods: Mapping[str, Sequence[Any]]) -> dict[str, Any] | None:
    """How long answers of a view are kept, and what they vary on; None where no such decorator is.

    `methods` are the functions that run under each name, in their order (`own_code.passing_methods`).

    `vary_all` is that of `dispatch`, and so of errors and of other methods too; `times` says by how many they are kept,
    `by_credentials` that this Django has them vary on `Authorization` where a request has one.
    """
    decorated = ((name, cached_method(each)) for name, functions in methods.items() for each in reversed(functions))
    found = [(name, each) for name, each in decorated if each is not None]
    if not found:
        return None
    kept = [each.seconds for _, each in found if each.seconds is not None]
    return {
        "seconds": kept[0] if kept else None,
        "times": len(kept),
        "by_credentials": bool(kept) and _varies_on_credentials(),
        "vary": [name for place, each in found if place != "dispatch" for name in each.vary],
        "vary_all": [name for place, each in found if place == "dispatch" for name in each.vary],
    }


def _varies_on_credentials() -> bool:
    """What Django does to an answer that is kept for no time: nothing is written to a cache."""
    request, response = HttpRequest(), HttpResponse()
    request.method, request.META["HTTP_AUTHORIZATION"] = "GET", "Bearer"
    request._cache_update_cache = True  # type: ignore[attr-defined] # noqa: SLF001 - as its `process_request` sets it
    CacheMiddleware(lambda _request: response, page_timeout=0).process_response(request, response)
    return "Authorization" in response.get("Vary", "")
