"""Addresses of rows and of lists in answers, as the client of the request knows them (DRF's hyperlinked fields).

A path is below the API's prefix, with `{}` where the row's key or slug stands: `/notes/{}/`. Where views find the
API's version in their path, it stands there as in theirs: `/{version}/notes/{}/`.
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlparse
from uuid import UUID

from sqlalchemy import func
from starlette.requests import Request
from starlette.routing import Match

from shared_schema.contract.values import python_type
from strangler_fastapi.drf.fields.fields import Field, Scope
from strangler_fastapi.drf.fields.relations import PrimaryKeyRelatedField
from strangler_fastapi.drf.http.urls import ApiPrefixes, public_base, replace_query_parameter
from strangler_fastapi.drf.http.versioning import BaseVersioning
from strangler_fastapi.drf.links import ManyToMany, OneToMany
from strangler_fastapi.drf.validators import Invalid, read_uuid

# What Django's `reverse` leaves as it is.
_SAFE: Final = "!$&'()*+,;=/~:@"
_FORMAT: Final = "format"
_NO_MATCH: Final = "Invalid hyperlink - No URL match."
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
class HyperlinkedRelatedField(PrimaryKeyRelatedField):
    """The address of the row that a foreign key points at, taken as well as answered, by the row's key.

    `model_field(Note, "place_id", into=HyperlinkedRelatedField, path="/places/{}/")` makes one; of several rows it is
    the `child` of a ManyRelatedField. An address may be one of either version of the API, whole or from its path on.
    Source: `serializers.HyperlinkedRelatedField`.
    """

    path: str

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        try:
            named = self._named(value)
        except _NoAddress as error:
            code, text, values = error.args
            raise self.refused(code, text, **values) from None
        # Of a text that is none DRF hands on what Django's column says.
        key = read_uuid(named) if python_type(self.type) is UUID else named
        try:
            return await super().convert(key, scope)
        except Invalid:
            raise self.refused("does_not_exist", "Invalid hyperlink - Object does not exist.") from None

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        return lambda value: address(self.path, value)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return str

    def _named(self, value: Any) -> str:  # noqa: ANN401 - whatever was sent
        """The key in an address."""
        if not isinstance(value, str):
            text = "Incorrect type. Expected URL string, received {data_type}."
            raise _NoAddress("incorrect_type", text, {"data_type": type(value).__name__})
        request = answered_request.get()
        path = _path_below(request, value)
        if path is None:
            raise _NoAddress("no_match", _NO_MATCH, {})
        pattern = re.escape(self.path).replace(re.escape("{}"), "([^/]+)").replace(re.escape("{version}"), "[^/]+")
        found = re.fullmatch(pattern, path)
        # Routers of DRF have no path for a key with a dot.
        if found is None or "." in found[1]:
            if found is None and _is_there(request, path):
                raise _NoAddress("incorrect_match", "Invalid hyperlink - Incorrect URL match.", {})
            raise _NoAddress("no_match", _NO_MATCH, {})
        return found[1]


class _NoAddress(Exception):
    """A text that is no address of such a row: why, by code, text and values."""


def _path_below(request: Request, text: str) -> str | None:
    """What follows the API's prefix in an address, None where it is no address of the API."""
    try:
        path = unquote(urlparse(text).path if text.startswith(("http:", "https:")) else text)
    except ValueError:
        return None
    prefixes: ApiPrefixes = request.app.state.prefixes
    for prefix in sorted({prefixes.v1, prefixes.v2, prefixes.service}, key=len, reverse=True):
        if path.startswith(begin := prefix.rstrip("/") + "/"):
            return path[len(begin) - 1 :]
    return None


def _is_there(request: Request, path: str) -> bool:
    """Whether another view has that path."""
    scope = {"type": "http", "method": "OPTIONS", "path": request.app.state.prefixes.below(path)}
    return any(route.matches(scope)[0] is not Match.NONE for route in request.app.router.routes)


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
