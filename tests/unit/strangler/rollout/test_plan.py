"""The plan: what it says, its checksum, and which plans are unsafe."""

import dataclasses
import datetime as dt
from collections.abc import Mapping

import pytest

from strangler.rollout.evidence import Proof, RouteEvidence
from strangler.rollout.plan import RoutesPlan, plan_make
from strangler.rollout.safety import Conditions, unproven, unsafe_reasons
from strangler.routes.route import Fixed, RequestLimit, Route, Stack, Stage
from strangler.routes.table import RouteTable
from tests.example import ROOT, load_routes

TODAY = dt.date(2026, 11, 22)
DEPLOYED = load_routes(ROOT / "nginx" / "routes.toml")


def changed(table: RouteTable, **by_name: Route | None) -> RouteTable:
    """The table with some routes replaced (`posts__list` names posts.list), None takes one away."""
    wanted = {name.replace("__", "."): route for name, route in by_name.items()}
    routes = [wanted.get(route.name, route) for route in table.routes]
    return dataclasses.replace(table, routes=tuple(route for route in routes if route))


def route(name: str, **values: object) -> Route:
    found = next(each for each in DEPLOYED.routes if each.name == name)
    return dataclasses.replace(found, **values)  # type: ignore[arg-type] # fields by name


def plan(wanted: RouteTable, running: RouteTable = DEPLOYED, *, ends: tuple[bytes, ...] = (b"1", b"2")) -> RoutesPlan:
    return plan_make(running=running, wanted=wanted, ends=ends, rendered_anew=False)


def reasons(
    made: RoutesPlan, *, read_only: bool = False, evidence: Mapping[str, RouteEvidence] | None = None
) -> tuple[str, ...]:
    conditions = Conditions(today=TODAY, read_only=read_only, proof=Proof(equal=0, days=7), sign_in=("auth.*",))
    return unsafe_reasons(made, conditions, unproven(made), evidence or {})


def test_nothing_changes() -> None:
    assert plan(DEPLOYED).empty
    assert plan(dataclasses.replace(DEPLOYED, routes=DEPLOYED.routes[::-1])).empty


def test_a_move_says_the_stages_and_who_answers_then() -> None:
    made = plan(changed(DEPLOYED, posts__list=route("posts.list", stage=Stage.CANARY, percent=10)))
    assert list(made.lines()) == [
        "posts.list  parallel → canary 10%",
        "            /api/posts/: django → fastapi for 10% of callers, else django",
        f"plan {made.checksum}: 1 of 28 routes move",
    ]
    assert reasons(made) == ()


def test_what_the_shadow_saw_differ_moves_no_further() -> None:
    made = plan(changed(DEPLOYED, posts__list=route("posts.list", stage=Stage.CANARY, percent=10)))
    seen = {"asked": 40, "equal": 38, "different": 2}
    assert reasons(made, evidence={"posts.list": RouteEvidence(shadow=seen)}) == (
        "posts.list differed in 2 of 40 sampled requests, run strangler shadow posts.list --differences, "
        "and with --reset once they are dealt with",
    )
    assert reasons(made, evidence={"posts.list": RouteEvidence(shadow=seen | {"different": 0})}) == ()
    back = plan(DEPLOYED, changed(DEPLOYED, posts__list=route("posts.list", stage=Stage.CANARY, percent=10)))
    assert reasons(back, evidence={"posts.list": RouteEvidence(shadow=seen)}) == ()


def test_what_else_a_route_says() -> None:
    made = plan(changed(DEPLOYED, posts__list=route("posts.list", shadow=5, fallback=True, sunset=TODAY)))
    assert made.changes[0].lines == ("shadow: 0 → 5", "fallback: no → yes", "sunset: no → 2026-11-22")
    assert made.moves == ()


def test_routes_that_come_and_go() -> None:
    added = dataclasses.replace(route("posts.list"), name="posts.new", path="/new/")
    made = plan(
        dataclasses.replace(
            changed(DEPLOYED, tags__list=None), routes=(*changed(DEPLOYED, tags__list=None).routes, added)
        )
    )
    assert list(made.lines())[:-1] == [
        "posts.new  new, at stage parallel",
        "           /api/v2/new/: django → fastapi",
        "tags.list  removed, at stage parallel: Django answers what no route names",
        "           /api/v2/tags/: fastapi → django",
    ]


