"""Addresses as the client knows them: its scheme, host and prefix, which nginx passes on."""

from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

PREFIX = "/api/v2"
_PUBLIC_PREFIXES = ("/api", "/api/v2")
# What Django leaves unescaped in a path and in a query (`escape_uri_path`, `iri_to_uri`).
_SAFE_IN_PATH = "/:@&+$,-_.!~*'()"
_SAFE_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"


def public_path(scope: Scope) -> str:
    """The escaped path that the client asked for."""
    path: str = scope["path"]
    prefix = Headers(scope=scope).get("x-forwarded-prefix")
    if prefix in _PUBLIC_PREFIXES and path.startswith(f"{PREFIX}/"):
        path = prefix + path.removeprefix(PREFIX)
    return quote(path, safe=_SAFE_IN_PATH)


def with_query(scope: Scope, path: str) -> str:
    """`path` with the request's query."""
    query = quote(scope["query_string"], safe=_SAFE_IN_QUERY)
    return f"{path}?{query}" if query else path


def public_url(request: Request) -> str:
    """The absolute address that the client asked for."""
    scheme = request.headers.get("x-forwarded-proto", request.scope["scheme"])
    host = request.headers.get("host", "")
    return f"{scheme}://{host}{with_query(request.scope, public_path(request.scope))}"


def replace_query_parameter(url: str, name: str, value: str | None) -> str:
    """`url` with one parameter set, or without it; the parameters come out sorted (`rest_framework.utils.urls`)."""
    scheme, netloc, path, query, fragment = urlsplit(url)
    parameters = parse_qs(query, keep_blank_values=True)
    if value is None:
        parameters.pop(name, None)
    else:
        parameters[name] = [value]
    return urlunsplit((scheme, netloc, path, urlencode(sorted(parameters.items()), doseq=True), fragment))
