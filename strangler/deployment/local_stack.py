"""The whole stack on this machine: PostgreSQL, DRF, FastAPI and nginx as children of this process."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from strangler.deployment.kept_programs import KeptPrograms
from strangler.deployment.local_database import LocalDatabase
from strangler.deployment.local_gateway import gateway_service, local_gateway, native_gateway
from strangler.deployment.rollouts import ShadowCounts, rollout_assemble
from strangler.errors import FailedError, UsageError
from strangler.local.apart import run_apart
from strangler.local.children import Children
from strangler.local.disk_guard import DiskGuard
from strangler.local.logs import logs_rotate
from strangler.local.ports import port_require_free
from strangler.local.postgres import HOST, PostgresServer
from strangler.local.secret_store import SecretStore
from strangler.local.services import (
    Connections,
    PostgresProbe,
    Service,
    shadow_database,
    shadow_helper,
    stack_services,
    worker_helper,
)
from strangler.local.state import ProcessRecord, StackState, StateFolder, not_writable, stale_end
from strangler.rollout.apply import rollout_begin
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

_LOG = logging.getLogger(__name__)


class LocalStack:
    """The stack, which runs during a `with` block; prints nothing, and logs a sentence for each step.

    Args:
        settings: ports, workers, secrets, database addresses.
        state_dir: holds the data, secrets, logs and the state file, one stack at a time; None: the project's.
        durable: False trades durability for speed, for tests.
        check: called during waits; what it raises ends the start.
        without_django: FastAPI answers both APIs, and no Django is started; None: as the stack runs, if it does.
        gateway_alone: no service of the project is started, also where the project file has its command; None: the
            same.
        with_worker: whether background jobs are done, where the project file names what does them.
    """

    def __init__(
        self,
        settings: LocalSettings,
        *,
        state_dir: Path | None = None,
        durable: bool = True,
        check: Callable[[], None] = lambda: None,
        without_django: bool | None = None,
        gateway_alone: bool | None = None,
        with_worker: bool = False,
    ) -> None:
        self.settings = settings
        self.folder = StateFolder(state_dir or settings.project.state)
        running = self.folder.running()
        if without_django is None:
            without_django = running is not None and running.without_django
        if gateway_alone is None:
            gateway_alone = running is not None and running.gateway_alone
        self.without_django = without_django
        self._with_worker = with_worker
        self.children = Children(logs=self.folder.logs, check=check, ready_seconds=settings.ready_seconds)
        self.state = StackState(
            supervisor=ProcessRecord.of_this_process(), without_django=without_django, gateway_alone=gateway_alone
        )
        self.kept = KeptPrograms(self.children, state=self.state, folder=self.folder)
        secret_store = SecretStore(self.folder.path / "secrets")
        self._postgres = PostgresServer(
            data_dir=self.folder.path / "postgres",
            secret_store=secret_store,
            port=settings.postgres_port,
            log_path=self.folder.logs / "postgres.log",
            durable=durable,
            check=check,
        )
        self.database = LocalDatabase(
            settings,
            server=self._postgres,
            secrets=secret_store,
            children=self.children,
            without_django=without_django,
        )
        self._disk_guard: DiskGuard | None = None
        self._connections: Connections | None = None
        self._lock = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def proxy_url(self) -> str:
        """The front door."""
        return self.settings.proxy_url

    @property
    def django_url(self) -> str:
        """DRF without nginx before it."""
        return self.settings.stack_url(Stack.DJANGO)

    @property
    def fastapi_url(self) -> str:
        """FastAPI without nginx before it."""
        return self.settings.stack_url(Stack.FASTAPI)

    @property
    def connections(self) -> Connections:
        """Secrets and database addresses of the running stack.

        :raises UsageError: it wasn't started.
        """
        if self._connections is None:
            raise UsageError("the stack isn't started", "call start() first")
        return self._connections

    def connections_resolve(self) -> Connections:
        """Secrets and database addresses, whether the stack runs or not.

        :raises UsageError: a secret is missing, a placeholder, or in a file that isn't this user's.
        """
        return self.database.connections()

    @cached_property
    def rollout(self) -> Rollout:
        """The moves of this stack's routes, whether it runs or not.

        :raises FailedError: there is no nginx for this machine.
        """
        state_dir = self.folder.path
        return rollout_assemble(
            self.settings,
            folder=RolloutFolder(state_dir / "rollout"),
            gateway=native_gateway(
                self.settings,
                folder=state_dir / "nginx",
                without_django=self.without_django,
                elsewhere=lambda: state.elsewhere if (state := self.folder.running()) else {},
            ),
            shadow=lambda names: _shadow_counts(state_dir, names),
            grow_grants=self._grants_grow,
            hint="start it with strangler up",
        )

    @property
    def owner_dsn(self) -> str:
        """The database as the role that owns the tables."""
        return self.connections.owner_dsn

    @property
    def fastapi_dsn(self) -> str:
        """The database as FastAPI's role."""
        return self.connections.fastapi_dsn

    @property
    def admin_dsn(self) -> str:
        """The embedded PostgreSQL as its superuser."""
        return self._postgres.admin_dsn

    def start(self) -> None:
        """Start everything in order and wait until all of it is ready.

        :raises UsageError: a setting, a taken port, a folder that isn't writable, a stack that already runs.
        :raises FailedError: a service died or wasn't ready in time; everything is ended again.
        """
        self._lock.enter_context(self.folder.locked())
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise not_writable(self.folder.path, error) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every child in reverse order and release the folder; does nothing if nothing runs."""
        self.children.stop()
        self._lock.close()

    def _start(self) -> None:
        for name in stale_end(self.folder):
            _LOG.info("ended %s, which a killed run had left behind", name)
        self._lock.callback(self.folder.forget)
        logs_rotate(self.folder.logs)
        self.folder.write(self.state)
        self._connections = self.connections_resolve()
        stacks = stack_services(self.settings, self.connections, stacks=self._stacks)
        gateway = gateway_service(self.settings, folder=self.folder.path / "nginx")
        # Apart, since its template engine would stay in memory.
        run_apart(lambda: rollout_begin(self.rollout, command="up"), meanwhile=self.children.check)
        for service in [*stacks, gateway]:
            host, port, setting = service.listens
            port_require_free(host=host, port=port, setting=setting)
        if self._starts_services:
            self._postgres_start()
            self._apart(self.database.prepare)
        if not self.without_django:
            self._shadow_start()
        if stacks:
            self._services_start(stacks)
        self._worker_start()
        self._services_start([gateway])
        self.state.phase = "ready"
        self.folder.write(self.state)

    @property
    def _stacks(self) -> tuple[Stack, ...]:
        if self.state.gateway_alone:
            return ()
        return (Stack.FASTAPI,) if self.without_django else tuple(Stack)

    @property
    def _starts_services(self) -> bool:
        """Whether a service of the project is started here; otherwise nginx alone is, before those that run already."""
        return any(self.settings.project.stack(stack).command for stack in self._stacks)

    def _postgres_start(self) -> None:
        if self.settings.database_url:
            self._apart(self._database_require)
            return
        _LOG.info("starting PostgreSQL")
        port = self.settings.postgres_port
        self._postgres.prepare()
        keeper = self.kept.start(
            self._postgres.program,
            address=f"{HOST}:{port}",
            probe=PostgresProbe(host=HOST, postgres_port=port),
            spawn=lambda _program: self._postgres.spawn(),
        )
        self._postgres.wait_until_ready()
        self._disk_guard = DiskGuard(self._postgres, keeper)
        self.disk_watch()
        self._apart(self._postgres.database_ensure)

    def _database_require(self) -> None:
        from strangler.local.databases import database_require

        database_require(dsn=self.owner_dsn, hint="start it, or correct DATABASE_URL in .env")

    def _apart(self, work: Callable[[], object]) -> None:
        """Do what needs the libraries of a database, which would be a third of this process's memory for days.

        :raises FailedError: the database refuses.
        """
        run_apart(lambda: _explained(work), meanwhile=self.children.check)

    def _grants_grow(self, running: RouteTable, wanted: RouteTable) -> None:
        """Grant FastAPI the writes of newly moved routes; the next start revokes those that no route needs."""
        # Services that run elsewhere have a database and grants elsewhere.
        if self._starts_services and wanted.moved_writes - running.moved_writes:
            self.database.grants_apply(wanted, keep=True)

    def _services_start(self, services: list[Service]) -> None:
        _LOG.info("starting %s", " and ".join(service.name for service in services))
        for service in services:
            host, port, _setting = service.listens
            self.kept.start(service, address=f"{host}:{port}", probe=service.probe)
        self.children.wait_until_ready(services)

    def _worker_start(self) -> None:
        worker = worker_helper(self.settings, self.connections) if self._with_worker and self._starts_services else None
        if worker is not None:
            _LOG.info("starting worker")
            self.kept.start(worker, address=worker.address)

    def _shadow_start(self) -> None:
        """Start the shadow worker, before nginx, which logs an error for each sample without a receiver."""
        sender = (local_gateway(self.settings).user or "").partition(" ")[0]
        helper = shadow_helper(self.settings, state_dir=self.folder.path, sender=sender)
        self.kept.start(helper, address=helper.address)

    def disk_watch(self) -> None:
        """Have the embedded PostgreSQL refuse writes for as long as its disk is nearly full."""
        if self._disk_guard is not None and self._disk_guard.step():
            self.state.database_problem = self._disk_guard.problem
            self.kept.write()


def _explained(work: Callable[[], object]) -> None:
    """Do it; what the database refuses is one sentence.

    :raises FailedError: it refuses.
    """
    import psycopg

    try:
        work()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        hint = "let DATABASE_URL name the role that owns the tables"
        raise FailedError(f"the database refuses ({reason})", hint) from error


def _shadow_counts(state_dir: Path, names: Sequence[str]) -> ShadowCounts:
    if not names:
        return {}
    # Imported here, since it imports all of the comparison, and few commands need evidence.
    from strangler.compare.shadow.results import shadow_evidence

    return shadow_evidence(shadow_database(state_dir), names)
