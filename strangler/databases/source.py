"""The real database: who may copy it, and the proof that nobody who writes was sent there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from strangler.databases.connecting import identity_of, is_address
from strangler.errors import UnsafeError
from strangler.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class Source:
    """The database that is copied.

    Attributes:
        settings: of the stack that works on it.
        owner_dsn: the role that owns the tables.
        fastapi_dsn: FastAPI's role.
        admin_dsn: a role that may make databases.
        secrets: what the servers sign with, by the name of the setting, and FastAPI's password.
        identity: server and database, however an address spells them.
    """

    settings: LocalSettings = field(repr=False)
    owner_dsn: str = field(repr=False)
    fastapi_dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    name: str
    identity: str

    def require_elsewhere(self, environment: Iterable[str]) -> None:
        """Let no server start that was told an address of this database.

        :raises UnsafeError: one of the values leads here.
        :raises FailedError: where it leads can't be told, since nobody answers.
        """
        for value in environment:
            if is_address(value) and identity_of(value) == self.identity:
                raise UnsafeError(
                    f"a server that is to write was told an address of the real database {self.name}: "
                    "nothing was started; let DATABASE_URL name its database in its path only."
                )
