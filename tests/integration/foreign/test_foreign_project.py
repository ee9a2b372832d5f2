import pytest
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from shared_schema.contract.contract import Contract
from tests.databases import OwnDatabase
from tests.foreign.consumer import LIBRARY, Entry, OrderItem, Popularity


@pytest.fixture(scope="module")
def library(foreign: OwnDatabase, foreign_contract: Contract) -> None:
    """The consumer's classes are mapped once in a process."""
    engine = create_engine(make_url(foreign.owner_dsn).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        LIBRARY.map(LIBRARY.reflect(connection), foreign_contract)
    engine.dispose()


@pytest.mark.usefixtures("library")
def test_names_that_need_quotes_are_read_and_written(foreign_connection: Connection) -> None:
    with Session(foreign_connection) as session:
        session.add(OrderItem(select=True, unit_price=3, percent=5))
        session.flush()
        assert session.execute(select(OrderItem.unit_price).where(OrderItem.select)).scalar_one() == 3


@pytest.mark.usefixtures("library")
def test_a_view_and_another_schema_are_read(foreign_connection: Connection) -> None:
    with Session(foreign_connection) as session:
        assert session.execute(select(Popularity)).all() == session.execute(select(Entry)).all() == []


def test_the_contract_of_the_project_is_read(foreign_contract: Contract) -> None:
    assert {cls.__table_key__ for cls in LIBRARY.classes} <= set(foreign_contract.tables)
