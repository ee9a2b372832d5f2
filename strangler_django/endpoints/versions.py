"""Which version of the API a view's requests mean."""

from types import SimpleNamespace
from typing import Any, Final

from rest_framework import versioning
from rest_framework.exceptions import APIException

from strangler_django.endpoints.code.own_code import is_own

_KINDS: Final = {
    "accept": versioning.AcceptHeaderVersioning,
    "url": versioning.URLPathVersioning,
    "namespace": versioning.NamespaceVersioning,
    "host": versioning.HostNameVersioning,
    "query": versioning.QueryParameterVersioning,
}
# Two of each notation, since one alone may stand elsewhere in a path too.
_SAMPLES: Final = (("v1", "v2"), ("1.0", "2.0"), ("1", "2"))
# What a project overrides in its versioning.
_HOOKS: Final = ("determine_version", "reverse", "is_allowed_version", "get_versioned_viewname")


def version_facts(made: Any, namespace: str) -> dict[str, Any] | None:  # noqa: ANN401 - any view, with a request
    """The versions of a view; None where it has none. Its request means one of them from now on."""
    if made.versioning_class is None:
        return None
    scheme = made.versioning_class()
    kind = next((name for name, base in _KINDS.items() if isinstance(scheme, base)), "custom")
    made.request.versioning_scheme = scheme
    made.request.version = _sample(scheme, kind, namespace)
    return {
        "kind": kind,
        "default": scheme.default_version,
        "allowed": list(scheme.allowed_versions or ()),
        "parameter": scheme.version_param,
        "namespace": namespace,
        "pattern": scheme.hostname_regex.pattern if kind == "host" else None,
        "overridden": [name for name in _HOOKS if is_own(type(scheme), name)],
    }


def sample_versions(scheme: Any) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401 - any versioning
    """The versions that there are; where any is allowed, some that there may be, in each notation."""
    if not scheme.allowed_versions:
        return _SAMPLES
    known = [scheme.default_version, *scheme.allowed_versions]
    return (tuple(dict.fromkeys(str(version) for version in known if version is not None)),)


def _sample(scheme: Any, kind: str, namespace: str) -> str | None:  # noqa: ANN401 - as above
    """The version of the path, where a namespace says it, else one that there is."""
    if kind != "namespace":
        return scheme.default_version or sample_versions(scheme)[0][0]
    try:
        version: str | None = scheme.determine_version(
            SimpleNamespace(resolver_match=SimpleNamespace(namespace=namespace))
        )
    except APIException:
        return None
    return version
