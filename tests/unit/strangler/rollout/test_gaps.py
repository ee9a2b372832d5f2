"""What FastAPI lists as not ported is noted, found where clients meet it, and refused by a move."""

from dataclasses import replace
from typing import Any, cast

import pytest

from strangler.errors import UnsafeError
from strangler.rollout.coverage import Level
from strangler.rollout.gaps import Gaps, gap_reasons, gap_results, gaps_of, whole_moves
from strangler.rollout.plan import plan_make
from strangler.rollout.rollout import Proposal
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable

DOCUMENT = {
    "paths": {
        "/v2/boats/{pk}/": {"get": {"x-not-ported": ["a method field"]}, "put": {}, "parameters": []},
        "/v2/boats/": {"get": {"x-not-ported": []}},
    }
}
PREFIXES = Prefixes(v1="", v2="/v2", django="", fastapi="/v2")


def table(stage: Stage, **changes: Any) -> RouteTable:
    route = Route(name="boats.retrieve", methods=("GET",), path="/boats/{id}/", stage=stage, **changes)
    return RouteTable(routes=(route,), prefixes=PREFIXES, fixed=())


@pytest.mark.parametrize("document", [{}, [], {"paths": []}, {"paths": {"/": None}}, {"paths": {"/": {"get": 1}}}])
def test_what_is_no_document_lists_nothing(document: Any) -> None:
    assert gaps_of(document, prefix="") == Gaps()


@pytest.mark.parametrize(
    ("stage", "changes", "level"),
    [
        (Stage.LEGACY, {}, Level.NOTE),
        (Stage.LEGACY, {"shadow": 5}, Level.FINDING),
        (Stage.PARALLEL, {}, Level.FINDING),
    ],
)
def test_a_gap_is_a_finding_where_clients_meet_it(stage: Stage, changes: dict[str, Any], level: Level) -> None:
    (found,) = gap_results(table(stage, **changes), gaps_of(DOCUMENT, prefix="/v2"))
    assert found.level is level
    assert found.sentence == "boats.retrieve isn't ported whole, fastapi answers 501: a method field."


def test_a_move_towards_a_gap_is_refused_and_back_it_is_not() -> None:
    gaps = gaps_of(DOCUMENT, prefix="/v2")

    def reasons(before: Stage, after: Stage) -> list[str]:
        plan = plan_make(running=table(before), wanted=table(after), ends=(), rendered_anew=False)
        return list(gap_reasons(plan, gaps))

    assert reasons(Stage.LEGACY, Stage.PARALLEL) == ["fastapi answers boats.retrieve with 501: a method field"]
    assert reasons(Stage.PARALLEL, Stage.LEGACY) == []


def test_what_may_move_alone_is_named_where_others_have_gaps() -> None:
    def both(stage: Stage) -> RouteTable:
        boats = Route(name="boats.list", methods=("GET",), path="/boats/", stage=stage)
        return RouteTable(routes=(boats, *table(stage).routes), prefixes=PREFIXES, fixed=())

    plan = plan_make(running=both(Stage.LEGACY), wanted=both(Stage.PARALLEL), ends=(), rendered_anew=False)
    assert whole_moves(plan, Gaps()) == ()
    gaps = gaps_of(DOCUMENT, prefix="/v2")
    unused = cast("Any", None)
    proposal = Proposal(
        content=b"",
        running=unused,
        rendered=unused,
        table=unused,
        plan=plan,
        unsafe=tuple(gap_reasons(plan, gaps)),
        notes=(),
        whole=whole_moves(plan, gaps),
    )
    with pytest.raises(
        UnsafeError, match=r"with 501: a method field\): fix that, move the others .* \(boats\.list\), or"
    ):
        proposal.require_safe(forced=False)
    with pytest.raises(UnsafeError, match="fix that, or apply it anyway"):
        replace(proposal, whole=()).require_safe(forced=False)
    proposal.require_safe(forced=True)
