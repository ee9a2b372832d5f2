"""The tables of many routes: as long as they say, with a request for each read."""

import pytest

from strangler.routes.checks import clashes
from strangler.routes.route import Stage
from tests.bench.route_tables import requests_of, table_of
from tests.example import PREFIXES


@pytest.mark.parametrize("prefix", ["", "/orgs/{id}"])
@pytest.mark.parametrize("count", [20, 1000])
def test_a_table_has_so_many_routes_at_every_stage_on_the_way(count: int, prefix: str) -> None:
    table = table_of(count, prefix=prefix)
    assert len(table.routes) == count
    assert {route.stage for route in table.routes} == set(Stage) - {Stage.RETIRED}
    assert list(clashes(table.routes, (), PREFIXES)) == []


def test_every_read_is_asked_below_both_prefixes() -> None:
    paths = [request.path for request in requests_of(table_of(10))]
    assert len(paths) == len(set(paths)) == 12
    assert paths[0] == "/api/collection-0/"
    assert paths[-1] == "/api/v2/collection-1/12345/items/a-part/"
