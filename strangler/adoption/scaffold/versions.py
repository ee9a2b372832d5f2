"""Which version of the API a view's requests mean, as code: DRF's versioning classes under their own names."""

from collections.abc import Iterator
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.code import Code, call, quoted, texts
from strangler.adoption.scaffold.modules import Module

_MODULE: Final = "strangler_fastapi.drf.http.versioning"
_CLASSES: Final = {
    "accept": "AcceptHeaderVersioning",
    "host": "HostNameVersioning",
    "namespace": "NamespaceVersioning",
    "query": "QueryParameterVersioning",
    "url": "URLPathVersioning",
}
_NAMED: Final = ("accept", "query", "url")
_HOST_PATTERN: Final = r"^([a-zA-Z0-9]+)\.[a-zA-Z0-9]+\.[a-zA-Z0-9]+$"


def version_gaps(endpoint: DjangoEndpoint) -> Iterator[str]:
    """Why the version of a request can't be found."""
    facts = endpoint.versions
    if endpoint.versioning and (facts is None or facts.overridden or facts.kind not in _CLASSES):
        yield f"versioning {endpoint.versioning}"


def versioning_of_view(endpoint: DjangoEndpoint, module: Module) -> Code | None:
    """The argument of a view; None where it has no versions, or where they are a gap of each method."""
    facts = endpoint.versions
    if facts is None or any(version_gaps(endpoint)):
        return None
    module.use(_MODULE, _CLASSES[facts.kind])
    is_usual = facts.pattern in (None, _HOST_PATTERN)
    return call(
        _CLASSES[facts.kind],
        *([quoted(facts.namespace)] if facts.kind == "namespace" else []),
        default=None if facts.default is None else quoted(facts.default),
        allowed=texts(facts.allowed) if facts.allowed else None,
        parameter=quoted(facts.parameter) if facts.kind in _NAMED and facts.parameter != "version" else None,
        pattern=None if is_usual else quoted(facts.pattern),
    )
