"""What is another for each caller: fields, rows and permissions of the kitchen, as `strangler scaffold` writes them."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import psycopg
import pytest
from django.conf import settings as djangos

from shared_schema.consumer.derivation import derive_feature
from tests.installed_app import installed_app
from tests.kitchen.models import CONTRACT, FILL, MODELS, ROWS
from tests.scaffold_callers import CALLERS, ask, sides_of_callers, token_of
from tests.scaffolds import Scaffolded, Sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.kitchen.views",
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_PAGINATION_CLASS": None, "DEFAULT_THROTTLE_CLASSES": ()},
}


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with installed_app("tests.kitchen"), scaffolded(tmp_path_factory.mktemp("kitchen"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, kitchen: Scaffolded) -> Iterator[Sides]:
    named = {"admin_dsn": stack.admin_dsn, "name": f"kitchen_{worker_id}"}
    with (
        django_db_blocker.unblock(),
        sides_of_callers(kitchen, CONTRACT, MODELS, fill=FILL, rows=ROWS, **named) as made,
    ):
        yield made


def test_each_caller_gets_its_own_answers_one_after_the_other(sides: Sides) -> None:
    """Of one statement: in lists, of single rows, and of those within others."""
    for path in (
        "/recipes/",
        "/recipes/1/",
        "/recipes/2/",
        "/recipes/3/",
        "/teams/",
        "/teams/1/",
        "/liked/",
        "/shown/",
    ):
        found = {caller: ask(sides, caller, "GET", path).content for caller in (*CALLERS, *reversed(CALLERS))}
        # Nobody at all, and kim, who has no rows, may be answered alike.
        assert len({*found.values()}) >= 3, (path, found)
    for method, path in itertools.product(("HEAD", "OPTIONS"), ("/recipes/1/", "/liked/")):
        for caller in CALLERS:
            ask(sides, caller, method, path)


def test_what_a_caller_writes_is_shown_as_the_caller_sees_it(sides: Sides) -> None:
    for caller in CALLERS:
        made = ask(sides, caller, "POST", "/recipes/", {"name": f"of {caller}", "team": 1})
        if caller != "nobody":
            assert made.status_code == 201
            assert (made.json()["is_mine"], made.json()["is_favorited"]) == (True, False)
    for caller in ("kim", "ann", "bob"):
        changed = ask(sides, caller, "PATCH", "/recipes/2/", {"name": f"{caller}'s", "editor": 901})
        assert changed.json()["is_mine"] is (caller == "bob")
        assert changed.json()["is_favorited"] is (caller != "kim")


def test_the_row_of_a_caller_is_found_by_the_caller(sides: Sides) -> None:
    for caller in CALLERS:
        for method, path, body in (
            ("GET", "/me/", None),
            ("HEAD", "/me/", None),
            ("OPTIONS", "/me/", None),
            ("PATCH", "/me/", {"bio": f"is {caller}"}),
            ("PUT", "/me/", {"bio": "much too long for a bio of theirs"}),
        ):
            ask(sides, caller, method, path, body)
    for caller in ("nobody", "bob", "ann"):
        ask(sides, caller, "GET", "/me/again/")
    for caller in ("nobody", "bob"):
        ask(sides, caller, "DELETE", "/me/again/")
        ask(sides, caller, "GET", "/me/")


def test_a_filter_set_leaves_out_what_its_code_does(sides: Sides) -> None:
    found = {}
    for caller, path in itertools.product(CALLERS, ("/own-orders/", "/unpaid-orders/")):
        for query in ("", "?state=new", "?state=done", "?state=x", "?is_paid=true", "?is_paid=false&state=new"):
            answer = ask(sides, caller, "GET", f"{path}{query}")
            found[caller, path, query] = len(answer.json()) if answer.status_code == 200 else answer.status_code
        for key in (1, 2, 9):
            ask(sides, caller, "GET", f"{path}{key}/")
    seen = [found[caller, "/own-orders/", ""] for caller in ("nobody", "ann", "kim")]
    assert seen[0] == 401
    assert 0 < seen[1] < seen[2]


def test_a_row_is_marked_by_an_action(sides: Sides) -> None:
    """By who may: another's order isn't there."""
    for caller, key in itertools.product(CALLERS, (1, 2, 9)):
        for method, name in (
            ("POST", "finish"),
            ("PATCH", "pay"),
            ("GET", "pay"),
            ("OPTIONS", "finish"),
            ("GET", "paid"),
            ("POST", "paid"),
            ("HEAD", "paid"),
        ):
            ask(sides, caller, method, f"/orders/{key}/{name}/", {"state": "new"} if method == "POST" else None)
    made = ask(sides, "kim", "POST", "/orders/", {"is_paid": True}).json()
    assert made["user"] == CALLERS["kim"]
    for details in ({"a": [1, None]}, None, "text", 7, []):
        ask(sides, "kim", "PATCH", f"/orders/{made['id']}/", {"details": details})
    done = ask(sides, "kim", "POST", f"/orders/{made['id']}/finish/").json()
    assert (done["state"], done["done_by"]) == ("done", CALLERS["kim"])


def test_members_alone_may_change_what_is_theirs(sides: Sides) -> None:
    """Whoever isn't one is refused, in every method that looks for the row."""
    found = set()
    for caller, key in itertools.product(CALLERS, (1, 2, 9)):
        for method, body in (("GET", None), ("PATCH", {"name": caller}), ("PUT", {"name": ""}), ("OPTIONS", None)):
            answer = ask(sides, caller, method, f"/joined/{key}/", body)
            found |= {(caller, key, answer.status_code)} if method == "PATCH" else set()
    assert {each for each in found if each[2] == 200} == {("ann", 1, 200), ("bob", 1, 200), ("bob", 2, 200)}
    assert ask(sides, "kim", "DELETE", "/joined/2/").status_code == 403
    assert ask(sides, "bob", "DELETE", "/joined/2/").status_code == 204


