"""Tokens of a project without simplejwt's token_blacklist app: nothing is recorded, and none ends before its time."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy.orm import Mapped

from fastapi_app.auth.accounts import Account
from shared_schema.consumer.derivation import derive_consumer
from shared_schema.contract.contract import load_contract
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.auth.token_service import TokenService
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.errors import AuthenticationFailed
from tests.example import CONTRACT_FILE

CONTRACT = load_contract(CONTRACT_FILE)


class User(Reflected):
    __mapping__ = Mapping()
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    last_login: Mapped[datetime | None]


TABLES = TokenTables(user=User, account=Account)
# As simplejwt without the app, which leaves out what it can't do.
SETTINGS = CONTRACT.token_settings.model_copy(update={"rotate_refresh_tokens": True, "blacklist_after_rotation": True})
TOKENS = Tokens("k" * 40, SETTINGS)


class NobodyAsked:
    """A session that fails at whatever is sent."""


@pytest.fixture
def service() -> TokenService:
    return TokenService(cast("Any", NobodyAsked()), TOKENS, TABLES)


async def test_a_refresh_token_is_exchanged_again_and_again(service: TokenService) -> None:
    claims = TOKENS.new_refresh(7, datetime.now(UTC), password_hash="argon2$a hash")
    token = TOKENS.encode({name: claim for name, claim in claims.items() if name != SETTINGS.user_id_claim})
    answers = [await service.refresh(refresh=token) for _ in range(2)]
    assert [list(answer) for answer in answers] == [["access", "refresh"]] * 2
    assert answers[0]["refresh"] != token
    assert await service.verify(token=token) == {}
    with pytest.raises(AuthenticationFailed):
        await service.refresh(refresh=answers[0]["access"])


def test_its_statements_know_no_table_of_the_app() -> None:
    consumer = derive_consumer(User.__mapping__, CONTRACT, {"auth": TABLES.statements})
    assert set(consumer.features["auth"].reads) == {"users"}
    assert set(consumer.features["auth"].updates) == {"users"}
    assert not consumer.features["auth"].inserts
