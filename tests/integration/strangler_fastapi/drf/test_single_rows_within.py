"""One row within a body, which a serializer's own `create` and `update` write: both sides are sent the same."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings as djangos

from shared_schema.consumer.derivation import derive_feature
from tests.archive.models import CONTRACT, FILL, MODELS, ROWS_WITHIN
from tests.databases import migrated_database
from tests.installed_app import installed_app
from tests.scaffolds import Scaffolded, Sides, both_sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.archive.letter_views",
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_THROTTLE_CLASSES": (), "DEFAULT_AUTHENTICATION_CLASSES": ()},
}


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with installed_app("tests.archive"), scaffolded(tmp_path_factory.mktemp("letters"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def opened(stack: StackAddresses, worker_id: str, django_db_blocker: Any, letters: Scaffolded) -> Iterator[Sides]:
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(migrated_database(admin_dsn=stack.admin_dsn, name=f"{side}_letters_{worker_id}"))
            for side in ("library", "django")
        ]
        yield opened.enter_context(both_sides(letters, databases, MODELS, fill=FILL, rows=ROWS_WITHIN))


@pytest.fixture
def sides(opened: Sides) -> Sides:
    for each in opened.connections:
        each.execute(FILL)
    return opened


ADDRESSES: tuple[Any, ...] = (
    {"street": "west"},
    {"street": "east", "floor": 3},
    {"street": "north"},
    {"floor": "x"},
    {},
    None,
    [],
    "west",
    {"id": 2, "street": "hill"},
)


@pytest.mark.parametrize("path", ["/letters/", "/other-letters/"])
def test_a_row_that_one_points_at_is_made_before_it_and_changed_with_it(sides: Sides, path: str) -> None:
    bodies = [{"text": "new"}, *({"text": "new", "address": each} for each in ADDRESSES), {"address": {"street": "z"}}]
    statuses = [sides.ask("POST", path, each).status_code for each in bodies]
    assert statuses == [400, 201, 201, *[400] * 6, 201, 400]
    for method, key, body in itertools.product(("PUT", "PATCH"), (1, 2, 9), [*bodies, {}, {"pages": 9}]):
        sides.ask(method, f"{path}{key}/", body)
    assert sides.ask("PATCH", f"{path}1/", {"address": {"street": "lane", "floor": 8}}).json()["address"] == {
        "id": 1,
        "street": "lane",
        "floor": 8,
    }
    assert sides.ask("GET", f"{path}3/", None).json()["address"]["street"] == "lane"
    for each in (path, f"{path}1/"):
        sides.ask("OPTIONS", each, None)


BADGES: tuple[Any, ...] = (
    {"code": "C3"},
    {"code": "D4", "folder": 1, "level": 7},
    {"code": "D4", "folder": 99},
    {"level": 4},
    {},
    None,
    [],
)


def test_a_row_that_points_at_one_is_made_after_it_and_changed_with_it(sides: Sides) -> None:
    bodies = [{"name": "new"}, *({"name": "new", "badge": each} for each in BADGES), {"badge": {"code": "z"}}]
    statuses = [sides.ask("POST", "/keepers/", each).status_code for each in bodies]
    assert statuses == [400, 201, 201, *[400] * 6]
    for method, key, body in itertools.product(("PUT", "PATCH"), (1, 2, 9), [*bodies, {}]):
        sides.ask(method, f"/keepers/{key}/", body)
    found = sides.ask("PATCH", "/keepers/2/", {"badge": {"level": 9}}).json()
    assert found == {"id": 2, "name": "new", "badge": {"code": "z", "folder": 1, "level": 9}}
    for path in ("/keepers/", "/keepers/1/"):
        sides.ask("GET", path, None)
        sides.ask("OPTIONS", path, None)


def test_a_new_row_is_written_beside_a_change_that_is_a_gap(sides: Sides) -> None:
    assert sides.ask("POST", "/named-keepers/", {"name": "x", "badge": {"code": "C3"}}).json()["name"] == "new"
    sides.ask("GET", "/named-keepers/1/", None)


def test_what_is_written_is_said_of_the_feature(sides: Sides, letters: Scaffolded) -> None:  # noqa: ARG001 - they map the tables
    """FastAPI's role may read and write so much, and no more."""
    found, keepers = (
        derive_feature(letters.module(f"{name}.statements").feature_statements(), CONTRACT)
        for name in ("letters", "keepers")
    )
    assert found.inserts["a_addresses"] == ("changed_at", "floor", "street")
    assert found.updates["a_addresses"] == ("changed_at", "floor", "street")
    assert keepers.inserts["a_badges"] == ("code", "folder_id", "keeper_id", "level")
    assert keepers.updates["a_badges"] == ("code", "folder_id", "level")


def test_gaps(letters: Scaffolded) -> None:
    either = ["name may be saved, or not, with the rows within"]
    absent = ["field badge: Django leaves it out where there is no such row"]
    assert {name: found for name, found in letters.gaps.items() if found} == {
        "GET /shown/": absent,
        "GET /shown/{pk}/": absent,
        **{f"{method} /named-keepers/{{pk}}/": either for method in ("PUT", "PATCH")},
    }
