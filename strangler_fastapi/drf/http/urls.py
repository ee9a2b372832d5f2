"""Addresses as the client knows them: its scheme, host and prefix, which nginx passes on."""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.types import Scope

# What Django leaves unescaped in a path and in a query (`escape_uri_path`, `iri_to_uri`).
_SAFE_IN_PATH = "/:@&+$,-_.!~*'()"
_SAFE_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"

_PREFIX = b"x-forwarded-prefix"

# The request that is answered, for what of an answer is an address.
requested: ContextVar[Scope | None] = ContextVar("requested", default=None)


@dataclass(frozen=True)
class ApiPrefixes:
    """What the paths of the API begin with, such as `/api`; `/` where it is nothing.

    `service` is what this service's own paths begin with, `v1` and `v2` what clients ask the gateway for. Without a
    gateway the service answers as `v2`. The application's are `app.state.prefixes`.
    """

    service: str
    v1: str
    v2: str

    def below(self, path: str) -> str:
        """The service's path whose end is `path`."""
        return self.service.rstrip("/") + path


def header(scope: Scope, name: bytes) -> str | None:
    """A request's header, without Starlette's mapping, which costs more than the look."""
    for each, value in scope["headers"]:
        if each == name:
            text: str = value.decode("latin-1")
            return text
    return None


def asks_for_v1(scope: Scope) -> bool:
    """Whether the client requested the API's first version."""
    prefixes: ApiPrefixes = scope["app"].state.prefixes
    return header(scope, _PREFIX) == prefixes.v1 != prefixes.v2


def public_path(scope: Scope) -> str:
    """The escaped path that the client requested."""
    path: str = scope["path"]
    prefixes: ApiPrefixes = scope["app"].state.prefixes
    prefix = header(scope, _PREFIX)
    if prefix in (prefixes.v1, prefixes.v2) and path.startswith(prefixes.below("/")):
        path = prefix.rstrip("/") + path.removeprefix(prefixes.service.rstrip("/"))
    return _escaped(path)


@lru_cache(maxsize=256)
def _escaped(path: str) -> str:
    return quote(path, safe=_SAFE_IN_PATH)


def public_base(request: Request) -> str:
    """The address that the paths of the API follow, as the client of the request knows it: up to the prefix."""
    prefixes: ApiPrefixes = request.app.state.prefixes
    asked = header(request.scope, _PREFIX)
    prefix = asked if asked in (prefixes.v1, prefixes.v2) else prefixes.service
    return f"{_origin(request.scope)}{prefix.rstrip('/')}"


def with_query(scope: Scope, path: str) -> str:
    """`path` with the request's query."""
    query = quote(scope["query_string"], safe=_SAFE_IN_QUERY)
    return f"{path}?{query}" if query else path


def request_scheme(scope: Scope) -> str:
    """`https` or `http`, as the client's request came in."""
    given = header(scope, b"x-forwarded-proto")
    own: str = scope["scheme"]
    return own if given is None else given


def _origin(scope: Scope) -> str:
    host = header(scope, b"host") or ""
    return f"{request_scheme(scope)}://{host}"


def public_url(request: Request) -> str:
    """The absolute address that the client requested."""
    scope = request.scope
    return f"{_origin(scope)}{with_query(scope, public_path(scope))}"


def absolute_url(url: str) -> str:
    """An address of this host as the client of the request that is answered knows it (`build_absolute_uri`).

    One of another host stays as it is, and each where no request is answered.
    """
    scope = requested.get()
    if scope is None or urlsplit(url).scheme:
        return url
    return urljoin(f"{_origin(scope)}{public_path(scope)}", url)


@lru_cache(maxsize=256)
def replace_query_parameter(url: str, name: str, value: str | None) -> str:
    """`url` with one parameter set, or without it; the parameters come out sorted (`rest_framework.utils.urls`)."""
    scheme, netloc, path, query, fragment = urlsplit(url)
    parameters = parse_qs(query, keep_blank_values=True)
    if value is None:
        parameters.pop(name, None)
    else:
        parameters[name] = [value]
    return urlunsplit((scheme, netloc, path, urlencode(sorted(parameters.items()), doseq=True), fragment))
