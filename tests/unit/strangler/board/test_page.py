"""The page: what it says of an empty project and of a full one, and that nothing in it runs."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strangler.board.board import Board, BoardRoute, Parity, SchemaHealth, parity_of
from strangler.board.differences import differences_of
from strangler.board.page import PageRenderer, percent_text
from strangler.board.progress import commands_of
from strangler.board.traffic import traffic_of
from strangler.compare.shadow.results import DifferenceResult
from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.minutes import MinuteTable
from strangler.ramp.state import Phase, RampPlan, RampState
from strangler.rollout.evidence import RecentEvidence, RouteEvidence, RunEvidence
from strangler.routes.route import Route, Stage

EVIL = "</td></tr><script>window.ran=1</script>"
OPEN = Route(name="wares.list", methods=("GET",), path="/wares/", stage=Stage.CANARY, percent=10)


def test_what_cannot_be_read_is_a_sentence_each(empty_board: Board, tmp_path: Path) -> None:
    empty_board.renew()
    snapshot = empty_board.read()
    assert [each.split(":")[0] for each in snapshot.problems] == [
        f"There is no access log at {tmp_path / 'nginx.log'}",
        "routes.toml is missing",
        "the folder isn't readable",
        "/evidence.jsonl isn't readable (Permission denied).",
    ]
    renderer = PageRenderer("1")
    page = renderer.page(snapshot, renderer.sections(snapshot))
    for sentence in (
        "No route moves.",
        "Nothing was applied yet",
        "No ramp was run.",
        "Not compared before the gateway&#39;s first start.",
    ):
        assert sentence in page


def test_what_a_client_or_a_file_says_does_not_become_markup(empty_board: Board) -> None:
    table = MinuteTable()
    now = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    for stack in ("django", "fastapi"):
        table.add([LoggedRequest(now, "v1", EVIL, 200, EVIL, EVIL, stack, "", 0.01)])
    traffic = traffic_of(table, minutes=5, now=now.timestamp() + 20)
    route = replace(OPEN, name=EVIL, path=EVIL)
    row = BoardRoute(
        route=route,
        traffic=traffic.routes[EVIL],
        parity=Parity(word="unproven", text=EVIL),
        commands=commands_of(route),
    )
    snapshot = replace(empty_board.first(), name=EVIL, routes=(row,), problems=(EVIL,))
    renderer = PageRenderer("1")
    page = renderer.page(snapshot, renderer.sections(snapshot))
    assert "window.ran=1" in page
    assert re.findall("<script[^>]*>", page) == ['<script src="board.js" defer>']
    # Nothing that the policy would refuse.
    assert not re.search(r" (style|on[a-z]+)=", page)
    assert page.count("<polyline") == 6


def test_a_section_is_sent_again_when_it_has_changed_only(empty_board: Board) -> None:
    renderer, snapshot = PageRenderer("1"), empty_board.first()
    before = renderer.sections(snapshot)
    later = replace(snapshot, moment=snapshot.moment + dt.timedelta(seconds=1))
    assert renderer.sections(later) == before
    after = renderer.sections(replace(later, schema=SchemaHealth(ok=False, text="wares.price is gone.")))
    assert [name for name in after if after[name] != before[name]] == ["progress"]
    assert renderer.version(before) != renderer.version([*before, "route-new"])


RUN = RunEvidence(
    route="wares.list",
    time="2027-01-01T10:00:00Z",
    asked=6,
    equal=6,
    different=0,
    left="1",
    right="2",
    lacks=(),
    bound={},
)


@pytest.mark.parametrize(
    ("compared", "shadow", "word"),
    [
        (None, None, "unproven"),
        (RecentEvidence(equal=6, different=0, last=RUN), None, "equal"),
        (RecentEvidence(equal=4, different=0, last=RUN), None, "unproven"),
        (RecentEvidence(equal=6, different=0, last=RUN, lacks=("a refusal",)), None, "unproven"),
        (RecentEvidence(equal=0, different=0, last=RUN, changed=("fastapi",)), None, "unproven"),
        (RecentEvidence(equal=6, different=1, last=RUN), None, "different"),
        (RecentEvidence(equal=6, different=0, last=RUN), {"asked": 9, "different": 1}, "different"),
    ],
)
def test_parity_is_equal_only_where_a_move_would_be_allowed(compared: Any, shadow: Any, word: str) -> None:
    found = parity_of(OPEN, RouteEvidence(compared=compared, shadow=shadow), wanted=5)
    assert found.word == word
    assert ("shadow: 1 of 9 different" in found.text) is bool(shadow)


@pytest.mark.parametrize(
    ("share", "text"), [(None, "-"), (0, "0%"), (0.00001, "<0.1%"), (0.125, "12.5%"), (0.1, "10%"), (1, "100%")]
)
def test_a_little_is_never_shown_as_nothing(share: float | None, text: str) -> None:
    assert percent_text(share) == text


def ramp_state(**fields: Any) -> RampState:
    plan = RampPlan(
        routes=["wares.list"],
        steps=[1, 25, 100],
        hold=600,
        between=None,
        approvals=[],
        limits={},
        before={},
        differences={},
        who="alice@front",
        command="ramp wares.list",
    )
    result = {"route": "wares.list", "gate": "errors", "verdict": "breach", "sentence": "5xx 9.00% (9 of 100)"}
    return RampState(plan=plan, phase=Phase.WATCHING, step=1, began=0, since=0, results=[result], **fields)


def test_a_ramp_is_shown_with_its_gates_and_whether_anybody_watches_it(empty_board: Board) -> None:
    snapshot = replace(empty_board.first(), ramp=ramp_state(paused=True, why="paused by bob"), watched=False)
    alone = PageRenderer("1").sections(snapshot)["ramp"].html
    for part in ("watching, paused", "at 25%", "1%, 25%, 100%", "paused by bob", "5xx 9.00% (9 of 100)", "ramp resume"):
        assert part in alone
    watched = PageRenderer("1").sections(replace(snapshot, watched=True))["ramp"].html
    assert "ramp resume" not in watched
    assert '<span class="chip bad">breach</span>' in watched


def test_the_differences_of_a_route_have_a_page_and_no_value_of_an_answer() -> None:
    places = [
        DifferenceResult(
            route="wares.list",
            kind="value",
            pattern=f"$.results[*].{EVIL}",
            count=1234,
            last="2027-01-01T00:00:00Z",
            place="$.results[0].name",
            django="ann@example.org",
            fastapi="ben@example.org",
            method="GET",
            path="/wares/?page=***",
            request_id="0af7651916cd43dd",
        )
    ]
    run = RunEvidence(route="wares.list", time="", asked=9, equal=7, different=3, left="", right="", lacks=[], bound={})
    compared = RecentEvidence(equal=0, different=3, last=run, standing=[f"first page {EVIL}", "an empty one"])
    found = differences_of("wares.list", RouteEvidence(compared=compared), lambda _route: places)
    page = PageRenderer("1").differences(found)
    for text in ("an empty one", "1 more", "1,234", "0af7651916cd43dd", "strangler shadow wares.list --differences"):
        assert text in page
    assert "example.org" not in page
    assert "<script" not in page


def test_what_cannot_be_read_of_differences_is_a_sentence(empty_board: Board) -> None:
    page = PageRenderer("1").differences(empty_board.differences("wares.list"))
    assert "the results can&#39;t be read: look at the worker." in page
    assert "No case is known to differ." in page


def test_a_route_that_differs_leads_to_its_differences(empty_board: Board) -> None:
    rows = [
        BoardRoute(
            route=replace(OPEN, name=f"wares.{word}"), traffic=None, parity=Parity(word=word, text=""), commands=()
        )
        for word in ("equal", "different", "unproven")
    ]
    sections = PageRenderer("1").sections(replace(empty_board.first(), routes=tuple(rows)))
    linked = {name for name, section in sections.items() if 'href="differences?route=' in section.html}
    assert linked == {"route-wares.different"}
