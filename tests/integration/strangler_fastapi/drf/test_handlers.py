"""Handlers of a project's own, and what `strangler scaffold` writes of them: both are sent the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings as djangos

from tests.databases import empty_database
from tests.generated_rows.tables import FILL, MAPPING, MODELS, ROWS
from tests.scaffolds import Scaffolded, Sides, both_sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.handlers.urls",
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_PAGINATION_CLASS": None, "DEFAULT_THROTTLE_CLASSES": ()},
}


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with scaffolded(tmp_path_factory.mktemp("handled"), MAPPING.contract, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, handled: Scaffolded) -> Iterator[Sides]:
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(empty_database(admin_dsn=stack.admin_dsn, name=f"{name}_{worker_id}"))
            for name in ("handlers_library", "handlers_django")
        ]
        yield opened.enter_context(both_sides(handled, databases, MODELS, fill=FILL, rows=ROWS))


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/makers/", None),
    ("POST", "/makers/", {"name": "Dee", "rank": 4}),
    ("POST", "/makers/", {"name": "Ann"}),
    ("POST", "/makers/", {"name": ""}),
    ("POST", "/makers/", b"{"),
    ("PUT", "/makers/", {}),
    ("OPTIONS", "/makers/", None),
    ("HEAD", "/makers/", None),
    ("GET", "/makers/1/", None),
    ("GET", "/makers/9/", None),
    ("PUT", "/makers/1/", {"name": "Ann", "rank": 2}),
    ("PUT", "/makers/1/", {"rank": 2}),
    ("PUT", "/makers/9/", b"{"),
    ("PATCH", "/makers/1/", {"rank": 3}),
    ("PATCH", "/makers/1/", {"rank": "x"}),
    ("PATCH", "/makers/9/", {}),
    ("OPTIONS", "/makers/1/", None),
    ("POST", "/makers/1/", {}),
    ("DELETE", "/makers/3/", None),
    ("DELETE", "/makers/3/", None),
    ("GET", "/labels/", None),
    ("HEAD", "/labels/", None),
    ("OPTIONS", "/labels/", None),
    ("POST", "/labels/", {"word": "new", "shade": "pale"}),
    ("POST", "/labels/", {"word": "new", "shade": "grey"}),
    ("GET", "/labels/red/", None),
    ("GET", "/labels/none/", None),
    ("PATCH", "/labels/red/", {"word": "red"}),
    ("PATCH", "/labels/red/", {"word": "red", "shade": "blue"}),
    ("PATCH", "/labels/none/", {"word": "red"}),
    ("DELETE", "/labels/new/", None),
    ("DELETE", "/labels/new/", None),
    ("GET", "/shades/grey/", None),
    ("GET", "/shades/none/", None),
    ("POST", "/shades/grey/", {"shade": "dark!"}),
    ("POST", "/shades/grey/", {"shade": "light"}),
    ("POST", "/shades/none/", {"shade": "light"}),
    ("GET", "/things/2/parts/", None),
    ("GET", "/things/9/parts/", None),
    ("POST", "/things/2/parts/", {"thing": 2, "name": "new"}),
    ("POST", "/things/2/parts/", {"thing": 9}),
    ("POST", "/things/2/parts/", {"name": "new"}),
    ("OPTIONS", "/things/2/parts/", None),
    ("GET", "/things/2/parts/1/", None),
    ("GET", "/things/3/parts/1/", None),
    ("DELETE", "/things/3/parts/1/", None),
    ("DELETE", "/things/2/parts/1/", None),
    ("GET", "/sets/", None),
    ("GET", "/sets/unranked/", None),
    ("OPTIONS", "/sets/unranked/", None),
    ("POST", "/sets/", {"name": "Eve"}),
    ("POST", "/sets/", {"name": "Eve"}),
    ("OPTIONS", "/sets/", None),
    ("GET", "/sets/2/", None),
    ("PUT", "/sets/2/", {"name": "Bob"}),
    ("DELETE", "/sets/9/", None),
    ("DELETE", "/sets/2/", None),
    ("OPTIONS", "/sets/1/", None),
    ("GET", "/none/1/", None),
    ("GET", "/none/99/", None),
    ("PUT", "/none/1/", {"name": "Ann", "rank": 8}),
    ("PUT", "/none/1/", {"rank": 8}),
    ("PUT", "/none/99/", {"rank": 8}),
    ("GET", "/maybe/", None),
    ("GET", "/maybe/Ann/", None),
    ("GET", "/maybe/Nobody/", None),
    ("DELETE", "/maybe/Nobody/", None),
    ("DELETE", "/maybe/Dee/", None),
    ("POST", "/copied/", {"name": "Gus", "rank": 9}),
    ("POST", "/copied/", {"name": "Gus"}),
    ("POST", "/copied/", {"name": "Hal", "rank": 7}),
    ("GET", "/copied/", None),
    ("GET", "/copied/?page=2", None),
    ("GET", "/copied/?page=9", None),
    ("GET", "/copied/?search=a", None),
    ("GET", "/copied/ranked/", None),
    ("GET", "/copied/ranked/?search=g", None),
    ("OPTIONS", "/copied/", None),
    ("GET", "/copied/1/", None),
    ("GET", "/copied/1/?search=zzz", None),
    ("PUT", "/copied/1/?search=zzz", {"name": "Ann"}),
    ("PUT", "/copied/1/", {"name": "Ann", "rank": 1}),
    ("PUT", "/copied/1/", {"name": ""}),
    ("PUT", "/copied/99/", {"name": "Ann"}),
    ("OPTIONS", "/copied/1/", None),
    ("GET", "/wrapped/", None),
    ("GET", "/wrapped/?page=9", None),
    ("GET", "/wrapped/1/", None),
    ("GET", "/wrapped/99/", None),
    ("POST", "/wrapped/", {"name": "Ivo"}),
    ("POST", "/wrapped/", {"name": "Ivo"}),
    ("DELETE", "/copied/99/", None),
    ("DELETE", "/copied/105/", None),
    ("GET", "/numbers/", None),
    ("GET", "/numbers/1/", None),
    ("POST", "/numbers/", {"name": "Joe"}),
    ("POST", "/numbers/", {"name": "Joe"}),
    ("PATCH", "/numbers/1/", {"rank": 6}),
    ("PATCH", "/numbers/1/", {"rank": "six"}),
    ("PUT", "/numbers/1/", {"name": "Ann", "rank": 4}),
    ("PUT", "/numbers/99/", {"name": "Ann", "rank": 4}),
    ("GET", "/names/", None),
    ("GET", "/names/?name=a", None),
    ("POST", "/names/", {"name": "Fay"}),
    ("OPTIONS", "/names/", None),
]
NAMED = {"name": "Kit", "rank": 3}
REFUSED: list[tuple[str, str, Any]] = [
    *((method, f"/{view}/1/", NAMED) for view in ("read", "many") for method in ("GET", "PUT", "PATCH", "DELETE")),
    *((method, f"/{view}/99/", NAMED) for view in ("read", "many") for method in ("GET", "PUT", "PATCH", "DELETE")),
    ("PUT", "/read/1/", {}),
    ("OPTIONS", "/read/1/", None),
    ("GET", "/caught/1/", None),
    ("GET", "/caught/99/", None),
    ("PUT", "/caught/1/", {}),
    ("PUT", "/caught/1/", {"name": "Lea"}),
    ("PUT", "/caught/99/", {}),
    ("PUT", "/refused/1/", {"name": "Mo"}),
    ("PUT", "/refused/1/", {}),
    ("PUT", "/refused/99/", {}),
    ("POST", "/made/", {}),
    ("POST", "/made/", {"name": "Ned"}),
    ("GET", "/raised/1/", None),
    ("GET", "/raised/99/", None),
    ("DELETE", "/raised/99/", None),
    ("GET", "/named/", None),
]


def test_what_is_written_answers_as_the_handlers_do(sides: Sides) -> None:
    for method, path, body in REQUESTS:
        sides.ask(method, path, body)


def test_what_is_refused_is_refused_as_the_handlers_do(sides: Sides) -> None:
    for method, path, body in REFUSED:
        sides.ask(method, path, body)


def test_what_a_handler_takes_for_none_is_not_ported(sides: Sides) -> None:
    """Of `if pk:` Django lists all where the path has a 0."""
    answer = sides.both.runner.run(sides.both.library.get("/numbers/0/"))
    assert answer.status_code == 501, answer.text


def test_gaps(handled: Scaffolded) -> None:
    assert {name: found for name, found in handled.gaps.items() if found} == {
        "PUT /labels/{word}/": ["handler label_detail.put is your own"],
        "PATCH /copied/{pk}/": ["CopiedMakers.update is your own"],
        "POST /numbers/{pk}/": ["handler MakerNumber.post is your own"],
        "PATCH /numbers/": ["handler MakerNumber.patch is your own"],
        "PUT /numbers/": ["handler MakerNumber.put is your own"],
        "DELETE /none/{pk}/": ["handler NoMaker.delete is your own"],
        "DELETE /maybe/": ["handler MaybeMaker.delete is your own"],
        "GET /refused/{pk}/": ["handler Refused.get is your own"],
        "PUT /raised/{pk}/": ["handler Raised.put is your own"],
        "POST /raised/{pk}/": ["handler Raised.post is your own"],
        "PATCH /raised/{pk}/": ["handler Raised.patch is your own"],
    }
