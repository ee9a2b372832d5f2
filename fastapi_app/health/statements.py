"""What the feature sends to the database: nothing of the tables' rows."""

from collections.abc import Iterator

from shared_schema.consumer.samples import Sent


def feature_statements() -> Iterator[Sent]:
    """Every statement that the feature can send: PostgreSQL's catalogs are everybody's."""
    return iter(())
