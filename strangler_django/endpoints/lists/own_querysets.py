"""What `get_queryset` of a project's own does with the rows of a view, read from its code.

A queryset of the view's or of a model's, narrowed by `filter` to rows that have the caller or a parameter of the path
in a field. It may be ordered, joined in advance, and narrowed further where a request has a query parameter:

def get_queryset(self):
    queryset = self.queryset
    if not self.request.user.is_staff:
        queryset = queryset.filter(owner=self.request.user)
    label = self.request.query_params.get("label")
    if label:
        queryset = queryset.filter(labels__word=label)
    return queryset.order_by("-id")

The method is followed once for each kind of caller, with no query parameter sent.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from django.core.exceptions import FieldError

from strangler_django.endpoints.code.own_code import UnreadError, is_own, own_methods
from strangler_django.endpoints.code.own_expressions import SeenOfRequest, UnknownCallerError
from strangler_django.endpoints.code.read_querysets import ReadQueryset
from strangler_django.endpoints.expressions.annotated_rows import same_for_nobody
from strangler_django.endpoints.lists.own_backends import OwnBackend, own_backends
from strangler_django.endpoints.lists.own_filtersets import OwnFilterset, own_filtersets
from strangler_django.endpoints.lists.queryset_methods import QuerysetMethod, rows_of


class _Followed(Protocol):
    """What is followed for each kind of caller."""

    seen: SeenOfRequest

    def follow(self, caller: Mapping[str, bool]) -> ReadQueryset: ...


_Backends = Sequence[OwnBackend | OwnFilterset]


class _Rows:
    """The rows of a view: those of its `get_queryset`, then of filter backends; to be followed as a method is."""

    def __init__(self, view: Any, backends: _Backends) -> None:  # noqa: ANN401 - an instance of any view
        self.seen = SeenOfRequest()
        functions = tuple(own_methods(type(view), "get_queryset"))
        self._method = QuerysetMethod(view, functions, self.seen) if is_own(type(view), "get_queryset") else None
        self._view = view
        self._backends = [each.method(view, self.seen) for each in backends]

    def follow(self, caller: Mapping[str, bool]) -> ReadQueryset:
        """What callers of a kind see.

        :raises UnreadError: something isn't read.
        """
        found = self._method.follow(caller) if self._method else rows_of(self._view)
        for each in self._backends:
            found = each.narrow(found, caller)
        return found


def read_queryset(view: Any) -> ReadQueryset | None:  # noqa: ANN401 - an instance of any view
    """The rows of a view that has a `get_queryset`, filter backends or a FilterSet of its own; None of any other.

    Backends and FilterSets that aren't read are left out.
    """
    backends: list[OwnBackend | OwnFilterset] = []
    found = _read(view, backends) if is_own(type(view), "get_queryset") else None
    if found is None and is_own(type(view), "get_queryset"):
        return None
    for each in (*own_backends(view), *own_filtersets(view)):
        read = _read(view, [*backends, each])
        if read is not None:
            backends.append(each)
            found = replace(read, backends=tuple(each.name for each in backends))
    return found


def _read(view: Any, backends: _Backends) -> ReadQueryset | None:  # noqa: ANN401 - as above
    found, raw = _read_once(view, backends), view.request._request  # noqa: SLF001 - as `clone_request` of DRF's
    if found is None or raw.method != "GET" or "head" not in view.http_method_names:
        return found
    # Code may ask which of the two it is that the same handler answers.
    raw.method = "HEAD"
    try:
        other = _read_once(view, backends)
    finally:
        raw.method = "GET"
    return found if other is not None and _parts(other) == _parts(found) else None


def _parts(found: ReadQueryset) -> tuple[Any, ...]:
    return found.structure, found.owner, found.unless, found.parameters


def _read_once(view: Any, backends: _Backends) -> ReadQueryset | None:  # noqa: ANN401 - as above
    try:
        return _of_callers(_Rows(view, backends))
    except (UnreadError, UnknownCallerError, FieldError):
        return None


def read_rows(view: Any, function: Any, body: Sequence[ast.stmt]) -> ReadQueryset:  # noqa: ANN401 - as above
    """What statements of another method of a view give, as `get_queryset` would.

    :raises UnreadError: they do anything else.
    """
    try:
        return _of_callers(QuerysetMethod(view, (function,), SeenOfRequest(), body))
    except (UnknownCallerError, FieldError):
        raise UnreadError from None


def _of_callers(method: _Followed) -> ReadQueryset:
    """The queryset as ordinary callers get it, and how that of others differs."""
    unless: str | None = None
    known: dict[str, bool] = {"is_authenticated": True}
    try:
        found = method.follow(known)
    except UnknownCallerError as unknown:
        unless = str(unknown)
        found, every = method.follow({**known, unless: False}), method.follow({**known, unless: True})
        is_everybody = every.owner is None and not every.is_none
        if found.owner is None or not is_everybody or every.structure != found.structure:
            raise UnreadError from None
    if found.is_none:
        raise UnreadError
    if method.seen.asks_for_anonymous:
        nobody = method.follow({"is_authenticated": False, "is_staff": False, "is_superuser": False})
        is_same = nobody.structure[1:] == found.structure[1:] and same_for_nobody(found.queryset, nobody.queryset)
        if not nobody.is_none and (found.owner or nobody.owner or not is_same):
            raise UnreadError
        if (nobody.is_none and found.owner is None) or nobody.sought != found.sought:
            raise UnreadError
    unread = [name for name, each in found.filters.items() if not found.finds_once(each)]
    parameters = tuple(dict.fromkeys((*method.seen.parameters, *unread)))
    filters = {name: each for name, each in found.filters.items() if name not in parameters}
    return replace(found, unless=unless, parameters=parameters, filters=filters)