def test_what_belongs_to_another_row_is_its_owners(sides: Sides) -> None:
    """Permissions that look at attributes of the view, and call a method of the row."""
    found = set()
    for caller, key in itertools.product(CALLERS, (1, 3, 4)):
        for method, body in (("OPTIONS", None), ("GET", None), ("PATCH", {"score": 10 * key}), ("HEAD", None)):
            answer = ask(sides, caller, method, f"/ratings/{key}/", body)
            found |= {(caller, key, method)} if answer.status_code == 200 else set()
    read = {("ann", 1), ("ann", 3), ("bob", 4)}
    assert {(caller, key) for caller, key, method in found if method == "PATCH"} == read
    assert {(caller, key) for caller, key, method in found if method == "GET"} == read | {
        ("kim", 1),
        ("kim", 3),
        ("kim", 4),
    }
    assert [ask(sides, caller, "GET", "/ratings/").status_code for caller in CALLERS] == [401, 200, 200, 200]
    refused = ask(sides, "bob", "DELETE", "/ratings/1/")
    assert (refused.status_code, refused.json()) == (403, {"detail": "Not yours."})
    assert ask(sides, "ann", "DELETE", "/ratings/1/").status_code == 204


def test_rows_within_a_row_that_is_not_there(sides: Sides) -> None:
    """A list that nobody looks for it in is empty; a new row is refused."""
    for score, (caller, key) in enumerate(itertools.product(CALLERS, (1, 9)), 50):
        for method, body in (("GET", None), ("HEAD", None), ("POST", {"recipe": 3, "score": score}), ("POST", {})):
            ask(sides, caller, method, f"/dishes/{key}/ratings/", body)
    assert ask(sides, "ann", "GET", "/dishes/9/ratings/").status_code == 200
    assert ask(sides, "ann", "POST", "/dishes/9/ratings/", {"recipe": 3}).status_code == 404
    for each in sides.connections:
        each.execute("DELETE FROM k_ratings WHERE id > 100")


