"""Sign-ins by serializers of a project's own, as `strangler scaffold` writes them: both stacks give the same tokens."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import jwt
import pytest
from django.conf import settings as djangos
from django.test import Client

from shared_schema.mapping import Mapping
from strangler_fastapi.auth.tokens import Tokens
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.integration.fastapi_app.running import USER_HASH, USER_PASSWORD
from tests.scaffolds import Scaffolded, Sides, both_sides, scaffolded
from tests.shared_stack import StackAddresses

CONTRACT = Mapping(contract=CONTRACT_FILE).contract
DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.handlers.sign_ins",
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
    "REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"DEFAULT_THROTTLE_CLASSES": ()},
}
FILL = f"""
    INSERT INTO users (id, username, email, first_name, last_name, password, is_active, is_staff, is_superuser,
        date_joined, created_at)
    VALUES (901, 'ann', 'ann@example.org', 'Ann', 'Archer', '{USER_HASH}', true, true, false,
        '2026-01-02T03:04:05Z', now()),
        (902, 'bob', 'bob@example.org', '', '', '{USER_HASH}', true, false, true, '2026-01-02T03:04:05.5Z',
        now()),
        (903, 'gone', 'gone@example.org', '', '', '{USER_HASH}', false, false, false, '2026-01-02T03:04:05Z',
        now())
"""  # noqa: S608 - constants
ROWS = """
    SELECT username, last_login IS NULL,
        (SELECT count(*) FROM token_blacklist_outstandingtoken WHERE user_id = users.id)
    FROM users
"""
OF_TIME = {"exp", "iat", "jti", "refresh_exp", "family", "parent"}


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    with scaffolded(tmp_path_factory.mktemp("signing"), CONTRACT, DJANGOS) as found:
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, signing: Scaffolded) -> Iterator[Sides]:
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(migrated_database(admin_dsn=stack.admin_dsn, name=f"{name}_{worker_id}"))
            for name in ("signing_library", "signing_django")
        ]
        assert CONTRACT.token_settings is not None
        state = {"tokens": Tokens(djangos.SIMPLE_JWT["SIGNING_KEY"], CONTRACT.token_settings)}
        yield opened.enter_context(both_sides(signing, databases, (), fill=FILL, rows=ROWS, state=state))


def read(answer: Any) -> list[tuple[str, Any]]:
    """The keys of an answer in their order, of tokens the claims but for ids and times, without the time of sign-in."""
    found: dict[str, Any] = json.loads(answer.content)
    for name in {"refresh", "access", "token"} & {*found}:
        claims = jwt.decode(found[name], options={"verify_signature": False})
        found[name] = [(key, None if key in OF_TIME else value) for key, value in claims.items()]
    for each in (found, found.get("user", {})):
        if "last_login" in each:
            each["last_login"] = each["last_login"] is not None
    return [(name, [*value.items()] if isinstance(value, dict) else value) for name, value in found.items()]


@pytest.mark.parametrize("name", ["ann", "bob"])
@pytest.mark.parametrize("path", ["/claims/token/", "/answer/token/", "/sliding/token/"])
def test_a_sign_in_adds_what_the_projects_serializer_does(sides: Sides, path: str, name: str) -> None:
    body = json.dumps({"username": name, "password": USER_PASSWORD}).encode()
    headers = {"Content-Type": "application/json"}
    ours = sides.both.runner.run(sides.both.library.request("POST", path, headers=headers, content=body))
    theirs = Client().generic("POST", path, body, content_type="application/json")
    assert (ours.status_code, theirs.status_code) == (200, 200), ours.text
    assert read(ours) == read(theirs)
    found = [sorted(each.execute(ROWS).fetchall()) for each in sides.connections]
    assert found[0] == found[1]
    if path != "/claims/token/":
        return
    # An exchange keeps what was added.
    pairs = [json.loads(answer.content) for answer in (ours, theirs)]
    sent = [json.dumps({"refresh": pair["refresh"]}).encode() for pair in pairs]
    ours = sides.both.runner.run(
        sides.both.library.request("POST", "/claims/refresh/", headers=headers, content=sent[0])
    )
    theirs = Client().generic("POST", "/claims/refresh/", sent[1], content_type="application/json")
    assert ours.status_code == 200, ours.text
    assert read(ours) == read(theirs)


@pytest.mark.parametrize("path", ["/claims/token/", "/answer/token/", "/sliding/token/", "/refusal/token/"])
def test_a_sign_in_that_fails_is_refused_as_by_django(sides: Sides, path: str) -> None:
    for body in ({}, {"username": "gone", "password": USER_PASSWORD}, {"username": "ann", "password": "x"}, b"{"):
        answer = sides.ask("POST", path, body)
        assert ("Wrong name" in answer.text) is (path == "/refusal/token/" and answer.status_code == 401)
    sides.ask("OPTIONS", path, None)
    sides.ask("GET", path, None)


def test_gaps(signing: Scaffolded) -> None:
    assert {name: found for name, found in signing.gaps.items() if found} == {
        "POST /cookie/token/": ["CookieView.post is your own"],
        "POST /verify/token/": ["VerifySerializer.validate is your own"],
        "POST /lower/token/": ["LowerSerializer.validate is your own"],
    }
