"""The blog's case files ask every route that nginx serves, by who may and who may not; generated ones ask HEAD."""

from collections import defaultdict

import pytest

from strangler.compare.case import ScenarioStep
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.routes.route import Route
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
FOLDER = ROOT / "tests" / "cases"
STEPS = [step for scenario in scenarios_from_files(FOLDER, TABLE) for step in scenario.steps]
# The answer of a streaming route has no end, so there is no whole one to compare: tests/e2e/test_events.py reads it.
ROUTES = [route for route in TABLE.routes if not route.streaming]
CALLERS = {"", "alice", "bob", "admin"}

each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


def steps_of(route: Route) -> list[ScenarioStep]:
    return [step for step in STEPS if step.case.route == route.name]


@each_route
def test_every_method_of_a_route_is_asked(route: Route) -> None:
    assert {step.case.method for step in steps_of(route)} == set(route.methods)


@each_route
def test_who_may_not_asks_too(route: Route) -> None:
    cases = [step.case for step in steps_of(route)]
    signed_in = [case for case in cases if case.caller or "Authorization" in dict(case.headers)]
    assert len(signed_in) < len(cases)
    assert signed_in or route.name.startswith("auth.")


@each_route
def test_what_can_be_read_is_asked_of_a_running_stack(route: Route) -> None:
    asked = {case.route for case in cases_from_files(FOLDER, TABLE)}
    assert (route.name in asked) == route.safe


def test_no_route_without_an_end_is_asked() -> None:
    streaming = {route.name for route in TABLE.routes if route.streaming}
    assert streaming
    assert not streaming & {step.case.route for step in STEPS}


def test_only_the_demo_users_ask() -> None:
    assert {step.case.caller for step in STEPS} == CALLERS


def test_each_case_has_a_name_of_its_own_in_its_file() -> None:
    """Reports name a case by file and name."""
    lines = defaultdict(set)
    for step in STEPS:
        lines[step.case.source.partition(",")[0], step.case.name].add(step.case.source)
    assert all(name for _, name in lines)
    assert {key: found for key, found in lines.items() if len(found) > 1} == {}
