"""What `make bench-growth` sends, what it says, and when it says that v2 is slower."""

import itertools
from typing import Any

from strangler.routes.route import Route
from tests.bench.growth import growth_lines, slower_steps
from tests.bench.growth_cases import chains, reads
from tests.bench.growth_measuring import Times
from tests.bench.growth_rows import GrowthRows
from tests.databases import OwnDatabase
from tests.example import EXAMPLE, load_routes

ROWS = GrowthRows(database=OwnDatabase(name="none", admin_dsn=""), posts=10_000, jwt_signing_key="")
# What a chain is answered, whatever it asks.
ANSWER = {"id": 7, "access": "a", "refresh": "r", "results": [{"id": 7, "created_at": "2024-01-01T00:00:00Z"}]}


def steps() -> list[Any]:
    found = reads(ROWS, lambda _path, _user: ANSWER)
    for chain in chains(ROWS):
        running = chain()
        found.append(next(running))
        try:
            while True:
                found.append(running.send(ANSWER))
        except StopIteration:
            continue
    return found


def routes() -> dict[str, Route]:
    return {route.name: route for route in load_routes(EXAMPLE.routes).routes if not route.v2_only}


def test_every_route_that_django_has_is_measured() -> None:
    assert {step.route for step in steps()} == set(routes())


def test_each_step_is_a_request_of_its_route() -> None:
    known = routes()
    for step in steps():
        route = known[step.route]
        assert step.method in route.methods
        pairs = itertools.zip_longest(step.path.partition("?")[0].split("/"), route.path.split("/"))
        assert all(given == named or named == "{id}" for given, named in pairs), step


def test_no_two_steps_bear_a_name() -> None:
    names = [step.name for step in steps()]
    assert len(names) == len(set(names))


def test_a_step_is_slower_by_the_median_of_its_rounds_and_beyond_noise() -> None:
    growth = {
        "faster": {10_000: Times([(10, 1)])},
        "noise": {10_000: Times([(10, 10.5), (10, 20), (10, 9)])},
        "slower": {10_000: Times([(10, 1)]), 100_000: Times([(10, 12), (10, 12), (100, 1)])},
    }
    assert slower_steps(growth) == ["slower, 100,000 posts: v2 took 12.0 ms, more than 1.1 times the 10.0 ms of v1."]


def test_the_table_has_each_size_and_the_least_ratio() -> None:
    growth = {"feed": {10_000: Times([(10, 2), (11, 2), (30, 3)]), 1_000_000: Times([(90, 60)])}}
    assert growth_lines(growth) == [
        "| milliseconds, v1 / v2 | 10,000 posts | 1,000,000 posts | v1/v2, the least |",
        "| --- | --- | --- | --- |",
        "| feed | 11.0 / 2.0 | 90.0 / 60.0 | 1.50 |",
    ]
