"""SQLAlchemy's session within the one of a request."""

from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import await_only

# Of a session's `info`: the request's session, which it is within.
OWNER: Final = "request session"


class _Owner(Protocol):
    """The request's session (`RequestSession`)."""

    @property
    def has_begun(self) -> bool:
        """Whether its transaction has begun on the server."""

    async def begin_transaction(self) -> None:
        """Begins it."""

    def forget(self, ended: SessionTransaction) -> None:
        """Drops what was to follow the commit of a transaction that was rolled back."""


class LateSession(Session):
    """SQLAlchemy's own, which has the request's connection opened and its transaction begun when it first asks."""

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:  # noqa: ANN401 - as Session's
        """See Session."""
        owner: _Owner = self.info[OWNER]
        if not owner.has_begun:
            await_only(owner.begin_transaction())
        return super().get_bind(*args, **options)


@event.listens_for(LateSession, "after_soft_rollback")
def _forget(session: LateSession, ended: SessionTransaction) -> None:
    """What was to follow a commit of a savepoint that is rolled back doesn't, as in Django."""
    owner: _Owner = session.info[OWNER]
    owner.forget(ended)
