"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator
from functools import partial

from fastapi_app.auth.statements import identity_statements
from fastapi_app.posts import queries as posts
from fastapi_app.users import queries
from fastapi_app.users.serializers import USER_SERIALIZER
from shared_schema.consumer.samples import Deletion, Sample, Sent
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.resources.sample_queries import as_sample, body_samples, body_values, item_rows, list_rows


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    yield from body_samples(USER_SERIALIZER)
    yield from map(as_sample, _reads())
    yield from map(as_sample, _posts())
    columns = body_values(USER_SERIALIZER)
    # It is checked, and not stored.
    del columns["old_password"]
    yield Sample("user insert", queries.user_insert(columns))
    yield Sample("user change", queries.user_change(1, columns))
    yield Sample("user stored", queries.user_stored(1))
    yield Deletion("users")


def _reads() -> Iterator[Rows]:
    yield from list_rows(queries.USERS, queries.user_criteria, queries.DEFAULT)
    yield from list_rows(queries.ACTIVE, partial(queries.user_active_criteria, min_posts=1), queries.DEFAULT)
    yield from item_rows(queries.USERS, partial(queries.user_pk_criteria, pk="1"))
    for listing in (queries.USERS, queries.ME):
        yield listing.rows(queries.user_id_criteria(1))
    yield queries.user_ranks(1, 2)


def _posts() -> Iterator[Rows]:
    for listing in (posts.POSTS, posts.POSTS_MINIMAL):
        for viewer_id in (1, 2):
            criteria = partial(posts.post_of_user_criteria, author_id=1, viewer_id=viewer_id)
            yield from list_rows(listing, criteria, posts.NEWEST, filters=posts.FILTERS)
