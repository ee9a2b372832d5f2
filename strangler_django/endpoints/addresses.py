"""Paths that answers lead to, by the names of URLs."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from rest_framework.routers import APIRootView
from rest_framework.versioning import NamespaceVersioning, URLPathVersioning

from strangler_django.endpoints.versions import sample_versions

# Values that no path has by itself, of each kind that a pattern may want.
_SAMPLES: Final = (UUID("9f0c51c2-2f6b-4f4c-8d53-0a7d1c6e4b18"), 918273645, "zqxjkvbpyg")


def row_address(view_name: str | None, parameter: str, request: Any = None) -> str | None:  # noqa: ANN401 - DRF's, or none
    """The path of the row that a URL of that name leads to, with `{}` in place of its parameter.

    Where the version that the request means is a part of the path, it is that version's; where it is a parameter of
    the path, that stands there as `{version}`. None where the name leads nowhere, or the path has other parameters too.
    """
    for sample in _SAMPLES:
        for name, versions in _versioned(str(view_name), request):
            try:
                paths = [reverse(name, kwargs={parameter: sample, **version}) for version in versions]
            except NoReverseMatch:
                continue
            path = paths[0] if versions == [{}] else _with_version(paths, versions)
            return path.replace(str(sample), "{}") if path and path.count(str(sample)) == 1 else None
    return None


def _versioned(view_name: str, request: Any) -> Iterator[tuple[str, list[dict[str, str]]]]:  # noqa: ANN401 - as above
    """The names that DRF looks for in turn, and what it adds to their parameters, for some versions."""
    scheme, version = getattr(request, "versioning_scheme", None), getattr(request, "version", None)
    if isinstance(scheme, NamespaceVersioning) and version is not None:
        yield f"{version}:{view_name}", [{}]
    if isinstance(scheme, URLPathVersioning):
        for samples in sample_versions(scheme):
            yield view_name, [{scheme.version_param: each} for each in samples]
    yield view_name, [{}]


def _with_version(paths: list[str], versions: list[dict[str, str]]) -> str | None:
    """The path in which the version stands in one segment, with its parameter there; None where it is in several."""
    ((parameter, _),) = versions[0].items()
    pieces = [path.split("/") for path in paths]
    places = {
        index
        for index in range(len(pieces[0]))
        if all(each[index : index + 1] == [version[parameter]] for each, version in zip(pieces, versions, strict=True))
    }
    if len(places) != 1:
        return None
    (place,) = places
    return "/".join([*pieces[0][:place], f"{{{parameter}}}", *pieces[0][place + 1 :]])


def root_addresses(view: Any, name: str | None) -> list[tuple[str, str]] | None:  # noqa: ANN401 - any callable
    """The names and paths that the root view of a router lists, in its order; None of any other view."""
    if getattr(view, "cls", None) is not APIRootView:
        return None
    namespace = f"{name.rpartition(':')[0]}:" if name and ":" in name else ""
    found: list[tuple[str, str]] = []
    for key, url_name in (view.initkwargs.get("api_root_dict") or {}).items():
        try:
            found.append((str(key), reverse(namespace + url_name)))
        except NoReverseMatch:
            continue  # the view leaves it out too
    return found
