"""What views of a project's own give rows as they save them, or do in place of deleting one: both are sent the same."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.archive.models import CONTRACT, FILL, MODELS, ROWS
from tests.installed_app import installed_app
from tests.scaffold_callers import ask, sides_of_callers
from tests.scaffolds import Scaffolded, Sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.archive.views",
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
}
CALLERS = ("nobody", "ann", "bob")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with installed_app("tests.archive"), scaffolded(tmp_path_factory.mktemp("archive"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def opened(stack: StackAddresses, worker_id: str, django_db_blocker: Any, archive: Scaffolded) -> Iterator[Sides]:
    named = {"admin_dsn": stack.admin_dsn, "name": f"archive_{worker_id}"}
    with (
        django_db_blocker.unblock(),
        sides_of_callers(archive, CONTRACT, MODELS, fill=FILL, rows=ROWS, **named) as made,
    ):
        yield made


@pytest.fixture
def sides(opened: Sides) -> Sides:
    for each in opened.connections:
        each.execute(FILL)
    return opened


def papers(sides: Sides, columns: str, key: int) -> Any:
    """Those columns of a paper."""
    asked = f"SELECT {columns} FROM a_papers WHERE id = {key}"  # noqa: S608 - columns of ours
    return sides.connections[0].execute(asked.encode()).fetchone()


def test_a_change_saves_its_caller_the_time_and_constants(sides: Sides) -> None:
    bodies = ({}, {"name": "new", "state": "draft"}, {"name": "paper 2"}, {"number": "x"}, b"{")
    statuses = set()
    for caller, method, key, body in itertools.product(CALLERS, ("PUT", "PATCH"), (1, 99), bodies):
        statuses.add(ask(sides, caller, method, f"/edited/{key}/", body).status_code)
    assert statuses == {200, 400, 401, 404}
    assert papers(sides, "name, edited_by_id, state, edited_at IS NULL", 1) == ("new", 902, "checked", False)


def test_a_row_is_marked_in_place_of_its_end(sides: Sides) -> None:
    ends = [ask(sides, caller, "DELETE", f"/edited/{key}/") for caller in CALLERS for key in (1, 1, 99)]
    assert [each.status_code for each in ends] == [401] * 3 + [204, 404, 404] + [404] * 3
    assert papers(sides, "is_active, gone_at IS NULL, changed_at > '2026-01-05'", 1) == (False, True, True)
    assert ask(sides, "bob", "DELETE", "/folders/1/papers/2/").status_code == 204
    assert papers(sides, "is_active, gone_by_id, gone_at IS NULL", 2) == (False, 902, False)
    for path in ("/edited/", "/edited/1/", "/folders/1/papers/2/"):
        ask(sides, "ann", "GET", path)
    for path in ("/edited/1/", "/edited/2/", "/folders/1/papers/2/", "/one/1/2/"):
        ask(sides, "ann", "OPTIONS", path)


def test_a_parent_is_looked_for_once_a_body_is_validated(sides: Sides) -> None:
    names = ("new", "paper 4", "much too long for any paper", None)
    statuses = set()
    for caller, folder, method, name in itertools.product(CALLERS, (1, 2, 3, 9), ("PUT", "PATCH", "POST"), names):
        key, body = "" if method == "POST" else "5/", {} if name is None else {"name": name}
        if (method, name) == ("POST", "new"):
            body = {"name": f"{caller} {folder}"}
        statuses.add(ask(sides, caller, method, f"/folders/{folder}/papers/{key}", body).status_code)
        statuses.add(ask(sides, caller, method, f"/one/{folder}/6/", body).status_code)
    assert statuses == {200, 201, 400, 401, 404, 405}
    assert papers(sides, "folder_id, edited_by_id", 5) in {(2, 902), (3, 901)}
    ask(sides, "ann", "PATCH", "/one/1/3/", {"number": 9})
    assert papers(sides, "folder_id, number", 3) == (1, 3)


def test_what_does_as_drf_does(sides: Sides) -> None:
    assert ask(sides, "ann", "POST", "/named/2/papers/", {"name": "new", "state": "draft"}).json()["state"] == "checked"
    assert ask(sides, "ann", "PATCH", "/named/2/papers/1/", {"number": 5}).json()["number"] == 5
    assert [ask(sides, "ann", "DELETE", "/named/2/papers/1/").status_code for _ in range(2)] == [204, 404]
    assert [ask(sides, "ann", "DELETE", "/one/9/2/").status_code for _ in range(2)] == [204, 404]


def test_a_handler_looks_for_a_parent_before_it_reads_a_body(sides: Sides) -> None:
    bodies = ({"name": "new", "number": 1}, {"name": "paper 4"}, {"state": "x"}, b"{")
    statuses = []
    for caller, folder, body in itertools.product(CALLERS, (1, 2, 9), bodies):
        ask(sides, caller, "GET", f"/hand/{folder}/")
        statuses.append(ask(sides, caller, "POST", f"/hand/{folder}/", body).status_code)
    assert statuses == [401] * 12 + [201, 400, 400, 400] + [404] * 12 + [400] * 4 + [404] * 4
    ask(sides, "ann", "OPTIONS", "/hand/1/")
    assert papers(sides, "folder_id, made_by_id, state, number", 101) == (1, 901, "checked", 4)


def test_handlers_save_their_caller_and_constants(sides: Sides) -> None:
    for caller, method, key in itertools.product(CALLERS, ("PUT", "PATCH"), (1, 9)):
        for body in ({"name": "other"}, {"name": "paper 2"}, {"number": 3}, b"{"):
            ask(sides, caller, method, f"/hands/{key}/", body)
    assert papers(sides, "edited_by_id, edited_at IS NULL, number", 1) == (902, False, 8)


def test_nobody_becomes_no_row_of_a_column_that_may_be_null(sides: Sides) -> None:
    answers = []
    for caller in ("nobody", "ann"):
        made = ask(sides, caller, "POST", "/anyone/1/papers/", {"name": caller})
        changed = (ask(sides, caller, method, "/anyone/1/papers/1/", {"name": "x"}) for method in ("PUT", "PATCH"))
        answers += [made, *changed, ask(sides, caller, "DELETE", "/anyone/1/papers/2/")]
    assert [each.status_code for each in answers] == [501] * 4 + [201, 200, 200, 204]
    assert papers(sides, "edited_by_id", 1) == (901,)


def test_what_a_body_says_of_rows_may_never_be_shown(sides: Sides) -> None:
    for path in ("/hidden/", "/hidden/1/", "/hidden-folders/", "/hidden-folders/1/"):
        ask(sides, "ann", "GET", path)
    for folder in (2, 99, None):
        ask(sides, "ann", "POST", "/hidden-folders/", {"name": "new", "folder": folder})
        ask(sides, "ann", "PATCH", "/hidden-folders/1/", {"folder": folder})


def test_gaps(archive: Scaffolded) -> None:
    hidden = ("POST /hidden/", "PUT /hidden/{pk}/", "PATCH /hidden/{pk}/")
    own = "{0}.perform_{1} is your own".format
    assert {name: found for name, found in archive.gaps.items() if found} == {
        "POST /edited/": ["column folder_id gets no value, so Django fails with 500"],
        "POST /texts/{folder_pk}/papers/": [own("TextPapers", "create")],
        "POST /hands/{pk}/": ["handler ByHandOne.post is your own"],
        "POST /body-first/{folder_pk}/": ["handler BodyFirst.post is your own"],
        "PUT /body-first/{folder_pk}/": ["handler BodyFirst.put is your own"],
        **{name: ["field gone_by: a SlugRelatedField that is never shown"] for name in hidden},
        "POST /elsewhere/{folder_pk}/": ["handler Elsewhere.post is your own"],
        "POST /others/": [own("Others", "create")],
        **{f"{method} /others/{{pk}}/": [own("Others", "update")] for method in ("PUT", "PATCH")},
        "DELETE /others/{pk}/": [own("Others", "destroy")],
        **{f"{method} /other/{{pk}}/": [own("OtherOne", "update")] for method in ("PUT", "PATCH")},
        "DELETE /other/{pk}/": [own("OtherOne", "destroy")],
    }
