"""What was never requested of a route, and what share of it was."""

from strangler.compare.case import Case
from strangler.compare.coverage import RouteCoverage, RouteRequests, coverage_of
from strangler.compare.report.model import RouteReport
from tests.generated_world import world_made

JSON = (("Content-Type", "application/json"),)


def coverage(route: str, *asked: tuple[Case, int]) -> RouteCoverage:
    requests = RouteRequests()
    for case, status in asked:
        requests.add(case, status)
    (found,) = (each for each in coverage_of(world_made().operations, {route: requests}) if each.route == route)
    return found


def get(query: str = "", *, caller: str = "", method: str = "GET", status: int = 200) -> tuple[Case, int]:
    return Case(method=method, target=f"/wares/{query}", caller=caller, route="wares.list"), status


def post(body: str, *, status: int = 201) -> tuple[Case, int]:
    return Case(method="POST", target="/wares/", headers=JSON, body=body.encode(), route="wares.create"), status


def test_of_a_route_that_nobody_asked_nothing_is_covered() -> None:
    found = coverage("wares.list")
    assert (found.asked, found.percent) == (0, 0)
    assert found.never["methods"] == ["GET", "HEAD"]
    assert found.never["callers"] == ["nobody", "a user", "another user", "a token that is refused"]
    assert found.never["statuses"] == ["success", "401", "404"]
    assert found.never["?made_after"] == ["a text", "empty"]
    assert found.never["?ordering"] == ["up", "down", "unknown", "empty"]


def test_callers_are_told_apart() -> None:
    asked = get(caller="ann"), get(caller="ann"), get(caller="ann (expired)", status=401)
    assert coverage("wares.list", *asked).never["callers"] == ["nobody", "another user"]
    assert "callers" not in coverage("wares.list", *asked, get(), get(caller="bea")).never


def test_values_of_parameters_have_classes() -> None:
    asked = get("?ordering=-name&page=2"), get("?ordering=no_such&page=x"), get("?name=Ale&cursor=1")
    never = coverage("wares.list", *asked).never
    assert never["?ordering"] == ["up", "empty"]
    assert never["?page"] == ["none or less"]
    assert never["?name"] == ["empty"]
    assert "?cursor" not in never


def test_fields_of_bodies_have_classes() -> None:
    long = "x" * 41
    never = coverage("wares.create", post('{"name": "Ale"}'), post(f'{{"name": "{long}"}}', status=400)).never
    assert never["field name"] == ["null", "another type", "left out"]
    assert "statuses" not in never or never["statuses"] == ["401"]
    assert (
        "field name"
        not in coverage(
            "wares.create",
            post('{"name": "Ale"}'),
            post(f'{{"name": "{long}"}}'),
            post('{"name": null}'),
            post('{"name": 5}'),
            post("{}"),
        ).never
    )


def test_a_whole_route_is_covered_fully_and_one_below_the_bar_proves_nothing() -> None:
    whole = RouteCoverage(route="wares.list", asked=4, known=4, never={})
    half = RouteCoverage(route="wares.list", asked=2, known=4, never={"methods": ["HEAD"]})
    report = RouteReport(
        route="wares.list",
        asked=9,
        equal=9,
        different=0,
        declared=0,
        noise=0,
        failed=0,
        left=None,
        right=None,
        ratio=None,
    )
    assert (report.covered(whole, bar=100).lacks, report.covered(half, bar=50).lacks) == ((), ())
    below = report.covered(half, bar=80)
    assert below.lacks == ("80 % of what could be requested (50 % was)",)
    assert (below.coverage, below.never) == (50, {"methods": ["HEAD"]})