def test_what_belongs_to_no_route() -> None:
    fixed = Fixed(name="django.new", path="/new/", stack=Stack.DJANGO)
    throttle = RequestLimit(name="token", rate="1r/s", burst=0)
    others = tuple(each for each in DEPLOYED.throttles if each.name != "token")
    made = plan(dataclasses.replace(DEPLOYED, fixed=(*DEPLOYED.fixed, fixed), throttles=(throttle, *others)))
    assert made.notes == (
        "fixed django.new: none → path /new/, stack django",
        "throttle token: rate 10r/s, burst 40 → rate 1r/s, burst 0",
    )
    assert not made.empty


def test_the_same_routes_rendered_anew_are_a_plan_too() -> None:
    made = plan_make(running=DEPLOYED, wanted=DEPLOYED, ends=(), rendered_anew=True)
    assert not made.empty
    assert not made.edited


@pytest.mark.parametrize("ends", [(b"1", b"3"), (b"2", b"2"), (b"12",), (b"", b"12"), (b"1", b"2", b"")])
def test_the_checksum_changes_with_either_end(ends: tuple[bytes, ...]) -> None:
    assert plan(DEPLOYED).checksum == plan(DEPLOYED).checksum
    assert plan(DEPLOYED).checksum != plan(DEPLOYED, ends=ends).checksum


def test_a_third_of_the_routes_may_move_and_one_more_may_not() -> None:
    movable = [each for each in DEPLOYED.routes if not each.name.startswith("auth.")]
    moved = {each.name.replace(".", "__"): dataclasses.replace(each, stage=Stage.LEGACY) for each in movable}
    parallel = [name for name, each in moved.items() if route(name.replace("__", ".")).stage is Stage.PARALLEL]
    assert reasons(plan(changed(DEPLOYED, **{name: moved[name] for name in parallel[:9]}))) == ()
    refused = reasons(plan(changed(DEPLOYED, **{name: moved[name] for name in parallel[:10]})))
    assert refused == ("it moves 10 of 28 routes, more than a third",)


def test_one_route_of_two_may_move() -> None:
    running = dataclasses.replace(DEPLOYED, routes=(route("posts.list"), route("tags.list")))
    assert reasons(plan(changed(running, tags__list=route("tags.list", stage=Stage.LEGACY)), running)) == ()


@pytest.mark.parametrize("values", [{"stage": Stage.LEGACY}, {"throttle": None}])
def test_sign_in_is_guarded(values: dict[str, object]) -> None:
    assert reasons(plan(changed(DEPLOYED, auth__token=route("auth.token", **values)))) == (
        "it touches sign-in (auth.token)",
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("legacy", "parallel", ()),
        ("parallel", "canary", ()),
        ("canary", "migrated", ()),
        ("legacy", "canary", ("tags.list skips parallel",)),
        ("parallel", "migrated", ("tags.list skips canary",)),
        ("legacy", "migrated", ("tags.list skips parallel and canary",)),
        ("migrated", "legacy", ()),
        ("retired", "parallel", ()),
    ],
)
def test_no_stage_is_skipped_on_the_way_forward(before: str, after: str, expected: tuple[str, ...]) -> None:
    def at(stage: str) -> RouteTable:
        percent = 10 if stage == "canary" else None
        return changed(DEPLOYED, tags__list=route("tags.list", stage=Stage(stage), percent=percent))

    assert reasons(plan(at(after), at(before))) == expected


@pytest.mark.parametrize(
    ("sunset", "expected"),
    [
        (None, ("tags.list is retired without a sunset date",)),
        (dt.date(2026, 11, 23), ("tags.list is retired before its sunset on 2026-11-23",)),
        (TODAY, ()),
    ],
)
def test_v1_ends_when_it_was_announced(sunset: dt.date | None, expected: tuple[str, ...]) -> None:
    running = changed(DEPLOYED, tags__list=route("tags.list", stage=Stage.MIGRATED, sunset=sunset))
    wanted = changed(DEPLOYED, tags__list=route("tags.list", stage=Stage.RETIRED, sunset=sunset))
    assert reasons(plan(wanted, running)) == expected


def test_a_write_does_not_move_to_a_service_that_refuses_writes() -> None:
    made = plan(changed(DEPLOYED, tags__create=route("tags.create", stage=Stage.PARALLEL)))
    assert reasons(made) == ()
    (reason,) = reasons(made, read_only=True)
    assert reason.startswith("tags.create writes")
    back = plan(DEPLOYED, changed(DEPLOYED, tags__create=route("tags.create", stage=Stage.PARALLEL)))
    assert reasons(back, read_only=True) == ()
