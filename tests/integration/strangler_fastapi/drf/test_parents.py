"""Rows that belong to others which a path names, as `strangler scaffold` writes them: both sides are sent the same."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from django_app.accounts.models import User
from tests.installed_app import installed_app
from tests.reviews.models import ANNS, BOBS, CONTRACT, FILL, MODELS, ROWS
from tests.scaffold_callers import ask, sides_of_callers
from tests.scaffolds import Scaffolded, Sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.reviews.views",
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with installed_app("tests.reviews"), scaffolded(tmp_path_factory.mktemp("reviews"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, reviews: Scaffolded) -> Iterator[Sides]:
    named = {"admin_dsn": stack.admin_dsn, "name": f"reviews_{worker_id}"}
    with (
        django_db_blocker.unblock(),
        sides_of_callers(reviews, CONTRACT, MODELS, fill=FILL, rows=ROWS, **named) as made,
    ):
        yield made


LISTS = (
    *("/titles/1/reviews/", "/titles/3/reviews/", "/titles/9/reviews/", "/titles/99999999999999999999/reviews/"),
    *("/titles/1/reviews/?page=9", "/titles/9/reviews/?page=9", "/titles/1/reviews/?search=long"),
    *("/titles/1/reviews/1/comments/", "/titles/2/reviews/1/comments/", "/titles/9/reviews/9/comments/"),
    *("/slugged/emma/1/comments/", "/slugged/lost/4/comments/", "/slugged/emma/3/comments/"),
    *("/slugged/2/3/comments/", "/slugged/none/1/comments/"),
    *("/by/emma/reviews/", "/by/lost/reviews/", "/by/2/reviews/", "/by/none/reviews/"),
    *(f"/projects/{key}/tasks/" for key in (ANNS, BOBS, ANNS.replace("1", "9"), "7", "none")),
)


def test_a_list_is_that_of_a_row_which_is_there(sides: Sides) -> None:
    """Whoever may not see it is refused before."""
    statuses = set()
    for caller, path in itertools.product(("nobody", "ann", "bob"), LISTS):
        statuses.add(ask(sides, caller, "GET", path).status_code)
    for path in LISTS:
        ask(sides, "kim", "HEAD", path)
        ask(sides, "kim", "OPTIONS", path)
    assert statuses == {200, 401, 404}


def test_a_row_is_found_after_the_one_that_it_belongs_to(sides: Sides) -> None:
    bodies = {"GET": None, "OPTIONS": None, "PUT": {"text": "changed", "score": 1}, "PATCH": {"score": "x"}}
    for list_path, key in itertools.product((path for path in LISTS if "?" not in path), (1, 2, 3)):
        for method, body in bodies.items():
            ask(sides, "ann" if key == 1 else "bob", method, f"{list_path}{key}/", body)
        ask(sides, "nobody", "PATCH", f"{list_path}{key}/", {})
    for caller in ("nobody", "bob", "ann"):
        for path in ("/titles/2/reviews/1/", "/titles/9/reviews/1/", "/slugged/none/1/comments/2/"):
            ask(sides, caller, "DELETE", path)
    assert ask(sides, "ann", "DELETE", "/titles/1/reviews/1/comments/2/").status_code == 204
    assert ask(sides, "bob", "DELETE", f"/projects/{ANNS}/tasks/1/").status_code == 404
    assert ask(sides, "ann", "DELETE", f"/projects/{ANNS}/tasks/1/").status_code == 204


def test_a_new_row_belongs_to_one_that_is_there(sides: Sides) -> None:
    """Whose absence is answered once the body is validated."""
    bodies = ({}, {"text": "much too long for any text of these"}, b"{", {"text": "short", "name": "short"})
    asked = itertools.product(("nobody", "ann", "kim"), LISTS, bodies)
    made = [ask(sides, caller, "POST", path, body).status_code for caller, path, body in asked]
    assert {*made} == {201, 400, 401, 404}
    assert ask(sides, "kim", "POST", "/by/none/reviews/", {"text": "new"}).status_code == 404


def test_what_there_is_already_is_refused(sides: Sides) -> None:
    """As `validate` says, once each value is good by itself; a change of it isn't."""
    for each in sides.connections:
        each.execute(FILL)
    said = {"text": "new", "score": 7}
    for caller, path in itertools.product(("nobody", "ann", "kim"), ("/titles/2/reviews/", "/by/lost/reviews/")):
        made = [ask(sides, caller, "POST", path, body) for body in (said, said, {"score": "x"})]
        if caller == "kim":
            assert [each.status_code for each in made] == [201, 400, 400]
            ask(sides, caller, "PATCH", f"{path}1/", said)
    assert ask(sides, "bob", "POST", "/titles/2/reviews/", said).json() == {
        "non_field_errors": ["One review of each title."]
    }
    assert ask(sides, "ann", "POST", "/by/lost/reviews/", said).json() == {"title": ["Twice."]}
    comments = "/titles/2/reviews/3/comments/"
    assert ask(sides, "ann", "POST", comments, {"text": "closed"}).status_code == 201
    assert ask(sides, "ann", "POST", comments, {"text": "more"}).json() == {"non_field_errors": ["Closed."]}
    assert ask(sides, "ann", "PATCH", f"{comments}3/", {"text": "more"}).status_code == 400
    assert ask(sides, "ann", "PUT", f"{comments}3/", {"text": ""}).json()["text"] == ["This field may not be blank."]


