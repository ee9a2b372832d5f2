"""Views whose callers have tokens of django-oauth-toolkit and knox, as `strangler scaffold` writes them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as djangos

from shared_schema.contract.contract import Contract
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from tests.installed_app import installed_app
from tests.kitchen.models import CONTRACT, FILL, MODELS, ROWS
from tests.scaffold_callers import sides_of_callers
from tests.scaffolds import Scaffolded, Sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.kitchen.token_views",
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_PAGINATION_CLASS": None, "DEFAULT_THROTTLE_CLASSES": ()},
}
OAUTH_MODELS = ("Application", "IDToken", "AccessToken", "RefreshToken", "Grant")
PEOPLE = {"ann": "901", "kim": "903", "app": "NULL"}
SCOPES = ("teams read", "teams write", "teams", "read", "write", "teams:read", "teams:write")
VIEWS = ("scoped", "signed", "own", "quiet", "either", "method", "offered", "recipes")
KNOX = {"good": "'9999-01-01'", "old": "'2020-01-01'", "endless": "NULL"}
TOKENS = "".join(
    "INSERT INTO oauth2_provider_accesstoken (user_id, token, token_checksum, expires, scope, resource, created,"
    f" updated) SELECT {key}, '', encode(sha256('{name}-{number}'), 'hex'), '9999-01-01', '{scope}', '[]', now(),"
    " now();"
    for name, key in PEOPLE.items()
    for number, scope in enumerate(SCOPES)
)
TOKENS += "".join(
    "INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)"
    f" SELECT encode(sha512('{name * 20}'), 'hex'), left('{name * 20}', 15), 902, now(), {expiry};"
    for name, expiry in KNOX.items()
)


@pytest.fixture(scope="module")
def installed() -> Iterator[tuple[Any, ...]]:
    """The models of both packages, which Django knows meanwhile."""
    with installed_app("oauth2_provider"), installed_app("knox"), installed_app("tests.kitchen"):
        yield (*(apps.get_model("oauth2_provider", name) for name in OAUTH_MODELS), apps.get_model("knox", "AuthToken"))


@pytest.fixture(scope="module")
def contract(installed: tuple[Any, ...]) -> Contract:
    facts = {model._meta.db_table: table_facts(model, Sql()) for model in installed}
    own = Contract.model_validate(json.loads(json.dumps({"format": 2, "tables": facts})))
    return CONTRACT.model_copy(update={"tables": {**CONTRACT.tables, **own.tables}})


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> Iterator[Scaffolded]:
    with scaffolded(tmp_path_factory.mktemp("tokens"), contract, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses,
    worker_id: str,
    django_db_blocker: Any,
    kitchen: Scaffolded,
    contract: Contract,
    installed: tuple[Any, ...],
) -> Iterator[Sides]:
    named = {"admin_dsn": stack.admin_dsn, "name": f"package_tokens_{worker_id}"}
    with ExitStack() as opened:
        opened.enter_context(django_db_blocker.unblock())
        made = sides_of_callers(kitchen, contract, (*MODELS, *installed), fill=FILL + TOKENS, rows=ROWS, **named)
        yield opened.enter_context(made)


def bearer(name: str, scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}-{SCOPES.index(scope)}"}


def test_nothing_of_them_is_a_gap(kitchen: Scaffolded) -> None:
    assert {name: gaps for name, gaps in kitchen.gaps.items() if gaps} == {}


@pytest.mark.parametrize("view", VIEWS)
def test_access_tokens_are_let_in_and_refused_alike(sides: Sides, view: str) -> None:
    for name in PEOPLE:
        for scope in SCOPES:
            if (view, name) == ("recipes", "app"):
                continue
            for method, path, body in (
                ("GET", f"/{view}/", None),
                ("HEAD", f"/{view}/", None),
                ("OPTIONS", f"/{view}/", None),
                ("POST", f"/{view}/", {}),
                ("PUT", f"/{view}/1/", {}),
                ("GET", f"/{view}/1/", None),
                ("DELETE", f"/{view}/999/", None),
            ):
                sides.ask(method, path, body, bearer(name, scope))
    for headers in ({}, {"Authorization": "Bearer nobody"}, {"Authorization": "Token x"}):
        sides.ask("GET", f"/{view}/", None, headers)
        sides.ask("GET", f"/{view}/?access_token=", None, headers)


def test_rows_of_a_token_without_a_user_are_not_ported(sides: Sides) -> None:
    answer = sides.both.runner.run(sides.both.library.get("/recipes/", headers=bearer("app", "write")))
    assert answer.status_code == 501


def test_who_may_is_as_the_scopes_say(sides: Sides) -> None:
    def status(method: str, path: str, name: str, scope: str) -> int:
        return int(sides.ask(method, path, {}, bearer(name, scope)).status_code)

    assert status("GET", "/scoped/", "app", "teams read") == 200
    assert status("GET", "/scoped/", "ann", "teams") == 403
    assert status("POST", "/scoped/", "ann", "teams write") == 400
    assert status("GET", "/own/", "ann", "teams") == 403
    assert status("GET", "/quiet/", "ann", "read") == 200
    assert status("GET", "/quiet/", "kim", "read") == 403
    assert status("GET", "/method/", "ann", "read") == 200
    assert status("POST", "/method/", "ann", "read") == 403
    assert status("POST", "/method/", "ann", "write") == 400
    assert status("GET", "/either/", "kim", "teams") == 200
    assert status("GET", "/either/", "ann", "teams:read") == 200
    assert status("GET", "/signed/", "app", "read") == 403


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("token", [*KNOX, "none"])
def test_knoxs_tokens_are_read_alike(sides: Sides, view: str, token: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = sides.ask(method, f"/{view}/", {}, {"Authorization": f"Token {token * 20}"})
        assert (answer.status_code == 401) is (token in ("none", "old") or view == "recipes")


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "token " + "good" * 20, "Token " + "good" * 19, "Token \xe9", "Bearer x"]
)
def test_knoxs_headers_are_read_alike(sides: Sides, header: str) -> None:
    sides.ask("GET", "/signed/", None, {"Authorization": header})
