"""What comparisons have shown of a route, and what a move asks of it."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from strangler.compare.report.model import ComparisonReport, RouteReport, SideReport
from strangler.rollout.evidence import (
    NO_ROWS,
    EvidenceFile,
    Proof,
    RecentEvidence,
    RouteEvidence,
    StandingCase,
    evidence_find,
)
from strangler.rollout.plan import RoutesPlan, plan_make
from strangler.rollout.safety import Conditions, unbound_notes, unproven, unsafe_reasons
from strangler.routes.route import Stage
from tests.example import ROOT, load_routes

NOW = dt.datetime.now(dt.UTC)
BOUND = {"django": "d1", "fastapi": "f1", "tests/cases": "c1"}
PROOF = Proof(equal=20, days=7)
DEPLOYED = load_routes(ROOT / "nginx" / "routes.toml")


def report(*, days_ago: float = 0, **equal_and_different: tuple[int, int]) -> ComparisonReport:
    """A run that asked routes (`posts__list` names posts.list)."""
    routes = tuple(
        RouteReport(
            route=name.replace("__", "."),
            asked=equal + different,
            equal=equal,
            different=different,
            distinct=equal,
            declared=0,
            noise=0,
            failed=0,
            left=None,
            right=None,
            ratio=None,
        )
        for name, (equal, different) in equal_and_different.items()
    )
    started = (NOW - dt.timedelta(days=days_ago)).isoformat()
    sides = [SideReport(name=name, url="", version=version) for name, version in (("django", "1"), ("fastapi", "2"))]
    return ComparisonReport(left=sides[0], right=sides[1], started=started, seconds=1.0, routes=routes)


@pytest.fixture
def file(tmp_path: Path) -> EvidenceFile:
    return EvidenceFile(tmp_path / "compare" / "evidence.jsonl")


def known(file: EvidenceFile, name: str = "posts.list", *, now: dict[str, str] | None = None) -> RecentEvidence | None:
    return file.known([name], since=NOW - dt.timedelta(days=7), digest=lambda part: (now or BOUND)[part]).get(name)


def test_the_run_of_most_cases_counts_and_the_last_one_tells_the_differences(file: EvidenceFile) -> None:
    assert known(file) is None
    file.add(report(posts__list=(8, 1), tags__list=(2, 0)).evidence(BOUND))
    file.add(report(posts__list=(9, 0)).evidence(BOUND))
    found = known(file)
    assert found is not None
    assert (found.equal, found.different, found.last.left, found.last.right) == (9, 0, "1", "2")
    assert known(file, "posts.retrieve") is None


def test_what_is_old_is_no_proof(file: EvidenceFile) -> None:
    file.add(report(days_ago=8, posts__list=(50, 0)).evidence(BOUND))
    assert known(file) is None
    file.add(report(days_ago=6, posts__list=(5, 0)).evidence(BOUND))
    found = known(file)
    assert found is not None
    assert found.equal == 5


def test_declared_differences_are_evidence_and_errors_of_a_server_are_none(file: EvidenceFile) -> None:
    run = report(posts__list=(8, 0), tags__list=(0, 0))
    of_posts, of_tags = run.routes
    counted = (
        dataclasses.replace(of_posts, asked=20, declared=5, unavailable=4, failed=3, distinct=13),
        dataclasses.replace(of_tags, asked=7, unavailable=7),
    )
    file.add(report(tags__list=(3, 2)).evidence(BOUND))
    file.add(dataclasses.replace(run, routes=counted).evidence(BOUND))
    found = known(file)
    assert found is not None
    assert (found.equal, found.last.asked) == (13, 13)
    # A run that compared nothing takes back no difference.
    found = known(file, "tags.list")
    assert found is not None
    assert (found.equal, found.different) == (3, 2)


def test_half_a_line_spoils_nothing(tmp_path: Path, file: EvidenceFile) -> None:
    file.add(report(posts__list=(5, 0)).evidence(BOUND))
    path = tmp_path / "compare" / "evidence.jsonl"
    path.write_bytes(path.read_bytes() + b'{"route": "posts.li')
    file.add(report(posts__list=(6, 0)).evidence(BOUND))
    found = known(file)
    assert found is not None
    assert found.equal == 6


def test_the_shadow_stands_beside_the_comparisons(tmp_path: Path, file: EvidenceFile) -> None:
    file.add(report(posts__list=(5, 0)).evidence(BOUND))
    counted = {"tags.list": {"equal": 3}}
    found = evidence_find(
        tmp_path / "compare" / "evidence.jsonl",
        ["posts.list", "tags.list", "feed.list"],
        proof=PROOF,
        shadow=counted,
        digest=BOUND.__getitem__,
    )
    assert list(found) == ["posts.list", "tags.list"]
    assert found["posts.list"].as_json()["compared"]["equal"] == 5
    assert found["tags.list"].as_json() == {"compared": None, "shadow": {"equal": 3}}


def test_a_run_that_ended_early_is_no_evidence(file: EvidenceFile) -> None:
    file.add(dataclasses.replace(report(posts__list=(50, 0)), stopped="interrupted").evidence(BOUND))
    assert known(file) is None


@pytest.mark.parametrize("part", BOUND)
def test_evidence_ends_with_what_it_was_made_with(file: EvidenceFile, part: str) -> None:
    file.add(report(posts__list=(50, 3)).evidence(BOUND))
    found = known(file, now=BOUND | {part: "new"})
    assert found is not None
    assert (found.equal, found.different, found.changed) == (0, 0, [part])
    refused = reasons(moved(Stage.CANARY, Stage.MIGRATED), {"posts.list": RouteEvidence(compared=found)})
    assert refused == (f"posts.list was compared before {part} changed, run strangler compare --route posts.list",)
    file.add(report(posts__list=(20, 0)).evidence(BOUND | {part: "new"}))
    found = known(file, now=BOUND | {part: "new"})
    assert found is not None
    assert (found.equal, found.changed) == (20, ())


def test_what_is_not_known_is_not_bound_and_said(file: EvidenceFile) -> None:
    file.add(report(posts__list=(50, 0)).evidence(BOUND | {"fastapi": ""}))
    found = known(file, now=BOUND | {"fastapi": "new"})
    assert found is not None
    assert found.equal == 50
    (sentence,) = unbound_notes({"posts.list": RouteEvidence(compared=found)})
    assert "posts.list hold for any code of fastapi" in sentence


def test_equal_answers_without_the_callers_that_matter_are_no_proof(file: EvidenceFile) -> None:
    run = report(posts__list=(50, 0))
    alone = dataclasses.replace(run, routes=(dataclasses.replace(run.routes[0], lacks=("nobody", "another user")),))
    file.add(alone.evidence(BOUND))
    (reason,) = reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file))
    assert reason.startswith("posts.list was compared without nobody and without another user, add a case such as")
    file.add(report(posts__list=(1, 0)).evidence(BOUND))
    assert reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file)) == ()


def test_a_method_that_never_succeeded_is_refused_by_name(file: EvidenceFile) -> None:
    run = report(posts__list=(50, 0))
    lacking = dataclasses.replace(run.routes[0], lacks=("a successful PUT",))
    file.add(dataclasses.replace(run, routes=(lacking,)).evidence(BOUND))
    (reason,) = reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file))
    assert reason.startswith("posts.list was compared without a successful PUT, add a case of it that Django answers")


def test_a_route_that_never_changed_rows_is_refused_and_the_setting_named(file: EvidenceFile) -> None:
    run = report(posts__list=(50, 0))
    file.add(dataclasses.replace(run, routes=(dataclasses.replace(run.routes[0], lacks=(NO_ROWS,)),)).evidence(BOUND))
    (reason,) = reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file))
    assert reason.startswith("posts.list was compared without a write that changes rows, add a case that changes rows")
    assert "rowless under [compare]" in reason


def differing(*keys: str, settled: tuple[str, ...] = (), asked: int = 0, is_more: bool = False) -> ComparisonReport:
    """A run in which the cases of these keys differed, and those in `settled` are equal again."""
    run = report(posts__list=(asked, len(keys)))
    cases = {key: StandingCase(case=f"case {key}", scenario="", folder="") for key in keys}
    route = dataclasses.replace(run.routes[0], differing=cases, settled=settled, is_more=is_more)
    return dataclasses.replace(run, routes=(route,))


def test_a_difference_stands_until_the_same_case_is_equal(file: EvidenceFile) -> None:
    file.add(differing("a", "b", asked=40).evidence(BOUND))
    plan = moved(Stage.PARALLEL, Stage.CANARY)
    for asked in (1, 50):
        # Whatever else is equal.
        file.add(report(posts__list=(asked, 0)).evidence(BOUND))
        (reason,) = reasons(plan, of(file))
        assert reason.startswith("posts.list has 2 differences that no comparison has settled, such as case a, run ")
    file.add(differing("c", settled=("a",), asked=1).evidence(BOUND))
    assert set(file.standing()) == {"b", "c"}
    file.add(report(posts__list=(1, 0), tags__list=(5, 0)).evidence(BOUND), gone=("c",))
    assert set(file.standing()) == {"b"}
    found = known(file)
    assert found is not None
    assert (found.different, found.standing, found.equal) == (1, ["case b"], 50)
    file.add(differing(settled=("b",), asked=1).evidence(BOUND))
    assert (file.standing(), reasons(plan, of(file))) == ({}, ())


def test_a_difference_stands_after_a_change_and_when_it_is_old(file: EvidenceFile) -> None:
    file.add(dataclasses.replace(differing("a"), started=(NOW - dt.timedelta(days=30)).isoformat()).evidence(BOUND))
    file.add(report(tags__list=(5, 0)).evidence(BOUND))
    found = known(file)
    assert found is not None
    assert (found.equal, found.different) == (0, 1)
    file.add(report(posts__list=(50, 0)).evidence(BOUND | {"fastapi": "f2"}))
    (reason,) = reasons(moved(Stage.CANARY, Stage.MIGRATED), of(file))
    assert "1 difference that no comparison has settled, such as case a" in reason
    found = known(file, now=BOUND | {"fastapi": "f2"})
    assert found is not None
    assert (found.equal, found.different) == (50, 1)
    assert RouteEvidence(compared=found).as_json()["compared"]["standing"] == ["case a"]


def test_of_too_many_differences_all_must_be_equal(file: EvidenceFile) -> None:
    file.add(differing("a", asked=90, is_more=True).evidence(BOUND))
    file.add(differing(settled=("a",), asked=90).evidence(BOUND))
    assert reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file)) != ()
    file.add(report(posts__list=(91, 0)).evidence(BOUND))
    assert reasons(moved(Stage.PARALLEL, Stage.CANARY), of(file)) == ()


def moved(before: Stage, after: Stage) -> RoutesPlan:
    def at(stage: Stage) -> tuple[object, ...]:
        percent = 10.0 if stage is Stage.CANARY else None
        return tuple(
            dataclasses.replace(route, stage=stage, percent=percent) if route.name == "posts.list" else route
            for route in DEPLOYED.routes
        )

    tables = [dataclasses.replace(DEPLOYED, routes=at(stage)) for stage in (before, after)]  # type: ignore[arg-type] # routes
    return plan_make(running=tables[0], wanted=tables[1], ends=(), rendered_anew=True)


def reasons(plan: RoutesPlan, evidence: dict[str, RouteEvidence], *, proof: Proof = PROOF) -> tuple[str, ...]:
    conditions = Conditions(today=NOW.date(), read_only=False, proof=proof, sign_in=())
    return unsafe_reasons(plan, conditions, unproven(plan), evidence)


def of(file: EvidenceFile) -> dict[str, RouteEvidence]:
    return {"posts.list": RouteEvidence(compared=known(file))}


def test_a_move_to_canary_needs_proof(file: EvidenceFile) -> None:
    plan = moved(Stage.PARALLEL, Stage.CANARY)
    (reason,) = reasons(plan, {})
    needed = "posts.list has 0 cases equal in a run of the last 7 days and needs 20 different ones"
    assert reason == f"{needed}, run strangler compare --route posts.list"
    file.add(report(posts__list=(19, 0)).evidence(BOUND))
    # The same ones again prove nothing.
    file.add(report(posts__list=(19, 0)).evidence(BOUND))
    assert "has 19 cases equal" in reasons(plan, of(file))[0]
    file.add(report(posts__list=(20, 0)).evidence(BOUND))
    assert reasons(plan, of(file)) == ()
    file.add(report(posts__list=(40, 2)).evidence(BOUND))
    assert reasons(plan, of(file)) == ("posts.list differed in 2 of its last 42 comparisons",)
    assert reasons(plan, {}, proof=Proof(equal=0, days=7)) == ()


@pytest.mark.parametrize(
    ("before", "after", "needed"),
    [
        (Stage.CANARY, Stage.MIGRATED, True),
        (Stage.LEGACY, Stage.PARALLEL, False),
        (Stage.MIGRATED, Stage.CANARY, False),
        (Stage.CANARY, Stage.PARALLEL, False),
        (Stage.MIGRATED, Stage.RETIRED, False),
    ],
)
def test_which_moves_need_proof(before: Stage, after: Stage, needed: bool) -> None:
    assert unproven(moved(before, after)) == (("posts.list",) if needed else ())
