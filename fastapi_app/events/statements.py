"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator

from fastapi_app.auth.statements import identity_statements
from fastapi_app.events import queries
from fastapi_app.events.batch import Position
from shared_schema.consumer.samples import Sent
from strangler_fastapi.drf.resources.sample_queries import as_sample


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    first, last = Position(1, 1), Position(2, 2)
    for rows in (
        queries.newest_position(),
        queries.position_of(1),
        queries.next_events(first),
        queries.visible_events(user_id=1, after=first, up_to=last),
        queries.active_users([1]),
    ):
        yield as_sample(rows)
