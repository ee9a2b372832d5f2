"""Verdicts become a report: counts that add up, bounded groups and examples, no secret."""

import dataclasses
import json

from strangler.compare.case import Case, ScenarioStep, case_key
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import RequestError, UnavailableError
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.collector import (
    MAX_DIFFERING,
    MAX_EXAMPLES,
    MAX_FAILURES,
    MAX_GROUPS,
    NO_ROUTE,
    Collector,
)
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.differ import differences
from strangler.compare.masked_result import MAX_BODY
from strangler.compare.report.model import ComparisonReport, RouteReport, RowDifference

LEFT = Side(name="django", url="http://left/api", links="/api", headers=(("X-Api-Key", "hidden-of-the-side"),))
JSON = (("Content-Type", "application/json"),)
RIGHT = Side(name="fastapi", url="http://right/api", links="/api")


def case(target: str = "/posts/", **fields: object) -> Case:
    return dataclasses.replace(Case(method="GET", target=target, route="posts.list"), **fields)  # type: ignore[arg-type]


def asked(value: object, *, seconds: float = 0.1, statements: int | None = None, status: int = 200) -> TimedResponse:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = (("content-type", "text/html" if isinstance(value, bytes) else "application/json"),)
    answer = SideResponse(status=status, headers=(*headers, ("set-cookie", "hidden-cookie")), body=body)
    return TimedResponse(answer=answer, seconds=seconds, statements=statements)


def result(left: object, right: object, **fields: object) -> CaseResult:
    one, other = (each if isinstance(each, TimedResponse) else asked(each) for each in (left, right))
    found = tuple(differences(one.answer, other.answer))
    outcome = CaseOutcome.DIFFERENT if found else CaseOutcome.EQUAL
    return dataclasses.replace(
        CaseResult(outcome=outcome, found=found, left=one, right=other),
        **fields,  # type: ignore[arg-type]
    )


def only(report: ComparisonReport) -> RouteReport:
    (route,) = report.routes
    return route


def test_the_counts_add_up() -> None:
    collector = Collector(LEFT, RIGHT)
    for outcome, count in zip(CaseOutcome, range(1, 7), strict=True):
        for _ in range(count):
            collector.add(case(), CaseResult(outcome=outcome))
    route = only(collector.report())
    assert [getattr(route, outcome) for outcome in CaseOutcome] == [1, 2, 3, 4, 5, 6]
    assert route.asked == 21
    assert (route.left, route.right, route.ratio) == (None, None, None)


def test_times_and_statements_are_reported_for_each_side() -> None:
    collector = Collector(LEFT, RIGHT)
    for statements in (2, 2, 9):
        collector.add(case(), result(asked({}, seconds=0.2, statements=statements), asked({}, seconds=0.1)))
    route = only(collector.report())
    assert route.left is not None
    assert route.right is not None
    assert (route.left.p50, route.right.p99, route.ratio) == (0.2, 0.1, 2.0)
    assert (route.left.statements_median, route.left.statements_max) == (2, 9)
    assert (route.right.statements_median, route.right.statements_max) == (None, None)


def test_the_same_fault_is_one_group_with_a_few_examples() -> None:
    collector = Collector(LEFT, RIGHT)
    for number in range(10):
        rows = [{"title": f"{number}", "id": 1}, {"title": "b", "id": 2}]
        collector.add(case(f"/posts/?page={number}"), result(rows, [{"title": "x", "id": 1}, {"title": "x", "id": 2}]))
    (group,) = only(collector.report()).groups
    assert (group.kind, group.pattern, group.count) == ("value", "$[*].title", 10)
    assert [example.case for example in group.examples] == [f"GET /posts/?page={n}" for n in range(MAX_EXAMPLES)]
    assert [place.place for place in group.examples[0].places] == ["$[0].title", "$[1].title"]
    assert group.examples[0].left.body.splitlines()[:3] == ["[", "  {", '    "title": "0",']


