"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator

from fastapi_app.auth.statements import identity_statements
from fastapi_app.posts import queries
from shared_schema.consumer.samples import Sent
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.resources.sample_queries import as_sample, list_rows


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    yield from map(as_sample, _rows())


def _rows() -> Iterator[Rows]:
    for listing in (queries.POSTS, queries.POSTS_MINIMAL):
        yield from list_rows(listing, queries.post_feed_criteria, queries.NEWEST, filters=queries.FEED_FILTERS)
        yield listing.rows(queries.post_highlight_criteria(), queries.NEWEST, limit=queries.HIGHLIGHTS)
