"""What lists of endpoints say once, since most of them have it."""

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.cli.output import shared_by_most
from strangler.routes.route import Route, Stage


def test_a_gap_of_most_endpoints_is_said_once() -> None:
    gaps = [["throttle"], ["throttle", "throttle"], ["throttle", "own"], ["throttle"], ["own"]]
    made = [endpoint(each).all_gaps for each in gaps]
    assert shared_by_most(made) == {"throttle": 4}
    assert shared_by_most(made[:3]) == {}


def endpoint(gaps: list[str]) -> WrittenEndpoint:
    django = DjangoEndpoint(path="/api/boats/", method="GET", kind="viewset", view="harbour.api.Boats")
    route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
    return WrittenEndpoint(django, route, gaps=gaps)
