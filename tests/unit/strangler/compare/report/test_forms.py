"""The report on a terminal, off it, as JSON and as JUnit XML."""

import dataclasses
import io
import json
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from strangler.compare.redaction import MaskedDifference
from strangler.compare.report.html import report_html
from strangler.compare.report.junit import report_junit
from strangler.compare.report.model import (
    ComparisonReport,
    Example,
    Group,
    RouteReport,
    RowDifference,
    ShownResponse,
    SideReport,
    Timing,
    report_json,
)
from strangler.compare.report.terminal import milliseconds, report_show, statements_text

PLACE = MaskedDifference(kind="value", place="$[0].a\x1b[31m", pattern="$[*].a", left="1", right=None)
ROW = RowDifference(table="posts", row="posts: the one of step 2", column="title", left="a", right="b")
EXAMPLE = Example(
    case="GET /posts/?q=<&>\x00",
    source="posts.toml, line 3",
    caller="alice",
    curl="curl -si http://left/posts/",
    curl_right="curl -si http://right/posts/",
    left=ShownResponse(status=200, headers=(), body="{}"),
    right=ShownResponse(status=200, headers=(), body="{}"),
    places=(PLACE,),
    rows=(ROW,),
)
TIMING = Timing(p50=0.0123, p95=0.02, p99=1.5, statements_median=3, statements_max=21)


def route(name: str = "posts.list", *, groups: tuple[Group, ...] = (), different: int = 0) -> RouteReport:
    return RouteReport(
        route=name,
        asked=10,
        equal=10 - different,
        different=different,
        declared=0,
        noise=0,
        failed=0,
        left=TIMING,
        right=None,
        ratio=None,
        groups=groups,
    )


def report(*routes: RouteReport, **fields: object) -> ComparisonReport:
    sides = SideReport(name="django", url="http://left"), SideReport(name="fastapi", url="http://right")
    return ComparisonReport(left=sides[0], right=sides[1], started="", seconds=1.25, routes=routes, **fields)  # type: ignore[arg-type]


FOUND = report(
    route(
        groups=(
            Group(kind="value", pattern="$[*].a", count=7, examples=(EXAMPLE,)),
            Group(kind="rows", pattern="posts.title", count=1, examples=(EXAMPLE,)),
        ),
        different=7,
    ),
    route("tags.list"),
    failures=(("django took longer than 1 s (posts.list)", 2),),
    skipped=(("lines that can't be read", 3),),
    declared_faults=("the declared difference of a was never met: remove it",),
    stopped="interrupted",
)


def printed(found: ComparisonReport, *, terminal: bool) -> str:
    file = io.StringIO()
    report_show(found, Console(file=file, force_terminal=terminal, width=200, color_system=None, soft_wrap=True))
    return file.getvalue()


def test_off_a_terminal_each_route_is_a_line() -> None:
    lines = printed(FOUND, terminal=False).splitlines()
    assert lines[1] == (
        "tags.list asked 10 equal 10 different 0 declared 0 noise 0 unavailable 0 failed 0 "
        "p50 django 12.3 ms p50 fastapi - ratio - sql django 3 to 21 sql fastapi -"
    )


def header(name: str, count: int = 5) -> Group:
    return Group(kind="header", pattern=f"header {name}", count=count, examples=(EXAMPLE,))


def test_a_header_that_differs_everywhere_is_said_once() -> None:
    names = ("a.list", "b.list")
    routes = [route(name, groups=(header("x-shared"), header(f"x-{name}")), different=5) for name in names]
    text = printed(report(*routes), terminal=False)
    assert text.count("header x-shared") == 1
    assert 'header x-shared, on all 2 routes; route = "*" declares it for all\n' in text
    assert "a.list: header at header x-a.list, in 5 answers" in text
    assert "b.list: header at header x-b.list, in 5 answers" in text
    # Of one route alone it is a difference as any other.
    assert "a.list: header at header x-shared, in 5 answers" in printed(report(routes[0]), terminal=False)


def test_what_hurts_most_comes_first_and_the_rest_is_counted() -> None:
    worst = Group(kind="status", pattern="status", count=1, examples=(EXAMPLE,))
    routes = [route(f"r{number}", groups=(header(f"x-{number}"),), different=5) for number in range(40)]
    found = report(*routes, route("last", groups=(worst,), different=1))
    file = io.StringIO()
    report_show(found, Console(file=file, width=200, color_system=None, soft_wrap=True), lines=50)
    shown = file.getvalue().splitlines()
    first = next(line for line in shown if " at " in line)
    assert first == "last: status at status, in 1 answer"
    assert len(shown) < len(found.routes) + 60
    hidden = [line for line in shown if "other place" in line]
    assert len(hidden) == 1
    assert hidden[0].endswith(": --verbose or --html FILE shows all")
    assert printed(found, terminal=False).count(" in 5 answers") == 40


