"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator

from fastapi_app.auth.statements import identity_statements
from fastapi_app.tags.serializers import TAGS
from shared_schema.consumer.samples import Sent


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from identity_statements()
    yield from TAGS.statements()
