"""Which errors of the database are a client error (400), and which stay a failure of the service (500)."""

from typing import Any, cast

import asyncpg
import pytest
from starlette.requests import Request

from strangler_fastapi.drf.http.handlers import DatabaseErrors
from strangler_fastapi.errors import ValidationFailed

NOBODY = cast("Request", None)


def broken(kind: type[asyncpg.PostgresError], rule: str | None) -> Any:
    error = kind("that is refused")
    error.constraint_name = rule
    return error


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (asyncpg.UniqueViolationError, "wares_code_key"),
        (asyncpg.CheckViolationError, "wares_price_check"),
        (asyncpg.ExclusionViolationError, "wares_no_overlap"),
    ],
)
async def test_values_that_break_a_rule_are_the_clients(kind: type[asyncpg.PostgresError], rule: str) -> None:
    refusal = await DatabaseErrors().refusal(NOBODY, broken(kind, rule))
    assert isinstance(refusal, ValidationFailed)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        # The sequence is behind its rows, as after a restore of some tables.
        (asyncpg.UniqueViolationError, "wares_pkey"),
        # No partition takes the row.
        (asyncpg.CheckViolationError, None),
    ],
)
async def test_what_no_other_values_would_repair_is_a_failure(
    kind: type[asyncpg.PostgresError], rule: str | None
) -> None:
    error = broken(kind, rule)
    with pytest.raises(kind) as raised:
        await DatabaseErrors().refusal(NOBODY, error)
    assert raised.value is error
