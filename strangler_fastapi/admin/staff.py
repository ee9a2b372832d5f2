"""Who signs in to the admin: Django's staff, by the hashes and permissions of Django's tables."""

import hmac
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Executable, bindparam, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette_admin.auth import AdminUser, AuthProvider
from starlette_admin.exceptions import LoginFailed
from starlette_admin.helpers import index_url, safe_redirect_url

from shared_schema.consumer.samples import Sample, sample_of
from strangler_fastapi.auth.sign_in import SignInTables, sign_in
from strangler_fastapi.auth.signing import salted_hmac
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession, open_session
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.drf.views.model_permissions import PermissionTables
from strangler_fastapi.errors import AuthenticationFailed, Throttled

COOKIE: Final = "strangler_admin"
_SALT: Final = "strangler_fastapi.admin.staff"
# Django's own words.
_REFUSAL: Final = (
    "Please enter the correct username and password for a staff account. Note that both fields may be case-sensitive."
)

# One transaction, committed where the block ends and rolled back where it raises.
transaction = asynccontextmanager(open_session)


@dataclass
class StaffUser(AdminUser):
    """Who is signed in; `permissions` are by `app_label.codename`."""

    id: Any = None
    is_staff: bool = True
    is_superuser: bool = False
    permissions: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether it holds a permission, by itself or by a group; a superuser holds every one."""
        return self.is_superuser or permission in self.permissions


@dataclass(frozen=True, kw_only=True)
class StaffTables:
    """Where staff and its permissions are.

    Args:
        users: the tables of a sign-in; the user's class has `is_staff` and `is_superuser`.
        permissions: Django's tables of permissions and groups.
    """

    users: SignInTables[Any]
    permissions: PermissionTables

    async def load(self, session: RequestSession, user_id: object) -> tuple[StaffUser, str] | None:
        """The user who may use the admin, and the password's stored hash; None where it isn't active staff."""
        rows = await fetch(session, self.account(user_id))
        if not rows:
            return None
        key, username, password, is_superuser = rows[0]
        held = () if is_superuser else await fetch(session, self.permissions.names_held(key))
        names = frozenset(row[0] for row in held)
        return StaffUser(username=username, id=key, is_superuser=is_superuser, permissions=names), password

    def account(self, user_id: object) -> Rows:
        """Active staff with this id: `id`, the username, `password`, `is_superuser`."""
        user = self.users.user

        def build() -> Executable:
            name = getattr(user, self.users.username_field)
            rows = select(user.id, name, user.password, user.is_superuser)
            return rows.where(user.id == bindparam("id"), user.is_active, user.is_staff)

        return Rows((user.__table_key__, "staff"), build, {"id": user_id})

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        user_id = sample_of(self.users.user.id.type.python_type)
        yield from self.users.sign_in_statements()
        yield as_sample(self.account(user_id))
        yield as_sample(self.permissions.names_held(user_id))


@dataclass(eq=False)
class StaffAuth(AuthProvider):
    """Signs staff in by a signed cookie, which another password, or `is_staff` taken away, ends at once.

    Nothing is stored of a session: signing out takes the cookie from the browser, and no other copy of it.

    Args:
        secret_key: signs the cookie.
        path: where the admin is; the cookie goes nowhere else.
        seconds: how long a session lasts.
        failures: how many sign-ins by one name may fail in 15 minutes.
    """

    tables: StaffTables
    secret_key: str = field(repr=False)
    path: str
    seconds: int
    failures: int

    def __post_init__(self) -> None:
        super().__init__(login_path="/login/", logout_path="/logout/")
        self._signer = URLSafeTimedSerializer(self.secret_key, salt=_SALT)

    async def login(self, username: str, password: str, remember_me: bool, request: Request) -> Response:
        """See AuthProvider.

        Raises:
            LoginFailed: no staff has this name and password, or too many sign-ins have failed.
            Unavailable: too many passwords are being checked.
        """
        async with transaction(request) as session:
            try:
                found = await sign_in(
                    session, self.tables.users, username=username, password=password, most_failures=self.failures
                )
            except AuthenticationFailed:
                raise LoginFailed(_REFUSAL) from None
            except Throttled as error:
                raise LoginFailed(str(error.body["detail"])) from None
            if await self.tables.load(session, found.id) is None:
                raise LoginFailed(_REFUSAL)
        home = index_url(request)
        answer = RedirectResponse(safe_redirect_url(request.query_params.get("next") or home, request, home), 303)
        answer.set_cookie(
            COOKIE,
            self._signer.dumps({"user": str(found.id), "hash": self._hash(found.password)}),
            max_age=self.seconds if remember_me else None,
            path=self.path,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """See AuthProvider."""
        answer = RedirectResponse(index_url(request), 303)
        answer.delete_cookie(COOKIE, path=self.path)
        return answer

    async def authenticate(self, request: Request) -> StaffUser | None:
        """See AuthProvider."""
        cookie = request.cookies.get(COOKIE)
        if cookie is None or request.url.path.startswith(f"{self.path}/static/"):
            return None
        try:
            signed = self._signer.loads(cookie, max_age=self.seconds)
        except BadData:
            return None
        async with transaction(request) as session:
            kind = self.tables.users.user.id.type.python_type
            found = await self.tables.load(session, kind(signed["user"]))
        if found is None or not hmac.compare_digest(self._hash(found[1]), signed["hash"]):
            return None
        return found[0]

    def _hash(self, password: str) -> str:
        return salted_hmac(_SALT, password, self.secret_key).hexdigest()
