"""Every path of the URL resolver, as a template with its parameters."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import LocalePrefixPattern, RoutePattern

from strangler_django.endpoints.code.own_code import method_of, only_statement
from strangler_django.python_source import class_name

_PARAMETER: Final = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_GROUP: Final = re.compile(r"\(\?P<(\w+)>")
# A regular expression's optional slash, which DRF's routers write where a project wants both.
_OPTIONAL_SLASH: Final = re.compile(r"/\?(?:\$|\\Z|\\z)?$")


@dataclass(frozen=True, kw_only=True)
class PathParameter:
    """A variable part of a path. `pattern` is the regular expression of its values, `kind` Django's name for it.

    `kind` is int, str, slug, uuid, path or a converter's own name; for a group of a regular expression it is "regex".
    `converter` is a class of the project's own that makes another value of what a path has than its text or its number.
    """

    name: str
    kind: str
    pattern: str
    converter: str | None = None


@dataclass(frozen=True, kw_only=True)
class ResolvedPath:
    """A path with its view.

    `path` has `{name}` for each parameter and begins with `/`. `namespace` are the URL's, with colons between them;
    `name` is its name with these, None without one. `optional_slash`: the path is answered with and without the slash
    at its end.
    """

    path: str
    parameters: tuple[PathParameter, ...]
    view: Any
    namespace: str
    name: str | None
    optional_slash: bool


def resolved_paths(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[ResolvedPath]:
    """Every path below these patterns, in the order in which they are tried."""
    return _walk(patterns, path="", parameters=(), namespaces=())


def _walk(
    patterns: Iterable[URLPattern | URLResolver],
    *,
    path: str,
    parameters: tuple[PathParameter, ...],
    namespaces: tuple[str, ...],
) -> Iterator[ResolvedPath]:
    for entry in patterns:
        below, found = _template(entry.pattern)
        whole, all_found = path + below, (*parameters, *found)
        if isinstance(entry, URLResolver):
            names = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from _walk(entry.url_patterns, path=whole, parameters=all_found, namespaces=names)
        else:
            yield ResolvedPath(
                path=f"/{whole}" if not whole.startswith("/") else whole,
                parameters=all_found,
                view=entry.callback,
                namespace=":".join(namespaces),
                name=":".join((*namespaces, entry.name)) if entry.name else None,
                optional_slash=bool(_OPTIONAL_SLASH.search(str(getattr(entry.pattern, "_regex", "")))),
            )


def _template(pattern: Any) -> tuple[str, list[PathParameter]]:  # noqa: ANN401 - the three kinds have no type in common
    """A pattern's part of the path, and its parameters."""
    if isinstance(pattern, LocalePrefixPattern):
        return pattern.language_prefix, []
    if isinstance(pattern, RoutePattern):
        route = str(pattern._route)  # noqa: SLF001 - `str(pattern)` is translated text of it
        found = [
            PathParameter(
                name=name, kind=_kind(converter), pattern=converter.regex, converter=_own_values(type(converter))
            )
            for name, converter in pattern.converters.items()
        ]
        return _PARAMETER.sub(r"{\1}", route), found
    regex = str(pattern._regex)  # noqa: SLF001 - as above
    found = [PathParameter(name=name, kind="regex", pattern=text) for name, text in _groups(regex)]
    # An included pattern has no slash of its own at its beginning, and none at its end that it doesn't name.
    return _PARAMETER.sub(r"{\1}", simplify_regex(regex)).removeprefix("/"), found


def _kind(converter: object) -> str:
    name = type(converter).__name__.removesuffix("Converter").lower()
    return {"string": "str"}.get(name, name)


def _own_values(cls: type) -> str | None:
    found = inspect.getattr_static(cls, "to_python", None)
    if str(getattr(found, "__module__", "")).startswith("django."):
        return None
    match only_statement(method_of(found)):
        case ast.Return(value=ast.Name(id="value")):
            return None
        case ast.Return(value=ast.Call(func=ast.Name(id="int"), args=[ast.Name(id="value")], keywords=[])):
            return None
    return class_name(cls)


def _groups(regex: str) -> Iterator[tuple[str, str]]:
    """The named groups of a regular expression, each with the expression inside."""
    for match in _GROUP.finditer(regex):
        depth, end = 1, match.end()
        while end < len(regex) and depth:
            if regex[end] == "\\":
                end += 1
            elif regex[end] in "()":
                depth += 1 if regex[end] == "(" else -1
            end += 1
        yield match[1], regex[match.end() : end - 1]
