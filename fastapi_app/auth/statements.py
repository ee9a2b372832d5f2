"""What the feature sends to the database, with samples of values."""

from collections.abc import Iterator

from fastapi_app.auth import queries
from shared_schema.consumer.samples import MOMENT, Sent
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.sample_queries import as_sample


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send."""
    yield from map(as_sample, _rows())
    yield from identity_statements()


def identity_statements() -> Iterator[Sent]:
    """What every feature sends that asks who calls."""
    yield as_sample(queries.account_rows(1))


def _rows() -> Iterator[Rows]:
    yield queries.account_by_name("sample")
    yield queries.set_last_login(1, MOMENT)
    yield queries.set_password(1, "sample")
    yield queries.issued_token("sample")
    yield queries.add_outstanding(user_id=1, jti="sample", token="sample", created_at=MOMENT, expires_at=MOMENT)  # noqa: S106 - no token
    yield queries.add_blacklisted(1, MOMENT)
