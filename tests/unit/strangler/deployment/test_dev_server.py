"""Which routes a change of FastAPI's code touches."""

from pathlib import Path

import pytest

from strangler.deployment.dev_server import routes_touched
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
ALL = {route.name for route in TABLE.routes}


def of(*features: str) -> set[str]:
    return {name for name in ALL if name.partition(".")[0] in features}


@pytest.mark.parametrize(
    ("files", "touched"),
    [
        (["fastapi_app/posts/queries.py"], of("posts")),
        (["fastapi_app/posts/queries.py", "fastapi_app/tags/router.py"], of("posts", "tags")),
        (["routers/users.py"], of("users")),
        (["fastapi_app/models.py"], ALL),
        (["fastapi_app/posts/queries.py", "fastapi_app/models.py"], ALL),
        (["/elsewhere/posts/queries.py"], ALL),
    ],
)
def test_a_file_touches_its_feature_and_one_of_none_touches_all(files: list[str], touched: set[str]) -> None:
    assert routes_touched([ROOT / Path(file) for file in files], TABLE, root=ROOT) == touched
