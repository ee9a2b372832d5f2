"""Which route a request belongs to, by the rules that nginx finds it by."""

import re
from typing import Final
from urllib.parse import unquote

from strangler.routes.route import Api, Resource, Route
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
        self._exact = {path: each for each in resources if not each.pattern for path in (each.path, each.path[:-1])}
        # As nginx tries them: the one with the longest fixed beginning first.
        patterned = sorted((each for each in resources if each.pattern), key=lambda each: -len(each.static_prefix))
        self._patterns = [(re.compile(each.pattern or ""), each) for each in patterned]
        self._fixed = tuple(entry.path for entry in table.fixed)

    def route_of(self, method: str, target: str) -> Route | None:
        """The route that answers; None where no route names the path, or this method of it."""
        resource = None if is_rewritten(target) else self._resource(unquote(path_of(target), encoding="latin-1"))
        routes = resource.routes if resource else ()
        return next((route for route in routes if method in route.served_methods), None)

    def name_of(self, method: str, target: str) -> str:
        """The route's name; empty where there is none."""
        route = self.route_of(method, target)
        return route.name if route else ""

    def is_fixed(self, target: str) -> bool:
        """Whether the path belongs to one stack for ever, as its health or its documents do, below either prefix."""
        path = path_of(target)
        return any(_is_below(api.prefix + path, fixed) for api in Api for fixed in self._fixed)

    def _resource(self, path: str) -> Resource | None:
        exact = self._exact.get(path)
        return exact or next((each for pattern, each in self._patterns if pattern.fullmatch(path)), None)


def _is_below(path: str, fixed: str) -> bool:
    return path.startswith(fixed) or path == fixed.rstrip("/") if fixed.endswith("/") else path == fixed
