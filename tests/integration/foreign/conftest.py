"""A migrated database of the foreign project (tests/foreign), shared by the tests of a worker: leave it as it was."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url

from tests.databases import OwnDatabase, foreign_database
from tests.shared_stack import StackAddresses


@pytest.fixture(scope="session")
def foreign(stack: StackAddresses, worker_id: str) -> Iterator[OwnDatabase]:
    with foreign_database(admin_dsn=stack.admin_dsn, name=f"foreign_{worker_id}") as database:
        yield database


@pytest.fixture
def foreign_connection(foreign: OwnDatabase) -> Iterator[Connection]:
    """As the owner of the tables; rolled back at the end."""
    engine = create_engine(make_url(foreign.owner_dsn).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()
