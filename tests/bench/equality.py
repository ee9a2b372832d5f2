"""Both stacks must answer alike before either is timed: a fast wrong answer is no win."""

from itertools import islice

import httpx

from strangler.errors import FailedError
from tests.bench.endpoints import Endpoint
from tests.bench.rows import Rows
from tests.bench.wrk import Request
from tests.contract.comparing import V1, V2, differences

_SERVED_BY = "X-Served-By"
STACKS = {V1: "django", V2: "fastapi"}


def answers_require_equal(endpoint: Endpoint, rows: Rows, front: httpx.Client) -> None:
    """Ask both stacks what they will be asked under load.

    :raises FailedError: an answer is no success, comes from the wrong stack, or differs from the other's.
    """
    asked = list(islice(endpoint.requests(rows, 2), 2))
    v1 = _ask(front, V1, endpoint, asked[0])
    v2 = _ask(front, V2, endpoint, asked[0] if endpoint.repeatable else asked[-1])
    found = differences(v1, v2, by_shape=endpoint.by_shape)
    if found:
        raise FailedError(f"{endpoint.name} is answered differently ({found[0]}): make v2 right before it is measured.")


def _ask(front: httpx.Client, prefix: str, endpoint: Endpoint, request: Request) -> httpx.Response:
    headers = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    if request.body:
        headers["Content-Type"] = "application/json"
    response = front.request(endpoint.method, prefix + request.path, headers=headers, content=request.body)
    if not response.is_success or response.headers[_SERVED_BY] != STACKS[prefix]:
        who = response.headers.get(_SERVED_BY)
        what = f"{endpoint.method} {prefix}{request.path} was answered {response.status_code} by {who}"
        raise FailedError(f"{what}: {STACKS[prefix]} must answer it with success.")
    return response
