"""Search for `posts.recent`, and the route, Django's view and FastAPI's endpoint are found."""

import re

import pytest
from django.urls import resolve
from pydantic import SecretStr

from fastapi_app.config import Settings
from fastapi_app.main import create_app
from strangler.routes.route import Route
from strangler_fastapi.drf.views.view_routes import ViewRoute
from tests.example import ROOT, load_routes

SETTINGS = Settings(fastapi_database_url="postgresql://nobody@127.0.0.1:1/nowhere", jwt_signing_key=SecretStr("k" * 40))
ENDPOINTS = [route for route in create_app(SETTINGS).routes if isinstance(route, ViewRoute)]
ROUTES = [*load_routes(ROOT / "nginx" / "routes.toml").routes]
# What DRF calls an action that a route calls otherwise, and the names that its router gives to the two common paths.
ACTIONS = {"delete": {"destroy"}, "update": {"update", "partial_update"}}
PATHS = {"list": "list", "create": "list", "retrieve": "detail", "update": "detail", "delete": "detail"}
ONLY_FASTAPI = {"events.stream"}

each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


def test_there_are_routes() -> None:
    assert len(ROUTES) >= 28


@each_route
def test_fastapis_endpoint_is_called_as_the_route(route: Route) -> None:
    path = re.sub(r"\{\w+\}", "{pk}", f"/api/v2{route.path}")
    names = {
        method: endpoint.endpoint.__name__
        for endpoint in ENDPOINTS
        if endpoint.path == path and endpoint.endpoint.__name__ != "_answer_others"
        for method in endpoint.methods or ()
    }
    assert {names[method] for method in route.methods} == {route.name.replace(".", "_")}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.name not in ONLY_FASTAPI], ids=lambda r: r.name)
def test_djangos_view_is_called_as_the_route(route: Route) -> None:
    """By its URL's name, and in a view set by the method too: `posts-recent`, `PostViewSet.recent`."""
    group, _, operation = route.name.partition(".")
    match = resolve(re.sub(r"\{\w+\}", "1", f"/api{route.path}"))
    actions: dict[str, str] | None = getattr(match.func, "actions", None)
    if actions is None:
        assert match.url_name == f"{group}-{operation}"
        return
    taken = {actions[method.lower()] for method in route.methods}
    assert taken == ACTIONS.get(operation, {operation})
    path = PATHS.get(operation, operation.removesuffix("_update"))
    assert match.url_name == f"{group}-{path}"
