"""What is measured, and what is to be reached."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from strangler.errors import UsageError
from tests.bench.rows import Rows
from tests.bench.wrk import Request


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint under load.

    `target` is how many times as many requests per second v2 is to answer as v1; None where only its p99 counts.
    `requests` gives the requests of a load, given how many it may need at the most. `repeatable` ones may be sent any
    number of times. `written` counts the rows that show that requests did what they were to do; reads have none.
    `by_shape` compares the answers by their keys and types, where no two answers can be equal. Of some both stacks
    refuse more than `most` at a time.
    """

    name: str
    method: str
    requests: Callable[[Rows, int], Iterator[Request]]
    target: float | None = None
    repeatable: bool = True
    written: Callable[[Rows], int] | None = None
    by_shape: bool = False
    most: int | None = None


ENDPOINTS: Final = (
    Endpoint(name="own-list", method="GET", requests=Rows.own_lists, target=6),
    Endpoint(name="feed", method="GET", requests=Rows.feeds),
    Endpoint(name="tags", method="GET", requests=Rows.tags),
    Endpoint(name="detail", method="GET", requests=Rows.details, target=4),
    Endpoint(
        name="create", method="POST", requests=Rows.creates, target=2.5, written=Rows.posts_written, by_shape=True
    ),
    Endpoint(
        name="publish",
        method="POST",
        requests=Rows.publishes,
        target=2.5,
        repeatable=False,
        written=Rows.posts_published,
    ),
    # A worker hashes one password at a time, and one may wait.
    Endpoint(name="token", method="POST", requests=Rows.obtains, written=Rows.tokens_issued, by_shape=True, most=2),
    Endpoint(
        name="refresh",
        method="POST",
        requests=Rows.refreshes,
        repeatable=False,
        written=Rows.tokens_ended,
        by_shape=True,
    ),
)


def endpoints_select(only: str) -> tuple[Endpoint, ...]:
    """The endpoints that a list of names with commas picks; an empty one stands for all.

    :raises UsageError: there is no endpoint of that name.
    """
    names = [name for name in (part.strip() for part in only.split(",")) if name]
    known = {endpoint.name: endpoint for endpoint in ENDPOINTS}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no endpoint {name} to measure: ONLY takes {', '.join(known)}.")
    return tuple(endpoint for endpoint in ENDPOINTS if not names or endpoint.name in names)
