"""Addresses of rows and of lists in answers, as the client of the request knows them (DRF's hyperlinked fields).

A path is below the API's prefix, with `{}` where the row's key or slug stands: `/notes/{}/`. Where views find the
API's version in their path, it stands there as in theirs: `/{version}/notes/{}/`.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import func
from starlette.requests import Request

from strangler_fastapi.drf.fields import Field
from strangler_fastapi.drf.links import ManyToMany, OneToMany
from strangler_fastapi.drf.urls import public_base, replace_query_parameter
from strangler_fastapi.drf.versioning import BaseVersioning

# What Django's `reverse` leaves as it is.
_SAFE: Final = "!$&'()*+,;=/~:@"
_FORMAT: Final = "format"
# The request that is answered: rows are made answers of far from it.
answered_request: ContextVar[Request] = ContextVar("answered_request")


def address(path: str, value: object) -> str:
    """The address of the row whose key or slug is `value`, for the request that is answered."""
    return _complete(answered_request.get(), path, quote(str(value), safe=_SAFE))


def addresses(request: Request, paths: Mapping[str, str]) -> dict[str, str]:
    """The addresses of paths, by name (`routers.APIRootView`)."""
    return {name: _complete(request, path) for name, path in paths.items()}


def _complete(request: Request, path: str, *values: str) -> str:
    """A path as an address of the request's version; a `format` that it asks for goes on (`rest_framework.reverse`)."""
    view = request.scope.get("view")
    versioning: BaseVersioning | None = view and view.versioning
    if versioning is None:
        url = public_base(request) + path.format(*values)
    else:
        version = {versioning.parameter: quote(str(request.state.version), safe=_SAFE)}
        url = versioning.link(request, public_base(request) + path.format(*values, **version))
    wanted = request.query_params.get(_FORMAT)
    return url if wanted is None else replace_query_parameter(url, _FORMAT, wanted)


@dataclass(frozen=True, kw_only=True)
class HyperlinkedField(Field):
    """The address of the row itself, or of the one that a foreign key points at, read-only; null where that is null.

    `source` is the attribute that holds the key or the slug (`serializers.HyperlinkedIdentityField`,
    `serializers.HyperlinkedRelatedField`).
    """

    path: str
    read_only: bool = True

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        return lambda value: address(self.path, value)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return str


@dataclass(frozen=True, kw_only=True)
class HyperlinksField(Field):
    """The addresses of rows that are linked to this one, or point at it, by their keys, read-only."""

    path: str
    link: ManyToMany | OneToMany
    read_only: bool = True

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The keys, of the row of `owner`."""
        return func.array(self.link.keys(owner).scalar_subquery())

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        return lambda keys: [address(self.path, key) for key in keys]

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return list[str]
