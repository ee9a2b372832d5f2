"""What still ties a system to Django: nothing is taken for gone that is there, or that nobody could look at."""

import datetime as dt

from strangler.cutover.tables import DjangoTable
from strangler.cutover.ties import Tie, owner_tie, route_ties, table_tie, traffic_ties, usage_ties
from strangler.cutover.traffic import RecentTraffic
from strangler.cutover.usage import DjangoUsage
from strangler.metrics.access_log import LoggedRequest
from strangler.routes.prefixes import Prefixes
from strangler.routes.table import RouteTable, parse_routes

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def table(text: str) -> RouteTable:
    prefixes = Prefixes(v1="/api", v2="/api/v2", django="/api", fastapi="/api/v2")
    return parse_routes(text, source="routes.toml", prefixes=prefixes)


def route(name: str, stage: str, more: str = "") -> str:
    path = name.replace(".", "/")
    return f'[[route]]\nname = "{name}"\nmethods = ["GET"]\npath = "/{path}/"\nstage = "{stage}"\n{more}\n'


def left(ties: list[Tie]) -> dict[str, tuple[str, ...]]:
    return {tie.kind: tie.items for tie in ties if tie.is_left}


def test_a_route_is_left_until_django_neither_answers_it_nor_stands_behind_it() -> None:
    whole = table(
        route("a.x", "legacy")
        + route("b.x", "canary", "percent = 50")
        + route("c.x", "migrated", "fallback = true\nshadow = 5")
        + route("d.x", "retired")
        + route("e.x", "parallel", "v2_only = true")
        + '[[fixed]]\nname = "admin.all"\npath = "/admin/"\nstack = "django"\n'
    )
    assert left(list(route_ties(whole))) == {
        "routes at legacy": ("a.x",),
        "routes at canary": ("b.x",),
        "fallback": ("c.x",),
        "shadow": ("c.x",),
        "fixed paths": ("admin.all /admin/",),
    }
    assert left(list(route_ties(table(route("c.x", "migrated") + route("e.x", "parallel", "v2_only = true"))))) == {}


def traffic(*requests: tuple[int, str, str, str, str]) -> RecentTraffic:
    found = RecentTraffic(since=NOON)
    logged = [
        LoggedRequest(
            time=NOON + dt.timedelta(minutes=minutes),
            api=api,
            route=name,
            stack=stack,
            fallback=fallback,
            status=200,
            caller="user:1",
            user_agent="",
        )
        for minutes, api, name, stack, fallback in requests
    ]
    found.add(logged, routes={"a.x", "b.x"})
    return found


def test_traffic_counts_what_was_djangos_and_says_where_the_log_ends() -> None:
    found = traffic(
        (-9, "v1", "a.x", "django", ""),
        (1, "v1", "a.x", "django", ""),
        (2, "v2", "a.x", "django", ""),
        (3, "v1", "b.x", "fastapi", ""),
        (4, "v1", "b.x", "django", "fastapi"),
        (5, "v1", "admin.all", "django", ""),
        (6, "v1", "-", "django", ""),
    )
    assert (found.django, found.fallbacks) == ({"a.x": 2, "admin.all": 1}, {"b.x": 1})
    assert found.v1 == {"a.x": 1, "b.x": 2}
    assert left(list(traffic_ties(found))) == {"traffic of Django": ("a.x 2", "admin.all 1"), "fallbacks": ("b.x 1",)}
    # No request of Django's in a log of yesterday says nothing of the week before.
    assert [tie.count for tie in traffic_ties(traffic((1, "v1", "b.x", "fastapi", "")))] == [None]
    assert [tie.count for tie in traffic_ties(traffic((-1, "v1", "b.x", "fastapi", "")))] == [0]
    assert [tie.count for tie in traffic_ties(traffic())] == [None]


def test_what_django_could_not_read_is_left() -> None:
    unread = {"format": 1, "unread": [{"what": "receivers", "reason": "KeyError"}]}
    ties = [*usage_ties(DjangoUsage.model_validate(unread))]
    assert [(tie.kind, tie.count, tie.is_left) for tie in ties if tie.kind != "tasks"] == [
        ("task libraries", 0, False),
        ("receivers", None, True),
    ]
    cached = {
        "format": 1,
        "sessions": {"engine": "cache", "live": None},
        "staff": 2,
        "admin_log": {"rows": 0, "last": None},
    }
    assert left([*usage_ties(DjangoUsage.model_validate(cached))]) == {"sessions": (), "staff": ()}


def test_tables_are_counted_where_they_are_there() -> None:
    tie = table_tie(
        [DjangoTable(key="a", rows=2), DjangoTable(key="b", rows=9, estimated=True), DjangoTable(key="c", rows=None)]
    )
    assert (tie.count, tie.items) == (2, ("b (about 9)", "a (2)"))
    assert table_tie([DjangoTable(key="c", rows=None)]).is_left is False
    assert [owner_tie(handed_over=owned).is_left for owned in (True, False)] == [False, True]
