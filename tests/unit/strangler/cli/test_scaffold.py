"""What `strangler scaffold` says of gaps: one that most endpoints have, once."""

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.cli.scaffold import common_gaps
from strangler.routes.route import Route, Stage


def test_a_gap_of_most_endpoints_is_said_once() -> None:
    gaps = [["throttle"], ["throttle", "throttle"], ["throttle", "own"], ["throttle"], ["own"]]
    made = [endpoint(each) for each in gaps]
    assert common_gaps(made) == {"throttle": 4}
    assert common_gaps(made[:3]) == {}


def endpoint(gaps: list[str]) -> WrittenEndpoint:
    django = DjangoEndpoint(path="/api/boats/", method="GET", kind="viewset", view="harbour.api.Boats")
    route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
    return WrittenEndpoint(django, route, gaps=gaps)