def test_an_order_by_a_foreign_key_is_that_of_the_rows_behind_it(sides: Sides) -> None:
    """Teams are ordered by name, the last one first; a recipe without one comes first, or last where it descends."""
    orders = (
        "recipe__team,score",
        "-recipe__team,score",
        "score,recipe__team",
        "recipe,-score",
        "recipe__team,-recipe__team,-score",
    )
    answers = [ask(sides, "ann", "GET", f"/ratings/?ordering={order}").json() for order in orders]
    found = [[each["id"] for each in answer["results"]] for answer in answers]
    assert (found[0][0], found[1][-1]) == (4, 4)


def test_clients_are_told_how_long_to_keep_an_answer(sides: Sides) -> None:
    seconds = {}
    for method, path in itertools.product(("GET", "HEAD", "OPTIONS"), ("/kept/", "/kept/1/", "/kept/9/", "/kept-all/")):
        answer = ask(sides, "ann", method, path)
        expires = answer.headers.get("Expires")
        left = None if expires is None else parsedate_to_datetime(expires).timestamp() - time.time()
        seconds[method, path] = None if left is None else round(left, -1)
    told = {path: [seconds[method, path] for method in ("GET", "HEAD", "OPTIONS")] for _, path in seconds}
    nothing = [None, None, None]
    assert told == {"/kept/": [900, 900, None], "/kept/1/": nothing, "/kept/9/": nothing, "/kept-all/": [60, 60, None]}
    assert ask(sides, "nobody", "POST", "/kept-all/", {"name": "green"}).status_code == 401
    assert ask(sides, "ann", "POST", "/kept-all/", {}).status_code == 400
    assert ask(sides, "ann", "POST", "/kept-all/", {}, Accept="text/html").status_code == 406


def test_who_may_depends_on_the_action(sides: Sides) -> None:
    for caller in CALLERS:
        for path in ("/public/", "/public/1/"):
            assert ask(sides, caller, "GET", path).status_code == 200
            ask(sides, caller, "OPTIONS", path)
        refused = [
            ask(sides, caller, "POST", "/public/", {"name": "green"}),
            ask(sides, caller, "DELETE", "/public/1/"),
        ]
        refused.append(ask(sides, caller, "PATCH", "/public/1/", {"name": "green"}))
        assert {each.status_code for each in refused} == {401 if caller == "nobody" else 403}


def test_what_has_no_serializer_is_removed_by_who_may(sides: Sides) -> None:
    statuses = [
        ask(sides, caller, method, f"/removal/{key}/").status_code
        for caller, key in itertools.product(("nobody", "kim", "bob", "ann"), (9, 1, 2))
        for method in ("OPTIONS", "GET", "DELETE")
    ]
    assert statuses.count(204) == 2
    assert {401, 403, 404, 405} <= {*statuses}


def test_an_image_in_a_text_is_taken_or_refused_alike(sides: Sides) -> None:
    for sent in ("data:image/png;base64,aGVsbG8=", "data:image/png;base64,", "no image", 7, None):
        ask(sides, "nobody", "POST", "/photos/", {"picture": sent})
        ask(sides, "ann", "PATCH", "/photos/1/", {"picture": sent})
    for method, path in (("GET", "/photos/"), ("OPTIONS", "/photos/"), ("PATCH", "/photos/2/"), ("POST", "/photos/")):
        ask(sides, "ann", method, path, {} if method in ("PATCH", "POST") else None)


def test_gaps(kitchen: Scaffolded) -> None:
    assert {name: found for name, found in kitchen.gaps.items() if found} == {
        "GET /paid/": ["PaidViewSet.get_queryset is your own"],
        "GET /paid/{pk}/": ["PaidViewSet.get_queryset is your own"],
        "GET /twice/": ["its answers are kept twice"],
        "GET /orders/{pk}/unpaid/": ["handler OrderViewSet.unpaid is your own"],
        "POST /orders/{pk}/forget/": ["handler OrderViewSet.forget is your own"],
        "POST /orders/{pk}/stale/": ["handler OrderViewSet.stale is your own"],
        "PUT /whole/{pk}/": ["serializer Whole: update is your own"],
        "PATCH /whole/{pk}/": ["serializer Whole: update is your own"],
    }


