"""How long a stream may last."""

import time

import jwt
import pytest

from fastapi_app.events.router import _token_seconds
from tests.unit.fastapi_app.asking import make_request


@pytest.mark.parametrize("left", [60, -2])
def test_a_stream_lasts_as_long_as_the_token_even_if_that_ended_since_it_was_accepted(left: int) -> None:
    token = jwt.encode({"exp": int(time.time()) + left}, "a key for this test alone, 32 bytes", algorithm="HS256")
    request = make_request(headers={"Authorization": f"Bearer {token}"})
    assert left - 2 <= _token_seconds(request) <= left
