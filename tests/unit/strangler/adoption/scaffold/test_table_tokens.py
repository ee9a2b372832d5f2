"""Authenticators whose tokens stand in a table are written with what the project has otherwise than usual."""

from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.access.table_tokens import KNOX, OAUTH
from strangler.adoption.scaffold.tables import Tables
from tests.unit.strangler.adoption.scaffold.test_authenticators import CONTRACT, TEXT

TIME = {"kind": "DateTimeField", "type": "timestamp with time zone", "null": False}
USER = {"field": "user", "kind": "ForeignKey", "type": "uuid", "null": True}
ID = {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True}


def contract(**columns: dict[str, Any]) -> Contract:
    tables = {
        "oauth2_provider_accesstoken": {
            "name": "oauth2_provider_accesstoken",
            "model": "oauth2_provider.AccessToken",
            "columns": {
                "id": ID,
                "user_id": USER,
                "token": {"field": "token", **TEXT},
                "expires": {"field": "expires", **TIME},
                "scope": {"field": "scope", **TEXT},
                **columns,
            },
        },
        "knox_authtoken": {
            "name": "knox_authtoken",
            "model": "knox.AuthToken",
            "columns": {
                "digest": {"field": "digest", "primary_key": True, **TEXT},
                "token_key": {"field": "token_key", **TEXT},
                "user_id": USER,
                "expiry": {"field": "expiry", **TIME},
            },
        },
    }
    made = Contract.model_validate({"format": 2, "tables": tables})
    return CONTRACT.model_copy(update={"tables": {**CONTRACT.tables, **made.tables}})


def made(kind: str, given: Contract, **settings: Any) -> tuple[DjangoApi, Authenticators, Tables]:
    endpoint = {"path": "/", "method": "GET", "kind": "view", "view": "harbour.V", "authenticators": [kind]}
    said = {"user_model": "harbour.Sailor", "username_field": "email", **settings}
    api = DjangoApi.model_validate({"format": 1, "endpoints": [endpoint], "settings": said})
    tables = Tables(given)
    return api, Authenticators(api, given, tables), tables


def columns_of(tables: Tables) -> set[str]:
    used = {facts.name: columns for facts, columns in tables.used()}
    return {name for name, _ in used["oauth2_provider_accesstoken"]}


def test_access_tokens_are_found_by_what_the_table_has() -> None:
    _, found, tables = made(OAUTH, contract(), oauth={})
    text = found.accounts_text("harbour_fastapi")
    assert "OAUTH = OAuth2Authentication(USERS, AccessToken)\nAUTHENTICATORS = (OAUTH,)\n" in text
    assert "yield from USERS.access_token_statements(AccessToken)\n" in text
    assert columns_of(tables) == {"id", "token", "user_id", "expires", "scope"}
    newer = contract(
        token_checksum={"field": "token_checksum", **TEXT},
        resource={"field": "resource", "kind": "JSONField", "type": "jsonb", "null": False},
    )
    _, found, tables = made(OAUTH, newer, oauth={"query_tokens": False, "id_tokens": True})
    text = found.accounts_text("harbour_fastapi")
    assert "OAUTH = OAuth2Authentication(USERS, AccessToken, query_tokens=False, id_tokens=True)\n" in text
    assert columns_of(tables) == {"id", "token_checksum", "resource", "user_id", "expires", "scope"}


def test_tokens_of_knox_are_found_as_its_settings_say() -> None:
    _, found, _ = made(KNOX, contract(), knox={"keyword": "Bearer", "key_length": 8, "hexadecimal": True})
    text = found.accounts_text("harbour_fastapi")
    assert 'KNOX = KnoxTokenAuthentication(USERS, AuthToken, keyword="Bearer", key_length=8, hexadecimal=True)' in text
    assert "yield from USERS.knox_token_statements(AuthToken)\n" in text


@pytest.mark.parametrize(
    ("kind", "given", "settings", "why"),
    [
        (OAUTH, contract(), {}, ": the project has no app oauth2_provider"),
        (OAUTH, contract(), {"oauth": {"gap": "of its own"}}, ": of its own"),
        (OAUTH, CONTRACT, {"oauth": {}}, ""),
        (
            OAUTH,
            contract(expires={"field": "expires", **TIME, "type": "timestamp without time zone"}),
            {"oauth": {}},
            ": oauth2_provider_accesstoken.expires has no time zone",
        ),
        (KNOX, contract(), {}, ": the project has no app knox"),
        (KNOX, contract(), {"knox": {"gap": "AUTO_REFRESH"}}, ": AUTO_REFRESH"),
    ],
)
def test_why_tokens_stay_djangos_is_said(kind: str, given: Contract, settings: dict[str, Any], why: str) -> None:
    api, found, _ = made(kind, given, **settings)
    assert not found.identifies
    assert found.gaps(api.endpoints[0]) == [f"authenticator {kind}{why}"]