def test_examples_are_the_first_cases_whoever_is_answered_first() -> None:
    collector = Collector(LEFT, RIGHT)
    for number in (7, 3, 9, 0, 4):
        collector.add(case(f"/posts/?page={number}"), result({}, {"id": 1}), number=number)
    (group,) = only(collector.report()).groups
    assert group.count == 5
    assert [example.case for example in group.examples] == [f"GET /posts/?page={n}" for n in (0, 3, 4)]


def test_groups_and_failures_are_bounded() -> None:
    collector = Collector(LEFT, RIGHT)
    for number in range(200):
        collector.add(case(), result({}, {f"key{number}": 1}))
        failure = RequestError("django", f"fails in way {number}", always=True)
        collector.add(case(), CaseResult(outcome=CaseOutcome.FAILED, failure=failure))
    report = collector.report()
    groups = only(report).groups
    assert len(groups) == MAX_GROUPS + 1
    assert (groups[-1].kind, groups[-1].pattern, groups[-1].count) == ("more", "other places", 200 - MAX_GROUPS)
    assert len(report.failures) == MAX_FAILURES + 1
    assert report.failures[0] == ("other failures", 200 - MAX_FAILURES)
    assert report.exit_code == 4


def test_a_failure_of_an_answer_names_its_route_and_one_of_a_side_does_not() -> None:
    collector = Collector(LEFT, RIGHT)
    down = RequestError("django", "does not answer (connection refused)", always=True)
    for failure in (down, down, RequestError("fastapi", "took longer than 1 s")):
        collector.add(case(), CaseResult(outcome=CaseOutcome.FAILED, failure=failure))
    assert collector.report().failures == (
        ("django does not answer (connection refused)", 2),
        ("fastapi took longer than 1 s (posts.list)", 1),
    )


def test_who_is_unavailable_is_named_and_no_measure_of_speed() -> None:
    collector = Collector(LEFT, RIGHT)
    failure = UnavailableError("fastapi", "answered 503")
    sides = {"left": asked({}), "right": asked({}, seconds=0.001, status=503)}
    collector.add(case(), CaseResult(outcome=CaseOutcome.UNAVAILABLE, failure=failure, **sides))
    report = collector.report()
    assert report.failures == (("fastapi answered 503 (posts.list)", 1),)
    assert (report.exit_code, only(report).unavailable, only(report).right) == (4, 1, None)


def test_rows_that_differ_make_a_case_different() -> None:
    collector = Collector(LEFT, RIGHT)
    row = RowDifference(table="posts", row="the one of step 2", column="title", left="a", right="b")
    collector.add(case(route=""), result({}, {}), rows=(row,))
    route = only(collector.report())
    assert (route.route, route.different, route.equal) == (NO_ROUTE, 1, 0)
    assert [(group.kind, group.pattern) for group in route.groups] == [("rows", "posts.title")]
    assert route.groups[0].examples[0].rows == (row,)


def test_no_secret_is_kept() -> None:
    """Neither of the request, nor of an answer, nor one that a side repeats."""
    collector = Collector(LEFT, RIGHT)
    secret = case(
        "/posts/?token=hidden-query&q=hidden-token",
        method="POST",
        headers=(
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer hidden-header"),
            ("Cookie", "hidden=1"),
        ),
        body=b'{"password": "hidden-body", "title": "hidden-known"}',
        secrets=("hidden-known",),
        caller="alice",
        name="of hidden-known",
    )
    reported = {"access": "hidden-access", "detail": "hidden-token hidden-header hidden-of-the-side", "hidden-known": 1}
    collector.add(
        secret, result(reported, asked(b"<h1>hidden-page</h1>", status=500)), secrets=("Bearer hidden-token",)
    )
    text = repr(collector.report())
    assert "hidden" not in text.replace("hidden=***", "")
    example = only(collector.report()).groups[0].examples[0]
    assert example.right.body == "20 bytes of text/html"
    assert '"Authorization: Bearer $TOKEN"' in example.curl
    assert "'Content-Type: application/json'" in example.curl


def test_long_bodies_are_cut() -> None:
    collector = Collector(LEFT, RIGHT)
    collector.add(case(), result(["x" * 100_000], []))
    assert len(only(collector.report()).groups[0].examples[0].left.body) == MAX_BODY + 1


