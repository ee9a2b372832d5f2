"""What an operator asks for, as changes to the routes file."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from strangler.errors import UnsafeError, UsageError
from strangler.rollout.edits import (
    RouteKind,
    back_edits,
    django_edits,
    path_routes,
    retire_edits,
    routes_select,
    switch_edits,
)
from strangler.routes.route import Api, Route, Stage
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
ROUTES = TABLE.routes
LIST = [route for route in ROUTES if route.name == "posts.list"]
TODAY = dt.date(2026, 11, 22)


def edits(**asked: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"stage": None, "percent": None, "shadow": None, "fallback": None}
    return dict(switch_edits(LIST, **nothing | asked)["posts.list"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"stage": Stage.LEGACY}, {"stage": "legacy", "percent": None}),
        ({"stage": Stage.CANARY, "percent": 10.0}, {"stage": "canary", "percent": 10}),
        ({"percent": 0.5}, {"stage": "canary", "percent": 0.5}),
        ({"shadow": 5.0}, {"shadow": 5}),
        ({"shadow": 0}, {"shadow": None}),
        ({"fallback": True}, {"fallback": True}),
        ({"fallback": False}, {"fallback": None}),
    ],
)
def test_a_switch(asked: dict[str, Any], expected: dict[str, Any]) -> None:
    assert edits(**asked) == expected


def test_of_several_routes_those_that_can_get_a_fallback() -> None:
    streams = dataclasses.replace(LIST[0], name="posts.events", streaming=True)
    alone = dataclasses.replace(LIST[0], name="posts.new", v2_only=True)
    writes = dataclasses.replace(LIST[0], name="posts.create", methods=("POST",))
    nothing: dict[str, Any] = {"stage": None, "percent": None, "shadow": None}
    assert set(switch_edits([*LIST, streams, alone, writes], fallback=True, **nothing)) == {"posts.list"}
    assert set(switch_edits([*LIST, streams], fallback=False, **nothing)) == {"posts.list", "posts.events"}


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        ({}, "add --to STAGE"),
        ({"stage": Stage.CANARY}, "add --percent"),
        ({"stage": Stage.MIGRATED, "percent": 10}, "leave it out"),
    ],
)
def test_a_switch_that_says_too_little_or_too_much(asked: dict[str, Any], mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        edits(**asked)


def test_the_end_of_v1_is_announced_from_today() -> None:
    day = dt.date(2027, 1, 31)
    assert retire_edits(LIST, sunset=day, today=TODAY) == {"posts.list": {"deprecated": TODAY, "sunset": day}}
    announced = [dataclasses.replace(LIST[0], deprecated=dt.date(2026, 1, 1), sunset=dt.date(2026, 12, 1))]
    assert retire_edits(announced, sunset=day, today=TODAY)["posts.list"]["deprecated"] == dt.date(2026, 1, 1)
    with pytest.raises(UsageError, match="is not in the future"):
        retire_edits(LIST, sunset=TODAY, today=TODAY)


def test_v1_ends_only_once_its_day_has_come() -> None:
    for sunset in (None, dt.date(2026, 11, 23)):
        with pytest.raises(UnsafeError, match="announce the end with --sunset"):
            retire_edits([dataclasses.replace(LIST[0], sunset=sunset)], sunset=None, today=TODAY)
    due = [dataclasses.replace(LIST[0], sunset=TODAY)]
    assert retire_edits(due, sunset=None, today=TODAY) == {"posts.list": {"stage": "retired", "percent": None}}


def at(stage: Stage, percent: float | None = None, shadow: float = 0) -> list[Route]:
    return [dataclasses.replace(LIST[0], stage=stage, percent=percent, shadow=shadow)]


def test_a_route_goes_back_only_nearer_to_django() -> None:
    earlier = [at(Stage.MIGRATED), at(Stage.CANARY, 50), at(Stage.CANARY, 5, shadow=10), at(Stage.LEGACY)]
    back = back_edits(at(Stage.CANARY, 50), earlier)["posts.list"]
    assert back == {"stage": "canary", "percent": 5, "shadow": 10, "fallback": None}
    assert back_edits(at(Stage.CANARY, 5), earlier)["posts.list"]["stage"] == "legacy"
    with pytest.raises(UsageError, match=r"strangler switch posts\.list --to legacy"):
        back_edits(at(Stage.LEGACY), earlier)


def test_everything_goes_to_django() -> None:
    edits = django_edits([*at(Stage.CANARY, 5, shadow=1), dataclasses.replace(LIST[0], name="x", stage=Stage.LEGACY)])
    assert edits == {"posts.list": {"stage": "legacy", "percent": None, "shadow": None, "fallback": None}}


def test_what_only_v2_has_stays_with_it() -> None:
    addition = dataclasses.replace(LIST[0], name="events.stream", stage=Stage.PARALLEL, v2_only=True)
    assert django_edits([addition]) == {}
    nothing_else = {"percent": None, "shadow": None, "fallback": None}
    moved = switch_edits([*LIST, addition], stage=Stage.LEGACY, **nothing_else)
    assert set(moved) == {route.name for route in LIST}


def test_an_end_that_is_forced_needs_no_day() -> None:
    assert retire_edits(LIST, sunset=None, today=TODAY, forced=True)["posts.list"]["stage"] == "retired"


@pytest.mark.parametrize(
    ("patterns", "kind", "expected"),
    [
        (["posts.list"], RouteKind.ALL, ["posts.list"]),
        (["tags.*"], RouteKind.ALL, ["tags.list", "tags.create", "tags.retrieve", "tags.update", "tags.delete"]),
        (["tags.*"], RouteKind.READS, ["tags.list", "tags.retrieve"]),
        (["tags.*"], RouteKind.WRITES, ["tags.create", "tags.update", "tags.delete"]),
        (["tags.list", "*.list"], RouteKind.ALL, ["users.list", "posts.list", "feed.list", "tags.list"]),
    ],
)
def test_routes_by_name_and_by_method(patterns: list[str], kind: RouteKind, expected: list[str]) -> None:
    assert [route.name for route in routes_select(ROUTES, patterns, kind=kind)] == expected


@pytest.mark.parametrize(("patterns", "kind"), [(["posts.lst"], RouteKind.ALL), (["tags.list"], RouteKind.WRITES)])
def test_names_that_choose_nothing(patterns: list[str], kind: RouteKind) -> None:
    with pytest.raises(UsageError, match="strangler routes"):
        routes_select(ROUTES, patterns, kind=kind)


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(UsageError, match=r"no route is named canary: that is a stage, which stands behind --to"):
        routes_select(ROUTES, ["posts.list", "canary"])
    with pytest.raises(UsageError, match=r"no route is named post\.list: did you mean posts\.list\?"):
        routes_select(ROUTES, ["post.list"])


@pytest.mark.parametrize(
    ("path", "api", "names"),
    [
        ("/api/posts/12/", Api.V1, ["posts.retrieve", "posts.update", "posts.delete"]),
        ("/api/v2/posts/12?view=minimal", Api.V2, ["posts.retrieve", "posts.update", "posts.delete"]),
        ("/api/posts/recent/", Api.V1, ["posts.recent"]),
        ("/api/users/me", Api.V1, ["users.me", "users.me_update"]),
        ("/api/users/7/posts/", Api.V1, ["users.posts"]),
    ],
)
def test_the_routes_of_a_path(path: str, api: Api, names: list[str]) -> None:
    found, routes, fixed = path_routes(TABLE, path)
    assert (found, [route.name for route in routes], fixed) == (api, names, None)


def test_a_path_of_one_stack_and_one_of_none() -> None:
    _api, routes, fixed = path_routes(TABLE, "/admin/login/")
    assert (routes, fixed and fixed.name) == ((), "django.login")
    with pytest.raises(UsageError, match="no route names /api/nothing/"):
        path_routes(TABLE, "/api/nothing/")