@pytest.mark.parametrize("terminal", [False, True])
def test_a_difference_is_reported_with_its_example(*, terminal: bool) -> None:
    text = printed(FOUND, terminal=terminal)
    assert "posts.list: value at $[*].a, in 7 answers" in text
    assert "  GET /posts/?q=<&>\\x00 as alice (posts.toml, line 3)\n" in text
    # What a server sent moves nobody's cursor.
    assert "  django   $[0].a\\x1b[31m = 1\n  fastapi  no $[0].a\\x1b[31m\n" in text
    assert "  django   posts: the one of step 2 title = a\n" in text
    assert "  curl -si http://left/posts/\n  curl -si http://right/posts/\n" in text
    for note in (
        "not compared: django took longer than 1 s (posts.list), 2 times",
        "left out: 3 lines that can't be read",
        "the declared difference of a was never met: remove it",
        "stopped: interrupted",
        "different: 7 of 20 cases of 2 routes in 1.2 s, in posts.list",
    ):
        assert f"{note}\n" in text


def test_a_terminal_gets_a_table() -> None:
    header, first, *_ = printed(FOUND, terminal=True).splitlines()
    # What is 0 on every route takes no room.
    assert header.split()[:5] == ["route", "asked", "equal", "different", "django"]
    assert first.split() == ["posts.list", "10", "3", "7", "12.3ms", "-", "-", "3..21", "-"]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (report(route()), "equal: 10 cases of 1 route in 1.2 s"),
        (report(route(), declared_faults=("x",)), "not as declared: 10 cases of 1 route in 1.2 s"),
        (report(route(), stopped="x"), "not compared as a whole: 10 cases of 1 route in 1.2 s"),
    ],
)
def test_the_last_line_says_it_all(found: ComparisonReport, sentence: str) -> None:
    assert printed(found, terminal=False).splitlines()[-1] == sentence


def test_times_and_statements_are_short() -> None:
    assert [milliseconds(seconds) for seconds in (0.00012, 0.1234, 1.234)] == ["0.12 ms", "123 ms", "1.23 s"]
    assert statements_text(Timing(p50=0, p95=0, p99=0, statements_median=2.0, statements_max=2)) == "2"
    assert statements_text(None) == "-"


def test_json_has_every_field_and_the_exit_code() -> None:
    found = json.loads(report_json(FOUND))
    assert (found["exit_code"], found["seconds"], found["stopped"]) == (4, 1.25, "interrupted")
    assert found["routes"][0]["groups"][0]["examples"][0]["places"][0]["pattern"] == "$[*].a"


def test_every_form_counts_and_names_who_was_unavailable() -> None:
    found = report(
        dataclasses.replace(route(), equal=7, unavailable=3),
        failures=(("fastapi answered 503 (posts.list)", 3),),
    )
    text = printed(found, terminal=False)
    assert " unavailable 3 failed 0 " in text
    assert "not compared: fastapi answered 503 (posts.list), 3 times\n" in text
    assert printed(found, terminal=True).splitlines()[0].split()[:5] == [
        "route",
        "asked",
        "equal",
        "different",
        "unavailable",
    ]
    as_json = json.loads(report_json(found))
    assert (as_json["exit_code"], as_json["routes"][0]["unavailable"]) == (4, 3)
    junit = report_junit(found)
    assert "7 of 10 alike: 0 as declared, 0 noise; 3 unavailable, 0 failed" in junit
    assert 'message="fastapi answered 503 (posts.list) (3)"' in junit
    page = report_html(found)
    assert '<li class="unavailable"><b>3</b> unavailable</li>' in page
    assert "<b>not compared:</b> fastapi answered 503 (posts.list)" in page


def test_junit_has_a_suite_for_each_route_and_a_case_for_each_fault() -> None:
    root = ET.fromstring(report_junit(FOUND))  # noqa: S314 - what the test itself had written
    suites = {suite.get("name"): suite for suite in root}
    assert [*suites] == ["posts.list", "tags.list", "declared differences", "the run"]
    assert [case.get("name") for case in suites["posts.list"]] == [
        "answers alike",
        "value at $[*].a",
        "rows at posts.title",
    ]
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
    failure = suites["posts.list"][1].find("failure")
    assert failure is not None
    assert failure.get("message") == "in 7 answers"
    assert "GET /posts/?q=<&>\N{REPLACEMENT CHARACTER} as alice" in (failure.text or "")
    error = suites["the run"].find("testcase/error")
    assert error is not None
    assert "stopped: interrupted" in (error.text or "")


@pytest.mark.parametrize(("status", "count", "said"), [(404, 10, True), (404, 9, False), (500, 10, False)])
def test_a_route_that_the_right_side_lacks_is_named_as_such(status: int, count: int, *, said: bool) -> None:
    place = MaskedDifference(kind="status", place="status", pattern="status", left="200", right=str(status))
    example = dataclasses.replace(EXAMPLE, places=(place,), right=ShownResponse(status=status, headers=(), body=""))
    group = Group(kind="status", pattern="status", count=count, examples=(example,))
    shown = io.StringIO()
    report_show(report(route(groups=(group,), different=count)), Console(file=shown, width=200))
    sentence = "in no case django's status: fastapi may not have this route at all"
    assert (sentence in shown.getvalue()) == said