def test_what_was_left_out_and_how_the_run_ended_are_reported() -> None:
    collector = Collector(LEFT, RIGHT)
    collector.skipped.update({"lines": 3, "nothing": 0})
    report = collector.report(declared_faults=("one",), stopped="interrupted", options=(("--rate", "5"),))
    assert report.skipped == (("lines", 3),)
    assert (report.declared_faults, report.stopped, report.options) == (("one",), "interrupted", (("--rate", "5"),))
    assert (report.left.name, report.right.url) == ("django", "http://right/api")


def test_cases_that_differ_are_known_again() -> None:
    first = Collector(LEFT, RIGHT)
    first.add(case("/posts/?token=hidden", source="posts.toml, line 3"), result({"a": 1}, {"a": 2}))
    first.add(case("/posts/?page=2"), result({}, {}))
    ((key, standing),) = only(first.report()).differing.items()
    assert standing == {"case": "GET /posts/?token=*** (posts.toml, line 3)", "scenario": "", "folder": ""}
    later = Collector(LEFT, RIGHT, standing=[key, "of another route"])
    later.add(case("/posts/?page=2"), result({}, {}))
    assert only(later.report()).settled == ()
    later.add(case("/posts/?token=hidden", name="whatever it is called", source="access log"), result({}, {}))
    assert only(later.report()).settled == (key,)
    # The same request may differ once, and be equal once.
    later.add(case("/posts/?token=hidden"), result({"a": 1}, {"a": 2}))
    assert only(later.report()).settled == ()


def test_a_request_of_a_scenario_is_the_same_at_one_place_of_it_only() -> None:
    steps = [ScenarioStep(case=case("/posts/", name=f"read {when} the writes")) for when in ("before", "after")]
    assert len({case_key(step) for step in steps}) == 1
    assert len({case_key(step, scenario=name) for step in steps for name in ("", "generated")}) == 3


def test_so_many_cases_that_differ_are_named_and_that_there_are_more_is_said() -> None:
    collector = Collector(LEFT, RIGHT)
    for number in range(MAX_DIFFERING + 1):
        collector.add(case(f"/posts/?page={number}"), result({"a": 1}, {"a": 2}))
    route = only(collector.report())
    assert (len(route.differing), route.is_more) == (MAX_DIFFERING, True)


def test_what_hurts_most_comes_first() -> None:
    collector = Collector(LEFT, RIGHT)
    fault = asked({"a": 1, "b": 2})
    moved = dataclasses.replace(fault, answer=dataclasses.replace(fault.answer, headers=(("x", "1"), *JSON)))
    for _ in range(3):
        collector.add(case(), result(fault, moved))
    collector.add(case(), result({"a": 1}, {"a": 2}))
    collector.add(case(), result({"a": 1}, {"b": 1}))
    collector.add(case(), result(asked({}), asked({}, status=400)))
    kinds = [group.kind for group in only(collector.report()).groups]
    assert list(dict.fromkeys(kinds)) == ["status", "missing", "value", "header"]


def test_both_sides_are_shown_as_they_were_asked_with_the_projects_scheme() -> None:
    collector = Collector(LEFT, RIGHT, credentials=(("Authorization", "Token $TOKEN"),))
    copies = [dataclasses.replace(side, url=f"http://copy-{side.name}") for side in (LEFT, RIGHT)]
    sent = (copies[0], case("/posts/17/")), (copies[1], case("/posts/18/"))
    collector.add(case("/posts/17/", caller="alice"), result({}, {"a": 1}))
    collector.add(case("/posts/17/"), result({}, {"a": 1}), sent=sent)
    first, second = only(collector.report()).groups[0].examples
    assert first.curl.startswith("curl -si http://left/api/posts/17/")
    assert first.curl_right.startswith("curl -si http://right/api/posts/17/")
    assert '"Authorization: Token $TOKEN"' in first.curl
    assert [each.split()[2] for each in (second.curl, second.curl_right)] == [
        "http://copy-django/posts/17/",
        "http://copy-fastapi/posts/18/",
    ]
