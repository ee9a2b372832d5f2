"""Which version of the API a request means: DRF's versioning classes under their own names.

    View(…, versioning=AcceptHeaderVersioning(default="1.0", allowed=("1.0", "1.1")))

The endpoint finds it in `request.state.version`; links lead to the same version. Source: `rest_framework.versioning`.
"""

import re
from typing import Final

from starlette.requests import Request

from strangler_fastapi.drf.http.negotiation import accepted_parameters
from strangler_fastapi.drf.http.urls import replace_query_parameter
from strangler_fastapi.errors import ApiError, NotAcceptable, NotFound

_HOSTNAME: Final = r"^([a-zA-Z0-9]+)\.[a-zA-Z0-9]+\.[a-zA-Z0-9]+$"


class BaseVersioning:
    """How a version is found; a project's own has `determine_version`.

    Args:
        default: the version of a request that names none (DEFAULT_VERSION).
        allowed: the others that there are, any where none is given (ALLOWED_VERSIONS).
        parameter: what names it in the path, the query string or `Accept` (VERSION_PARAM).
    """

    def __init__(
        self, *, default: str | None = None, allowed: tuple[str, ...] = (), parameter: str = "version"
    ) -> None:
        self.default = default
        self.allowed = allowed
        self.parameter = parameter

    def determine_version(self, request: Request) -> str | None:
        """The version of a request, which `link` may look at later.

        Raises:
            NotFound: there is no such version.
            NotAcceptable: the same, of one in `Accept`.
        """
        raise NotImplementedError

    def is_allowed(self, version: str | None) -> bool:
        """Whether there is such a version."""
        return not self.allowed or (version is not None and version == self.default) or version in self.allowed

    def require_allowed(self, version: str | None, refusal: ApiError) -> str | None:
        """The version; raises `refusal` where there is no such version."""
        if not self.is_allowed(version):
            raise refusal
        return version

    def link(self, request: Request, url: str) -> str:  # noqa: ARG002 - for those whose links name the version
        """The address `url` of this API, for the version of the request."""
        return url


class AcceptHeaderVersioning(BaseVersioning):
    """`Accept: application/json; version=1.0`."""

    def determine_version(self, request: Request) -> str | None:
        """See BaseVersioning."""
        version = accepted_parameters(request).get(self.parameter, self.default)
        return self.require_allowed(version, NotAcceptable('Invalid version in "Accept" header.'))


class URLPathVersioning(BaseVersioning):
    """A parameter of the view's path: `/{version}/notes/`, which the paths of links have too."""

    def determine_version(self, request: Request) -> str | None:
        """See BaseVersioning."""
        version = request.path_params.get(self.parameter, self.default)
        return self.require_allowed(version, NotFound("Invalid version in URL path."))


class NamespaceVersioning(BaseVersioning):
    """The `namespace` in which Django includes the view's path, such as `v1`: the path names it as it is."""

    def __init__(self, namespace: str, *, default: str | None = None, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(default=default, allowed=allowed)
        self._found = [name for name in namespace.split(":") if self.is_allowed(name)] if namespace else [default]

    def determine_version(self, request: Request) -> str | None:  # noqa: ARG002 - by its path the view was found
        """See BaseVersioning."""
        if not self._found:
            raise NotFound("Invalid version in URL path. Does not match any version namespace.")
        return self._found[0]


class HostNameVersioning(BaseVersioning):
    """The first part of the host's name: `v1.example.com`; `pattern` finds it (`hostname_regex`)."""

    def __init__(self, *, default: str | None = None, allowed: tuple[str, ...] = (), pattern: str = _HOSTNAME) -> None:
        super().__init__(default=default, allowed=allowed)
        self._pattern = re.compile(pattern)

    def determine_version(self, request: Request) -> str | None:
        """See BaseVersioning."""
        found = self._pattern.match(request.headers.get("host", "").partition(":")[0])
        if found is None:
            return self.default
        return self.require_allowed(found[1], NotFound("Invalid version in hostname."))


class QueryParameterVersioning(BaseVersioning):
    """`?version=1.0`, which links have too."""

    def determine_version(self, request: Request) -> str | None:
        """See BaseVersioning."""
        values = request.query_params.getlist(self.parameter)
        version = values[-1] if values else self.default
        return self.require_allowed(version, NotFound("Invalid version in query parameter."))

    def link(self, request: Request, url: str) -> str:
        """See BaseVersioning."""
        version = request.state.version
        return url if version is None else replace_query_parameter(url, self.parameter, version)
