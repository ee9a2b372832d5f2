"""The stack that is measured: as `make up` starts it, on free ports and data of its own."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from strangler.deployment.local_stack import LocalStack
from strangler.local.ports import port_free_pick
from strangler.local.process import Program
from strangler.local.services import manage_argv, stack_environment
from strangler.routes.route import Stack, Stage
from tests.bench.rows import Rows
from tests.example import EXAMPLE, ROOT, example_settings
from tests.shared_stack import DEMO_PASSWORD, routes_unthrottled

FOLDER: Final = ROOT / ".run" / "bench"
_MANY: Final = 16_000
_LOG = logging.getLogger("strangler.bench")


@contextmanager
def bench_stack(*, workers: int, check: Callable[[], None]) -> Iterator[LocalStack]:
    """Both stacks behind nginx, v1 from Django and v2 from FastAPI, with `workers` processes each.

    :raises StranglerError: it can't start; everything is ended again.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = example_settings(
        proxy_port=port_free_pick(),
        django_port=port_free_pick(),
        fastapi_port=port_free_pick(),
        postgres_port=port_free_pick(),
        django_workers=workers,
        fastapi_workers=workers,
        demo_password=DEMO_PASSWORD,
        log_level="warning",
        report_sql="0",
        # The stacks are measured, and not what the gateway refuses for them.
        django_requests=_MANY,
        fastapi_requests=_MANY,
        routes_file=routes_unthrottled(FOLDER / "routes.toml", stage=Stage.PARALLEL),
    )
    with LocalStack(settings, state_dir=FOLDER, check=check) as stack:
        yield stack


@contextmanager
def bench_rows(stack: LocalStack) -> Iterator[Rows]:
    """The rows to measure on, seeded where they aren't there yet, and put back at the end.

    :raises FailedError: they can't be seeded.
    """
    with (
        psycopg.connect(stack.owner_dsn, autocommit=True) as owner,
        psycopg.connect(stack.admin_dsn, autocommit=True) as admin,
    ):
        key = stack.connections.jwt_signing_key
        rows = Rows(owner, admin, jwt_signing_key=key, password=stack.settings.demo_password)
        users, posts = rows.missing()
        if users or posts:
            _LOG.info("seeding %s posts and %s users", posts, users)
            argv = manage_argv(EXAMPLE, "seed", "--users", str(users), "--posts", str(posts))
            environment = stack_environment(stack.settings, stack.connections, Stack.DJANGO)
            stack.children.run(Program(name="seed", argv=argv, env=environment, cwd=ROOT))
        rows.sign_in_all()
        try:
            yield rows
        finally:
            rows.restore()
