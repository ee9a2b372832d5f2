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

from dataclasses import replace
from typing import Any

from django.core.exceptions import FieldError

from strangler_django.endpoints.own_code import UnreadError, is_own, own_methods
from strangler_django.endpoints.own_expressions import SeenOfRequest, UnknownCallerError
from strangler_django.endpoints.queryset_methods import QuerysetMethod
from strangler_django.endpoints.read_querysets import ReadQueryset


def read_queryset(view: Any) -> ReadQueryset | None:  # noqa: ANN401 - an instance of any view
    """The queryset of a view that has a `get_queryset` of its own; None where that does anything else."""
    cls = type(view)
    if not is_own(cls, "get_queryset"):
        return None
    try:
        return _of_callers(QuerysetMethod(view, tuple(own_methods(cls, "get_queryset")), SeenOfRequest()))
    except (UnreadError, UnknownCallerError, FieldError):
        return None


def _of_callers(method: "QuerysetMethod") -> ReadQueryset:
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
        if not nobody.is_none and (found.owner or nobody.owner or nobody.structure != found.structure):
            raise UnreadError
        if nobody.is_none and found.owner is None:
            raise UnreadError
    unread = [name for name, each in found.filters.items() if not found.finds_once(each)]
    parameters = tuple(dict.fromkeys((*method.seen.parameters, *unread)))
    filters = {name: each for name, each in found.filters.items() if name not in parameters}
    return replace(found, unless=unless, parameters=parameters, filters=filters)
