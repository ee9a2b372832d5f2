"""The application in process, over databases of its own that hold Django's tables and a few rows."""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import httpx
import psycopg
import pytest
import pytest_asyncio

from fastapi_app import main
from strangler_fastapi.db import plans, query
from tests.databases import OwnDatabase, cloned_database, granted_database
from tests.integration.fastapi_app.running import Running, fill, logged, until_ready
from tests.integration.fastapi_app.settings import app_settings
from tests.shared_stack import StackAddresses

# The tests of a module on one event loop, and so over one running application.
one_loop = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture(scope="module", autouse=True)
def _kept_plans() -> Iterator[None]:
    """No statement is planned anew: on a busy machine any may be, and the driver's loggers don't see those."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "_SLOW_SECONDS", math.inf)
        patch.setattr(query, "_compiled", type(query._compiled)())
        yield


@pytest.fixture(scope="session")
def template(stack: StackAddresses, worker_id: str) -> Iterator[OwnDatabase]:
    """A database that nobody connects to, so that it can be cloned."""
    with filled_database(admin_dsn=stack.admin_dsn, name=f"fastapi_{worker_id}") as database:
        yield database


@contextmanager
def filled_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """A database with Django's tables, FastAPI's role `NAME_fastapi` and a few rows."""
    with granted_database(admin_dsn=admin_dsn, name=name) as database:
        with psycopg.connect(database.owner_dsn) as connection:
            fill(connection)
        yield database


@pytest.fixture(scope="session")
def database(template: OwnDatabase) -> Iterator[OwnDatabase]:
    """The database that most tests share; a test that writes makes rows of its own."""
    with cloned_database(template, f"{template.name}_shared") as database:
        yield database


@pytest.fixture
def own_database(template: OwnDatabase) -> Iterator[OwnDatabase]:
    """A database that the test may break."""
    with cloned_database(template, f"{template.name}_broken") as database:
        yield database


@pytest.fixture
def owner(database: OwnDatabase) -> Iterator[psycopg.Connection]:
    """Another connection than the application's, as the owner of the tables."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def start(template: OwnDatabase) -> Start:
    """Starts the application over a database: `async with start(database) as running`."""

    @asynccontextmanager
    async def run(
        database: OwnDatabase,
        *,
        pool_max: int = 5,
        url: str | None = None,
        ready: bool = True,
        report_sql: bool = False,
        replica_url: str = "",
    ) -> AsyncIterator[Running]:
        own = url or database.dsn(f"{template.name}_fastapi")
        settings = app_settings(own, pool_max=pool_max, report_sql=report_sql, replica_url=replica_url)
        with logged() as log:
            app = main.create_app(settings)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://testserver/api/v2", timeout=30) as client,
            ):
                if ready:
                    await until_ready(client)
                yield Running(app=app, client=client, log=log)

    return run


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(start: Start, database: OwnDatabase) -> AsyncIterator[Running]:
    """The application over the shared database; a module that asks for it says `pytestmark = one_loop`."""
    async with start(database) as running:
        yield running


@pytest.fixture
def client(running: Running) -> httpx.AsyncClient:
    return running.client