def test_rows_are_shown_and_ordered_by_numbers_of_others(sides: Sides, kitchen: Scaffolded) -> None:
    assert [gaps for name, gaps in kitchen.gaps.items() if "rated" in name] == [[], []]
    for each in sides.connections:
        each.execute(FILL)
        each.execute(
            "INSERT INTO k_ratings (user_id, recipe_id, score, is_final)"
            " SELECT 902, 2, score, false FROM unnest(ARRAY[1, 2, 4, 7, 7, -3, 9]) AS score"
        )
    shown = ask(sides, "nobody", "GET", "/rated/").json()["results"]
    assert [each["whole"] for each in shown] == [3, 3, 4]
    for path in ("/rated/?ordering=rating,id", "/rated/?ordering=-rating", "/rated/?ordering=-best,many", "/rated/2/"):
        ask(sides, "nobody", "GET", path)
    for each in sides.connections:
        each.execute("DELETE FROM k_ratings WHERE recipe_id = 2")
    assert ask(sides, "nobody", "GET", "/rated/2/").json()["rating"] is None
    assert ask(sides, "nobody", "GET", "/rated/?ordering=-rating").json()["results"][0]["total"] == 0
    for path in ("/rated/", "/rated/1/"):
        ask(sides, "nobody", "OPTIONS", path)


def test_a_row_is_counted_up_and_down_by_an_action(sides: Sides) -> None:
    """Beyond what a column holds Django fails."""
    for each in sides.connections:
        each.execute(FILL)
    statuses = [
        ask(sides, caller, "POST", f"/orders/{key}/{name}/").status_code
        for caller, key in (("ann", 1), ("bob", 2), ("bob", 1), ("nobody", 1))
        for name in ("see", "see", "toggle", "toggle", "toggle", "unsee", "unsee", "unshown")
    ]
    assert {200, 400, 401, 404} == {*statuses}
    for _ in range(5):
        last = ask(sides, "bob", "POST", "/orders/2/unsee/")
    assert (last.status_code, [*last.json()]) == (400, ["views"])


LINES: tuple[Any, ...] = (
    [],
    [{"item": "a"}, {"item": "b", "amount": 3, "recipe": 1, "extra": None}, {"item": "c", "extra": {"a": [1]}}],
    [{"item": "too long"}, {"item": "b"}, {}],
    [{"item": "a", "recipe": 99, "amount": -1}],
    None,
    {"item": "a"},
    ["a"],
)


@pytest.mark.parametrize("path", ["/baskets/", "/bulk/"])
def test_rows_within_a_body_are_written_as_by_the_projects_own_methods(
    sides: Sides, kitchen: Scaffolded, path: str
) -> None:
    assert [(name, gaps) for name, gaps in kitchen.gaps.items() if gaps and path in name] == []
    for each in sides.connections:
        each.execute(FILL)
    statuses = set()
    for lines in LINES:
        made = ask(sides, "ann", "POST", path, {"name": "a", "lines": lines})
        statuses.add(made.status_code)
    ask(sides, "ann", "POST", path, {"name": "without"})
    ask(sides, "nobody", "POST", path, {"name": "b", "lines": LINES[1]})
    made = ask(sides, "bob", "POST", path, {"name": "b", "lines": LINES[1], "likers": [901, 903]})
    one = f"{path}{made.json()['id']}/"
    for method, lines in itertools.product(("PATCH", "PUT"), LINES):
        statuses.add(ask(sides, "ann", method, one, {"name": method, "lines": lines}).status_code)
        ask(sides, "ann", "GET", one)
    ask(sides, "ann", "PATCH", one, {"lines": LINES[1]})
    assert len(ask(sides, "ann", "PATCH", one, {"name": "same"}).json()["lines"]) == 3
    ask(sides, "ann", "PUT", one, {"name": "same"})
    ask(sides, "ann", "OPTIONS", one)
    assert {200, 201, 400} <= statuses


