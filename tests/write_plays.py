"""Scenarios played on copies of a database of a test's own, which holds what the run's stack began with."""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from strangler.compare.case import Scenario
from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.client.client import Limits
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.run import RequestOptions
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.sandboxes import SandboxMaker
from strangler.compare.writes.scenarios import writes_compare
from strangler.compare.writes.servers import ServerFactories
from strangler.databases.connections import Source, dsn_to, identity_of
from strangler.databases.dumping import database_dump_into
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.local.databases import database_drop
from strangler.local.postgres import OWNER
from strangler.local.services import stack_service
from tests.example import DECLARED_FILE, SIGN_IN, example_settings, load_routes
from tests.shared_stack import DEMO_PASSWORD, StackAddresses

# The life of a post.
POSTS = """
[[case]]
as = ["alice"]
post = "/posts/"
json = { title = "a post", content = "text", tags = ["zeta", "alpha", "beta"] }
save = { post = "$.id" }

[[case]]
as = ["alice", "bob", "nobody"]
get = "/posts/{post}/"

[[case]]
as = ["alice"]
patch = "/posts/{post}/"
json = { title = "another", tags = ["alpha", "gamma"] }

[[case]]
as = ["alice"]
post = "/posts/{post}/publish/"

[[case]]
as = ["bob", "alice"]
delete = "/posts/{post}/"
"""


def stack_source(stack: StackAddresses, **settings: Any) -> Source:
    """The database of the run's stack."""
    folder = Path(stack.folder)
    port = urlsplit(stack.admin_dsn).port
    found = example_settings(postgres_port=port, routes_file=folder / "routes.toml", **settings)
    return source_of(LocalStack(found, state_dir=folder))


@contextmanager
def own_source(stack: StackAddresses, name: str) -> Iterator[Source]:
    """A database like that of the run's stack, which nobody else writes to; dropped at the end."""
    source = stack_source(stack)
    admin_dsn = dsn_to(stack.admin_dsn, name)
    database_drop(admin_dsn=stack.admin_dsn, name=name)
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
        major = admin.info.server_version // 10_000
    try:
        database_dump_into(source=source.admin_dsn, target=admin_dsn, major=major, owned=True, check=lambda: None)
        with psycopg.connect(admin_dsn) as own:
            # Those of other tests grow old meanwhile, and each side deletes old ones when somebody signs in.
            own.execute("TRUNCATE strangler_sign_in_attempts")
        yield dataclasses.replace(
            source,
            owner_dsn=dsn_to(source.owner_dsn, name),
            fastapi_dsn=dsn_to(source.fastapi_dsn, name),
            admin_dsn=admin_dsn,
            name=name,
            identity=identity_of(admin_dsn),
        )
    finally:
        database_drop(admin_dsn=stack.admin_dsn, name=name)


@asynccontextmanager
async def playing(
    source: Source, folder: Path, *, chosen: tuple[str, ...] = (), **files: str
) -> AsyncIterator[AsyncIterator[PlayedStep]]:
    """Plays case files, given by name, Django on the left and FastAPI on the right; gives the steps."""
    cases = folder / "cases"
    cases.mkdir(exist_ok=True)
    for name, text in files.items():
        (cases / f"{name}.toml").write_text(text)
    routes = load_routes(source.settings.project.routes)
    steps = steps_played(source, scenarios_from_files(cases, routes), folder, chosen=chosen)
    async with aclosing(steps):
        yield steps


def steps_played(
    source: Source,
    scenarios: Iterable[Scenario],
    folder: Path,
    *,
    chosen: tuple[str, ...] = (),
    starting: ServerFactories = stack_service,
    signer: TokenSigner | None = None,
) -> AsyncGenerator[PlayedStep, None]:
    """The steps of scenarios, played by the demo users; `starting` makes the servers."""
    maker = SandboxMaker(
        source=source,
        rules=Rules(DeclaredDifferences(declared_differences(DECLARED_FILE))),
        options=RequestOptions(
            limits=Limits(concurrency=1, timeout=30, body_bytes=1_000_000),
            sign_in=SIGN_IN,
            password=dict.fromkeys(("", "alice", "bob", "admin"), DEMO_PASSWORD).get,
            signer=signer,
        ),
        logs=folder / "logs",
        starting=starting,
    )
    return writes_compare(maker, scenarios, chosen=chosen)


def databases_like(admin_dsn: str, name: str) -> list[str]:
    """The copies of a database that are there."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
        return [found for (found,) in admin.execute(query, (f"{name}_compare_",)).fetchall()]
