"""A view answers HEAD and OPTIONS unless Django's leaves them out of `http_method_names`."""

import pytest
from fastapi.routing import APIRoute
from starlette.responses import Response

from strangler_fastapi.drf.permissions import AllowAny
from strangler_fastapi.drf.urls import ApiPrefixes
from strangler_fastapi.drf.view import View, feature_router


@pytest.mark.parametrize(
    ("without", "allow"), [((), "GET, HEAD, OPTIONS"), (("HEAD", "OPTIONS"), "GET"), (("HEAD",), "GET, OPTIONS")]
)
def test_what_is_left_out_is_not_allowed(without: tuple[str, ...], allow: str) -> None:
    router = feature_router(ApiPrefixes("/api/v2", "/api", "/api/v2"), "boats")
    view = View(router, "/boats/", name="Boats", methods=("GET",), without=without, permission=AllowAny)

    @view.get()
    async def boats_list() -> Response:
        return Response()

    assert view.allow == allow
    own = [each for each in router.routes if isinstance(each, APIRoute) and each.endpoint is boats_list]
    assert ["HEAD" in each.methods for each in own].count(True) == ("HEAD" in allow)
