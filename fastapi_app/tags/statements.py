"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator
from functools import partial

from fastapi_app.auth.statements import identity_statements
from fastapi_app.tags import queries
from fastapi_app.tags.serializers import TAG_SERIALIZER
from shared_schema.consumer.samples import Deletion, Sample, Sent
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.sample_queries import as_sample, body_samples, item_rows, list_rows


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    yield from body_samples(TAG_SERIALIZER)
    yield from map(as_sample, _reads())
    yield Sample("tag insert", queries.tag_insert("sample"))
    yield Sample("tag rename", queries.tag_rename(1, "sample"))
    yield Deletion("tags")


def ensure_rows() -> Iterator[Rows]:
    """What it takes to give names to tags that aren't there yet."""
    yield queries.tags_named(["sample"])
    yield queries.tags_insert(["sample"])


def _reads() -> Iterator[Rows]:
    yield from list_rows(queries.TAGS, queries.tag_criteria, queries.DEFAULT)
    yield from item_rows(queries.TAGS, partial(queries.tag_pk_criteria, pk="1"))
    yield queries.TAGS.rows(queries.tag_id_criteria(1))
