"""Finds the route of a request by the rules that nginx finds it by."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from strangler.routes.route import Api, Route, RouteResource
from strangler.routes.table import RouteTable

# nginx finds the route of such a path by another than the one that was sent.
_REWRITTEN: Final = re.compile(r"//|/\.|%2[ef]|\\|%5c", re.IGNORECASE)


def path_of(target: str) -> str:
    """The path of a target, without its query."""
    return target.partition("?")[0]


def is_rewritten(target: str) -> bool:
    """Whether nginx would look for another path than this one: with dots resolved, or slashes merged."""
    return _REWRITTEN.search(path_of(target)) is not None


class Router:
    """Finds the routes of targets, which are paths below an API's prefix."""

    def __init__(self, table: RouteTable) -> None:
        resources = table.resources
        plain = [each for each in resources if not each.pattern]
        self._exact = {path: _by_method(each) for each in plain for path in (each.path, each.path[:-1])}
        # As nginx tries them: the one with the longest fixed beginning first.
        patterned = sorted((each for each in resources if each.pattern), key=lambda each: -len(each.static_prefix))
        self._patterns = [(re.compile(each.pattern or ""), _by_method(each)) for each in patterned]
        below = [(entry.path, f"{table.prefixes.of(api)}/") for api in Api for entry in table.fixed]
        fixed = {path[len(prefix) - 1 :] for path, prefix in below if path.startswith(prefix)}
        self._fixed = {path.rstrip("/") for path in fixed}
        self._fixed_folders = tuple(path for path in fixed if path.endswith("/"))

    def route_of(self, method: str, target: str) -> Route | None:
        """The route that answers; None where no route names the path, or this method of it."""
        if is_rewritten(target):
            return None
        return self._routes(target).get(method)

    def is_known_path(self, target: str) -> bool:
        """Whether a route has the path, of whatever method."""
        return not is_rewritten(target) and bool(self._routes(target))

    def name_of(self, method: str, target: str) -> str:
        """The route's name; empty where there is none."""
        route = self.route_of(method, target)
        return route.name if route else ""

    def is_fixed(self, target: str) -> bool:
        """Whether the path belongs to one stack for ever, as its health or its documents do, below either prefix."""
        path = path_of(target)
        return path in self._fixed or path.startswith(self._fixed_folders)

    def _routes(self, target: str) -> Mapping[str, Route]:
        path = path_of(target)
        path = unquote(path, encoding="latin-1") if "%" in path else path
        exact = self._exact.get(path)
        return exact or next((each for pattern, each in self._patterns if pattern.fullmatch(path)), {})


def _by_method(resource: RouteResource) -> Mapping[str, Route]:
    return {method: route for route in resource.routes for method in route.served_methods}
