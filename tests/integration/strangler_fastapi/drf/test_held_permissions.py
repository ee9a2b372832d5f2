"""Permissions that look into Django's tables of permissions and groups, as `strangler scaffold` writes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as djangos

from shared_schema.consumer.derivation import derive_feature
from tests.installed_app import installed_app
from tests.kitchen.models import CONTRACT, FILL, MODELS, ROWS
from tests.scaffold_callers import CALLERS, ask, sides_of_callers
from tests.scaffolds import Scaffolded, Sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.kitchen.held_views",
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_PAGINATION_CLASS": None, "DEFAULT_THROTTLE_CLASSES": ()},
}
VIEWS = (
    *("mayrename", "maydoall", "maynot", "iseditor", "iseditororchief", "isnochief", "ofrow", "either"),
    *("follows", "isfollowed"),
)
STORED = tuple(
    f"recipes/{key}/{name}" for key in (1, 2) for name in ("hasrated", "hasfavorite", "haskey", "isann", "ofprofile")
)
# Ann is an editor who may change teams, Bob a chief who may do all of it by his group; Kim holds nothing.
HELD = """
INSERT INTO django_content_type (id, app_label, model) VALUES (901, 'kitchen', 'team');
INSERT INTO auth_permission (id, name, content_type_id, codename) VALUES
    (901, 'Change', 901, 'change_team'), (902, 'Add', 901, 'add_team');
INSERT INTO auth_group (id, name) VALUES (901, 'editors'), (902, 'chiefs');
INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (902, 901), (902, 902);
INSERT INTO users_groups (user_id, group_id) VALUES (901, 901), (902, 902);
INSERT INTO users_user_permissions (user_id, permission_id) VALUES (901, 901);
"""


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with installed_app("tests.kitchen"), scaffolded(tmp_path_factory.mktemp("held"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, kitchen: Scaffolded) -> Iterator[Sides]:
    named = {"admin_dsn": stack.admin_dsn, "name": f"held_{worker_id}"}
    with (
        django_db_blocker.unblock(),
        sides_of_callers(kitchen, CONTRACT, MODELS, fill=FILL + HELD, rows=ROWS, **named) as made,
    ):
        yield made


def test_none_of_them_is_a_gap(kitchen: Scaffolded) -> None:
    assert {name: gaps for name, gaps in kitchen.gaps.items() if gaps} == {}


@pytest.mark.parametrize(
    "view", [*VIEWS, *STORED, "recipes/99/haskey", "recipes/x/hasrated", f"recipes/{10**30}/haskey"]
)
def test_callers_are_let_in_and_refused_alike(sides: Sides, view: str) -> None:
    for caller in CALLERS:
        for method, path, body in (
            ("GET", f"/{view}/", None),
            ("HEAD", f"/{view}/", None),
            ("OPTIONS", f"/{view}/", None),
            ("OPTIONS", f"/{view}/1/", None),
            ("POST", f"/{view}/", {}),
            ("GET", f"/{view}/1/", None),
            ("GET", f"/{view}/999/", None),
            ("PATCH", f"/{view}/1/", {"name": caller}),
            ("DELETE", f"/{view}/999/", None),
        ):
            ask(sides, caller, method, path, body)


def test_who_holds_what_decides(sides: Sides) -> None:
    def let_in(view: str, method: str = "PATCH") -> list[str]:
        return [each for each in CALLERS if ask(sides, each, method, f"/{view}/1/", {}).status_code == 200]

    assert let_in("mayrename") == ["ann", "bob"]
    assert let_in("maydoall") == ["bob"]
    assert let_in("maynot") == ["ann", "kim"]
    assert let_in("iseditor") == ["ann"]
    assert let_in("iseditororchief") == ["ann", "bob"]
    assert let_in("isnochief") == ["nobody", "ann", "kim"]
    assert let_in("ofrow") == ["ann", "bob"]
    assert let_in("recipes/1/hasrated") == ["ann"]
    assert let_in("recipes/2/hasrated") == []
    assert let_in("recipes/2/hasfavorite") == ["kim"]
    assert let_in("recipes/1/haskey") == ["bob"]
    assert let_in("recipes/1/isann") == ["ann"]
    assert let_in("recipes/1/ofprofile") == ["ann"]
    assert let_in("either") == ["ann", "kim"]
    assert let_in("follows") == ["ann", "bob"]
    assert let_in("isfollowed") == ["ann", "bob", "kim"]


def test_what_the_service_reads_of_it_is_derived(kitchen: Scaffolded) -> None:
    for view in ("mayrename", "iseditor"):
        statements = kitchen.module(f"{view}.statements").feature_statements()
        assert {"auth_permission", "auth_group", "users_groups"} <= {*derive_feature(statements, CONTRACT).reads}
