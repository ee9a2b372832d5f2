"""A migrated database of the foreign project (tests/foreign), shared by the tests of a worker: leave it as it was."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, func, make_url, select, text

from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.callables import callable_register
from shared_schema.contract.contract import Contract
from shared_schema.contract.inheritance import table_clause
from strangler.schema.django_side import django_contract
from strangler.settings import base_environment
from tests.databases import OwnDatabase, foreign_database, foreign_project
from tests.example import ROOT
from tests.integration.foreign.graphs import Project
from tests.integration.foreign.sides import DjangoSide, OurSide, django_side
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


@pytest.fixture(scope="session")
def foreign_contract(foreign: OwnDatabase) -> Contract:
    """What the project's `export_schema` says."""
    return django_contract(foreign_project(foreign.owner_dsn))


@pytest.fixture(scope="session")
def stated(foreign_contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """What a service beside the project states.

    Derived in a process of its own, where the classes are mapped on the contract's tables.
    """
    file = tmp_path_factory.mktemp("foreign") / "contract.json"
    file.write_text(json.dumps(foreign_contract.model_dump(mode="json", exclude_unset=True)))
    argv = [sys.executable, "-m", "tests.foreign.statements", str(file)]
    derived = subprocess.run(argv, cwd=ROOT, env=base_environment(), check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return Consumer.model_validate_json(derived.stdout)


@pytest.fixture(scope="module")
def project(foreign: OwnDatabase, foreign_contract: Contract) -> Project:
    engine = create_engine(make_url(foreign.owner_dsn).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        types = connection.execute(text("SELECT app_label, model, id FROM django_content_type")).all()
        content_types = {(row.app_label, row.model): row.id for row in types}
        found = Project(foreign_contract, read_catalog(connection), content_types)
    engine.dispose()
    members = table_clause(foreign_contract.tables["lending_member"])
    oldest = select(func.min(members.c.id)).scalar_subquery()
    callable_register("tests.foreign.lending.models.oldest_member", lambda: oldest)
    return found


@pytest.fixture(scope="module")
def django(foreign: OwnDatabase) -> Iterator[DjangoSide]:
    with django_side(foreign) as side:
        yield side


@pytest.fixture(scope="module")
def ours(foreign: OwnDatabase) -> Iterator[OurSide]:
    with asyncio.Runner() as runner:
        yield OurSide(runner, foreign)
