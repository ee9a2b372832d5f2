"""The database of the stack on this machine: its addresses, its schema, its rights and its demo data."""

import logging

from strangler.deployment.leaving import django_require, tables_require
from strangler.errors import FailedError, UsageError
from strangler.local.children import Children
from strangler.local.postgres import PostgresServer
from strangler.local.process import Program
from strangler.local.secret_store import SecretStore, secret_resolve
from strangler.local.services import Connections, manage_argv, stack_environment, stack_folder
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings, fastapi_dsn_derive

_LOG = logging.getLogger(__name__)


class LocalDatabase:
    """The database that `DATABASE_URL` names, or that of the stack's own server; commands run among `children`.

    `without_django`: none of them is Django's, and FastAPI answers all routes.
    """

    def __init__(
        self,
        settings: LocalSettings,
        *,
        server: PostgresServer,
        secrets: SecretStore,
        children: Children,
        without_django: bool = False,
    ) -> None:
        self._settings = settings
        self._server = server
        self._secrets = secrets
        self._children = children
        self._without_django = without_django

    def connections(self) -> Connections:
        """Secrets and database addresses, whether the stack runs or not.

        :raises UsageError: a secret is missing, a placeholder, or in a file that isn't this user's.
        """
        owner_dsn = self._settings.database_url or self._server.owner_dsn()
        password = self._secrets.get("fastapi_password")
        return Connections(
            owner_dsn=owner_dsn,
            fastapi_dsn=self._settings.fastapi_database_url
            or fastapi_dsn_derive(
                owner_dsn=owner_dsn, role=self._settings.project.database.fastapi_role, password=password
            ),
            secret_key=self._secret("secret_key"),
            jwt_signing_key=self._secret(self._settings.signing_secret) or self._settings.signing_key,
        )

    def prepare(self) -> None:
        """Migrate, grant and fill the stack's own database; another one only if the project file allows it.

        :raises UsageError: another one isn't ready, and the project file doesn't allow it; tables lack what is needed.
        :raises FailedError: a command fails.
        """
        # Imported here, since psycopg takes a tenth of a second, which a rollback has no use for.
        from strangler.local.databases import database_vacuum, has_rows

        project = self._settings.project
        if self._settings.database_url and not project.database.prepare:
            self._check()
            return
        handed_over = self._is_handed_over()
        if handed_over:
            from strangler.handover.baseline import upgrade

            _LOG.info("migrating with Alembic")
            upgrade(project.alembic, self._owner_dsn)
        if self._without_django:
            tables_require(self._owner_dsn, project)
            self.grants_apply(project.load_routes().without_django)
            return
        if handed_over:
            django_require(self._owner_dsn, project)
        elif project.django.manage is not None:
            _LOG.info("migrating")
            self._manage("migrate", "migrate", "--noinput")
        self.grants_apply(project.load_routes())
        demo = None if self._settings.database_url or not self._settings.is_development else project.demo
        if demo is not None and not has_rows(dsn=self._owner_dsn, table=demo.table):
            _LOG.info("loading the demo data")
            self._manage("demo", *demo.manage)
            database_vacuum(dsn=self._owner_dsn)

    def grants_apply(self, table: RouteTable, *, keep: bool = False) -> None:
        """Grant FastAPI's role the rights that the routes need; the operator grants a role of FASTAPI_DATABASE_URL."""
        if not self._settings.fastapi_database_url:
            # Imported here, since SQLAlchemy takes a quarter of the time of a command that grants nothing.
            from strangler.schema.grants import apply_grants, writing_features

            consumer = self._settings.project.load_consumer().without(table.unused_features)
            moved = () if self._settings.fastapi_read_only else table.moved_writes
            apply_grants(
                owner_dsn=self._owner_dsn,
                role=self._settings.project.database.fastapi_role,
                password=self._secrets.get("fastapi_password"),
                consumer=consumer,
                writers=writing_features(moved, consumer),
                keep=keep,
            )

    def _is_handed_over(self) -> bool:
        """Whether Alembic owns the tables; no folder of Alembic's says so without a connection."""
        if not (self._settings.project.alembic / "alembic.ini").exists():
            return False
        # Imported here, since Alembic takes a quarter of a second.
        from strangler.handover.baseline import is_handed_over

        return is_handed_over(self._owner_dsn)

    def _check(self) -> None:
        """Refuse a database that isn't the stack's own and isn't ready; nothing is written to it.

        :raises UsageError: migrations are pending, or FastAPI's role is not named.
        """
        allow = f"or set prepare = true under [database] of {self._settings.project.file.name}"
        if not self._settings.fastapi_database_url:
            hint = f"set FASTAPI_DATABASE_URL in .env, {allow}"
            raise UsageError("nothing is made in the database of DATABASE_URL, and no role there is FastAPI's", hint)
        if self._without_django:
            tables_require(self._owner_dsn, self._settings.project)
            return
        if self._settings.project.django.manage is None:
            return
        _LOG.info("checking for pending migrations")
        try:
            self._manage("migrate-check", "migrate", "--check")
        except FailedError as error:
            hint = f"run your project's manage.py migrate, {allow}"
            raise UsageError("the database of DATABASE_URL lacks migrations of the project", hint) from error

    def _manage(self, name: str, *arguments: str) -> None:
        project = self._settings.project
        self._children.run(
            Program(
                name=name,
                argv=manage_argv(project, *arguments),
                env=stack_environment(self._settings, self.connections(), Stack.DJANGO),
                cwd=stack_folder(project, Stack.DJANGO),
                stop_seconds=5.0,
            )
        )

    @property
    def _owner_dsn(self) -> str:
        return self.connections().owner_dsn

    def _secret(self, name: str) -> str:
        if not self._settings.project.uses(name):
            return ""
        return secret_resolve(settings=self._settings, name=name, store=self._secrets)