def test_functions_of_the_projects_own_check_values(sides: Sides) -> None:
    said = {
        str(ask(sides, "ann", "POST", "/bulk/", {"name": name, "year": year}).json().get("name"))
        for name in ("me", "ME", "Me ", "you", "we", "abc", "they", "good", "", None, 7, 777)
        for year in (2026, 2027, 1, -5, "2090", "x", None)
    }
    assert len(said) > 6
    ask(sides, "ann", "PATCH", "/bulk/1/", {"year": 9_999})
    ask(sides, "ann", "OPTIONS", "/bulk/")


LINKING = (
    ("POST", "/menu/{key}/favorite/"),
    ("DELETE", "/menu/{key}/favorite/"),
    ("POST", "/menu/{key}/like/"),
    ("DELETE", "/menu/{key}/like/"),
    ("POST", "/menu/{key}/keep/"),
    ("POST", "/menu/{key}/cook/"),
    ("POST", "/menu/{key}/star/"),
    ("DELETE", "/menu/{key}/clear/"),
    ("POST", "/clubs/{key}/join/"),
    ("POST", "/clubs/{key}/leave/"),
    ("POST", "/clubs/{key}/join/"),
    ("POST", "/clubs/{key}/depart/"),
    ("POST", "/follow/90{key}/"),
    ("DELETE", "/follow/90{key}/"),
)


def test_a_row_is_linked_to_the_caller_and_no_longer(sides: Sides, kitchen: Scaffolded) -> None:
    """Twice each: where there is a link, and where there is none."""
    linking = ("menu", "clubs", "follow")
    assert [name for name, gaps in kitchen.gaps.items() if gaps and any(each in name for each in linking)] == []
    for each in sides.connections:
        each.execute(FILL)
    statuses: dict[tuple[str, str], set[int]] = {}
    for caller, (method, path), key in itertools.product(CALLERS, LINKING, (1, 2, 9)):
        for _ in range(2):
            answer = ask(sides, caller, method, path.format(key=key), {"ignored": 1} if method == "POST" else None)
            statuses.setdefault((method, path), set()).add(answer.status_code)
    assert all(len(each) > 2 for each in statuses.values()), statuses
    for _, path in LINKING:
        ask(sides, "ann", "OPTIONS", path.format(key=1))


def test_what_actions_and_rows_within_write_is_said_of_the_feature(sides: Sides, kitchen: Scaffolded) -> None:  # noqa: ARG001 - they map the tables
    """FastAPI's role may read and write so much, and no more."""
    clubs, baskets, orders = (
        derive_feature(kitchen.module(f"{name}.statements").feature_statements(), CONTRACT)
        for name in ("clubs", "baskets", "orders")
    )
    assert (clubs.inserts, clubs.updates, clubs.deletes) == (
        {"k_team_members": ("team_id", "user_id")},
        {},
        ("k_team_members",),
    )
    assert baskets.inserts["k_lines"] == ("amount", "basket_id", "extra", "item", "recipe_id")
    assert "k_lines" in baskets.deletes
    assert "views" in orders.updates["k_orders"]


def test_of_two_that_add_a_link_at_a_time_the_second_is_answered_as_later(sides: Sides) -> None:
    """Where Django fails with 500, by the database's constraint."""
    ours = sides.connections[0]
    ours.execute(FILL)
    headers = {"Authorization": f"Bearer {token_of(903)}"}

    async def meanwhile() -> Any:
        with psycopg.connect(ours.info.dsn, password=ours.info.password) as first:
            first.execute("INSERT INTO k_favorites (user_id, recipe_id) VALUES (903, 1)")
            second = asyncio.create_task(sides.both.library.request("POST", "/menu/1/favorite/", headers=headers))
            async with asyncio.timeout(10):
                while ours.execute(_WAITING).fetchone() != (True,):  # noqa: ASYNC110 - the database tells nobody
                    await asyncio.sleep(0.01)
        return await second

    answer = sides.both.runner.run(meanwhile())
    assert (answer.status_code, answer.json()) == (400, {"errors": "It is one already."})
    assert ours.execute("SELECT count(*) FROM k_favorites WHERE user_id = 903").fetchone() == (1,)


_WAITING = "SELECT exists(SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
