"""The list of differences that are meant is itself looked after."""

import datetime as dt

import pytest

from strangler.compare.declared import DeclaredDifference, declared_differences
from tests.example import DECLARED_FILE, ROOT, load_routes


@pytest.mark.parametrize("entry", declared_differences(DECLARED_FILE), ids=str)
def test_a_declared_difference_is_explained_and_fresh(entry: DeclaredDifference) -> None:
    names = {route.name for route in load_routes(ROOT / "nginx" / "routes.toml").routes}
    assert entry.route in names
    assert entry.expires > dt.datetime.now(dt.UTC).date(), "it has expired: fix the difference, or declare it anew"
    assert entry.reason.endswith(".")
    assert entry.owner
    assert (entry.v1, entry.v2) != (200, 200)
    assert entry.v2 is None or entry.v2 < 500
