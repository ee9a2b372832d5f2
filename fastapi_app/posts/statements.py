"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator
from functools import partial

from fastapi_app.auth.statements import identity_statements
from fastapi_app.posts import queries
from fastapi_app.posts.serializers import POST_SERIALIZER
from fastapi_app.tags.service import ensure_rows
from shared_schema.consumer.samples import Deletion, Sent
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.resources.sample_queries import as_sample, body_samples, body_values, item_rows, list_rows


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    yield from body_samples(POST_SERIALIZER)
    yield from map(as_sample, _reads())
    yield from map(as_sample, _writes())
    yield Deletion("posts")


def _reads() -> Iterator[Rows]:
    own = partial(queries.post_own_criteria, user_id=1)
    own_pk = partial(queries.post_own_pk_criteria, user_id=1, pk="1")
    for listing in (queries.POSTS, queries.POSTS_MINIMAL):
        yield from list_rows(listing, own, queries.NEWEST, filters=queries.FILTERS)
        yield from item_rows(listing, own_pk, filters=queries.FILTERS)
        yield listing.rows(queries.post_by_criteria(1), queries.NEWEST, limit=1)
    yield queries.POSTS.rows(queries.post_id_criteria(1))


def _writes() -> Iterator[Rows]:
    columns = body_values(POST_SERIALIZER)
    del columns["tags"]
    yield queries.post_insert({"author_id": 1, **columns}, ["sample"])
    yield queries.post_change(1, columns)
    yield queries.post_publish(queries.post_own_pk_criteria({}, user_id=1, pk="1"))
    yield from ensure_rows()
    yield queries.tags_linked(1)
    yield queries.tags_link(1, [1])
    yield queries.tags_unlink(1, [1])