def test_a_row_that_nothing_is_shown_of_is_looked_for_all_the_same(sides: Sides) -> None:
    assert ask(sides, "nobody", "GET", "/looked/emma/3/").status_code == 200
    assert ask(sides, "nobody", "GET", "/looked/none/3/").status_code == 404
    assert ask(sides, "kim", "POST", f"/unlooked/{BOBS}/", {"name": "paint"}).status_code == 201


def test_actions_are_of_rows_that_belong_to_one_which_is_there(sides: Sides) -> None:
    for each in sides.connections:
        each.execute(FILL)
    found = set()
    for caller, key in itertools.product(("nobody", "ann", "bob"), (ANNS, BOBS, "none")):
        found.add(ask(sides, caller, "GET", f"/projects/{key}/tasks/done/").status_code)
        found |= {ask(sides, caller, "POST", f"/projects/{key}/tasks/{task}/finish/").status_code for task in (1, 3)}
    assert found == {200, 401, 404}
    for method in ("OPTIONS", "GET"):
        ask(sides, "ann", method, f"/projects/{ANNS}/tasks/1/finish/")
    by_hand = [ask(sides, caller, "GET", f"/hand/{key}/") for caller in ("nobody", "ann") for key in (1, 2, 99)]
    assert [len(each.json()) for each in by_hand] == [2, 0, 1, 2, 0, 1]


def test_where_django_fails_without_a_row_it_is_404(sides: Sides) -> None:
    assert ask(sides, "nobody", "GET", "/looked/emma/99/").status_code == 404
    headers = {"Authorization": f"Bearer {AccessToken.for_user(User(pk=903, password='!'))}"}
    asked = sides.both.library.request(
        "POST", f"/unlooked/{BOBS.replace('2', '3')}/", headers=headers, json={"name": "x"}
    )
    # The example's own middleware answers 503 where a key of another table is refused.
    assert sides.both.runner.run(asked).status_code == 404


def test_gaps(reviews: Scaffolded) -> None:
    assert {name: found for name, found in reviews.gaps.items() if found} == {
        "GET /chosen/{review_id}/": ["Chosen.get_queryset is your own"],
        "GET /caught/{review_id}/": ["handler CommentsCaught.get is your own"],
        "GET /good/{review_id}/": ["handler CommentsOfGood.get is your own"],
        "POST /hand/{review_id}/": ["handler CommentsOf.post is your own"],
        "GET /modelled/{review_id}/": ["permissions look for Review before they refuse"],
        "POST /modelled/{review_id}/": ["permissions look for Review before they refuse"],
    }
