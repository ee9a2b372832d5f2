"""The table of users, and the statements that find the caller of a request in it."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Executable, bindparam, literal_column, null, select, union_all

from shared_schema.consumer.samples import Sample, sample_of
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.drf.validators import Invalid, check_storable

_BIGGEST_KEY = 2**63 - 1


class Account(Protocol):
    """The caller of a request."""

    @property
    def id(self) -> Any:  # noqa: ANN401 - of the key's type
        """The primary key."""

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in."""


Found = TypeVar("Found", bound=Account)


@dataclasses.dataclass(frozen=True, kw_only=True)
class UserTables(Generic[Found]):
    """Mapped classes; each statement about them is compiled once.

    Args:
        user: the class of AUTH_USER_MODEL, with `id`, `password`, `is_active` and the username.
        account: a dataclass of the caller of a request; its fields are attributes of `user`, `id` and `is_active`
            among them, `password` where CHECK_REVOKE_TOKEN is set or sessions are read, `is_staff` for IsAdminUser,
            `is_superuser` for DjangoModelPermissions.
        username_field: the user model's USERNAME_FIELD.
    """

    user: Any
    account: type[Found]
    username_field: str = "username"

    async def find_account(self, session: RequestSession, user_id: Any) -> Found | None:  # noqa: ANN401 - any JSON
        """The account that a token's claim or a session names; what can't be a key names none."""
        try:
            key = self._key(user_id)
        except (TypeError, ValueError, OverflowError, Invalid):
            return None
        rows = await fetch(session, self.account_by_id(key))
        return self.account(*rows[0]) if rows else None

    def account_by_id(self, user_id: object) -> Rows:
        """The account with this id: the fields of `account`."""

        def build() -> Executable:
            return select(*self._columns()).where(self.user.id == bindparam("id"))

        return Rows((self.user.__table_key__, "account by id", self.account), build, {"id": user_id})

    def account_by_name(self, username: str) -> Rows:
        """The account with exactly this username: `id`, `password`, `is_active`."""

        def build() -> Executable:
            name = getattr(self.user, self.username_field)
            columns = (self.user.id, self.user.password, self.user.is_active)
            return select(*columns).where(name == bindparam("username"))

        return self._rows("account by name", build, username=username)

    def hash_after(self, username: str) -> Rows:
        """The stored hash of the first username behind this one, or of the first of all: `password`."""

        def build() -> Executable:
            name = getattr(self.user, self.username_field)
            behind = select(self.user.password, literal_column("0").label("rank")).where(name >= bindparam("username"))
            first = select(self.user.password, literal_column("1").label("rank"))
            # Each reads one row off the index of the names.
            parts = [select(part.order_by(name).limit(1).subquery()) for part in (behind, first)]
            found = union_all(*parts).subquery()
            return select(found.c.password).order_by(found.c.rank).limit(1)

        return self._rows("hash after name", build, username=username)

    def account_by_token(self, token: Any, key: str) -> Rows:  # noqa: ANN401 - a mapped class
        """The account of a row of `token`, such as `authtoken_token`, with that `key`: the fields of `account`."""

        def build() -> Executable:
            table = token.__table__
            rows = select(*self._columns()).join_from(self.user, table, table.c.user_id == self.user.id)
            return rows.where(table.c.key == bindparam("key"))

        return Rows((self.user.__table_key__, "account by", token.__tablename__, self.account), build, {"key": key})

    def account_by_access_token(self, token: Any, key: str) -> Rows:  # noqa: ANN401 - as above
        """The row of an OAuth 2.0 token by its checksum, or by itself where the class has none of those.

        It is `user_id`, `expires`, `scope`, `resource` and the fields of `account`, null where the token is of no user.
        """
        column = "token_checksum" if hasattr(token, "token_checksum") else "token"

        def build() -> Executable:
            table = token.__table__
            resource = token.resource if hasattr(token, "resource") else null()
            columns = (table.c.user_id, table.c.expires, table.c.scope, resource.label("resource"))
            rows = select(*columns, *self._columns())
            rows = rows.select_from(table.outerjoin(self.user.__table__, table.c.user_id == self.user.id))
            return rows.where(table.c[column] == bindparam("key"))

        names = ("account by", token.__tablename__, column, self.account)
        return Rows((self.user.__table_key__, *names), build, {"key": key})

    def accounts_by_knox_token(self, token: Any, key: str) -> Rows:  # noqa: ANN401 - as above
        """The rows of knox's tokens of a `token_key`: `digest`, `expiry` and the fields of `account`."""

        def build() -> Executable:
            table = token.__table__
            rows = select(table.c.digest, table.c.expiry, *self._columns())
            rows = rows.join_from(self.user, table, table.c.user_id == self.user.id)
            return rows.where(table.c.token_key == bindparam("key"))

        return Rows((self.user.__table_key__, "accounts by", token.__tablename__, self.account), build, {"key": key})

    def identity_statements(self) -> Iterator[Sample]:
        """The statement of every feature that identifies its callers by a claim or a session."""
        yield as_sample(self.account_by_id(sample_of(self._kind)))

    def token_statements(self, token: Any) -> Iterator[Sample]:  # noqa: ANN401 - a mapped class
        """The statement of every feature that identifies its callers by TokenAuthentication."""
        yield as_sample(self.account_by_token(token, "sample"))

    def access_token_statements(self, token: Any) -> Iterator[Sample]:  # noqa: ANN401 - a mapped class
        """The statement of every feature that identifies its callers by OAuth2Authentication."""
        yield as_sample(self.account_by_access_token(token, "sample"))

    def knox_token_statements(self, token: Any) -> Iterator[Sample]:  # noqa: ANN401 - a mapped class
        """The statement of every feature that identifies its callers by KnoxTokenAuthentication."""
        yield as_sample(self.accounts_by_knox_token(token, "sample"))

    def password_statements(self) -> Iterator[Sample]:
        """The statements of every feature that identifies its callers by BasicAuthentication."""
        yield from self.identity_statements()
        yield as_sample(self.account_by_name("sample"))
        yield as_sample(self.hash_after("sample"))

    def _columns(self) -> list[Any]:
        names = [field.name for field in dataclasses.fields(self.account)]  # type: ignore[arg-type] # a dataclass
        return [getattr(self.user, name) for name in names]

    @cached_property
    def _kind(self) -> type:
        kind: type = self.user.id.type.python_type
        return kind

    def _key(self, user_id: Any) -> Any:  # noqa: ANN401 - any JSON, and of the key's type
        """A claim as the key's type; text stands for each of them."""
        kind = self._kind
        if kind is int:
            if abs(number := int(user_id)) > _BIGGEST_KEY:
                raise OverflowError("no key is so large")
            return number
        if not isinstance(user_id, str):
            raise TypeError("no key is made of this")
        check_storable(user_id)
        return UUID(user_id) if kind is UUID else kind(user_id)

    def _rows(self, name: str, build: Any, **values: Any) -> Rows:  # noqa: ANN401 - as Rows has them
        return Rows((self.user.__table_key__, name), build, values)
