"""Permissions that Django keeps in its tables: a user's own and those of its groups (`DjangoModelPermissions`)."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy import Executable, Select, Text, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from starlette.requests import Request

from shared_schema.consumer.samples import Sample, sample_of
from shared_schema.mapping import Reflected
from strangler_fastapi.auth.authentication import auth_of
from strangler_fastapi.db.query import Rows, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.drf.views.permissions import SAFE_METHODS, BasePermission, Verdict
from strangler_fastapi.errors import Http404, MethodNotAllowed

_NAMES: Any = ARRAY(Text)


@dataclass(frozen=True, kw_only=True)
class PermissionTables:
    """The mapped classes of Django's permissions, groups and content types.

    Args:
        permission: `auth_permission`, with `id`, `codename` and `content_type_id`.
        content_type: `django_content_type`, with `id`, `app_label` and `model`.
        group_permission: `auth_group_permissions`, with `group_id` and `permission_id`.
        user_group: the user's groups, with `group_id` and `user_column`.
        user_permission: the user's own permissions, with `permission_id` and `user_column`.
        user_column: what those two call the user's key: `user_id`, or `<model>_id` of another user model.
        group: `auth_group`, with `id` and `name`, for `in_groups`.
    """

    permission: Any
    content_type: Any
    group_permission: Any
    user_group: Any
    user_permission: Any
    user_column: str = "user_id"
    group: Any = None

    async def has_perms(self, session: RequestSession, caller: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401 - a project's own
        """Whether the caller has all of the permissions, by `app_label.codename`, or is an active superuser."""
        if not names:
            return True
        if caller is None or not caller.is_active:
            return False
        if caller.is_superuser:
            return True
        held: int = await fetch_value(session, self.held(caller.id, names))
        return held == len(set(names))

    async def in_groups(self, session: RequestSession, caller: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401 - as above
        """Whether the caller is in a group of one of these names."""
        return caller is not None and bool(await fetch_value(session, self.groups(caller.id, names)))

    def groups(self, user_id: object, names: tuple[str, ...]) -> Rows:
        """How many groups of these names a user is in."""

        def build() -> Executable:
            rows = select(func.count()).select_from(self.group)
            rows = rows.join(self.user_group.__table__, self.user_group.group_id == self.group.id)
            by_user = getattr(self.user_group, self.user_column) == bindparam("user_id")
            return rows.where(by_user, self.group.name == func.any(bindparam("names", type_=_NAMES)))

        return Rows((self.group.__table_key__, "groups of user"), build, {"user_id": user_id, "names": list(names)})

    def held(self, user_id: object, names: tuple[str, ...]) -> Rows:
        """How many of the permissions a user has, itself or by a group."""

        def build() -> Executable:
            name = self.content_type.app_label.concat(".").concat(self.permission.codename)
            rows = select(func.count(name.distinct())).select_from(self.permission)
            rows = rows.join(self.content_type.__table__, self.content_type.id == self.permission.content_type_id)
            is_held = or_(self.permission.id.in_(self._own()), self.permission.id.in_(self._of_groups()))
            return rows.where(name == func.any(bindparam("names", type_=_NAMES)), is_held)

        return Rows(
            (self.permission.__table_key__, "held permissions"), build, {"user_id": user_id, "names": list(names)}
        )

    def names_held(self, user_id: object) -> Rows:
        """All permissions of a user, by itself or by a group: `app_label.codename`."""

        def build() -> Executable:
            name = self.content_type.app_label.concat(".").concat(self.permission.codename)
            rows = select(name).select_from(self.permission)
            rows = rows.join(self.content_type.__table__, self.content_type.id == self.permission.content_type_id)
            return rows.where(or_(self.permission.id.in_(self._own()), self.permission.id.in_(self._of_groups())))

        return Rows((self.permission.__table_key__, "permissions of user"), build, {"user_id": user_id})

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        user_id = sample_of(getattr(self.user_group, self.user_column).type.python_type)
        yield as_sample(self.held(user_id, ("app.sample",)))
        if self.group is not None:
            yield as_sample(self.groups(user_id, ("sample",)))

    def _own(self) -> Select[Any]:
        by_user = getattr(self.user_permission, self.user_column) == bindparam("user_id")
        return select(self.user_permission.permission_id).where(by_user)

    def _of_groups(self) -> Select[Any]:
        by_user = getattr(self.user_group, self.user_column) == bindparam("user_id")
        groups = select(self.user_group.group_id).where(by_user)
        return select(self.group_permission.permission_id).where(self.group_permission.group_id.in_(groups))


class DjangoModelPermissions(BasePermission):
    """Signed-in callers read; they write with Django's `add`, `change` and `delete` permission of the model.

    `perms_map` says which a method needs, in DRF's notation.

    Args:
        tables: where permissions are.
        model: the mapped class of the view's queryset.
    """

    perms_map: ClassVar[dict[str, list[str]]] = {
        "GET": [],
        "OPTIONS": [],
        "HEAD": [],
        "POST": ["%(app_label)s.add_%(model_name)s"],
        "PUT": ["%(app_label)s.change_%(model_name)s"],
        "PATCH": ["%(app_label)s.change_%(model_name)s"],
        "DELETE": ["%(app_label)s.delete_%(model_name)s"],
    }
    authenticated_users_only: ClassVar[bool] = True

    def __init__(self, tables: PermissionTables, model: type[Reflected]) -> None:
        self._tables = tables
        self._model = model

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        """See BasePermission.

        Raises:
            MethodNotAllowed: no permission is known for the method.
        """
        # An access token of no user is nobody, and not anonymous either.
        if caller is None and (self.authenticated_users_only or auth_of(request) is not None):
            return False
        names = self.required(request.method)
        if not names or caller is None:
            return not names
        return self._tables.has_perms(request.state.session, caller, names)

    def required(self, method: str) -> tuple[str, ...]:
        """The permissions that a method needs, by `app_label.codename`.

        Raises:
            MethodNotAllowed: no permission is known for it.
        """
        if method not in self._required:
            raise MethodNotAllowed(method)
        return self._required[method]

    @cached_property
    def _required(self) -> dict[str, tuple[str, ...]]:
        app_label, _, name = self._model.__mapping__.contract.tables[self._model.__table_key__].model.rpartition(".")
        given = {"app_label": app_label, "model_name": name.lower()}
        return {method: tuple(text % given for text in texts) for method, texts in self.perms_map.items()}


class DjangoModelPermissionsOrAnonReadOnly(DjangoModelPermissions):
    """As DjangoModelPermissions, and everybody reads."""

    authenticated_users_only = False


# Whether the caller has all of the permissions, by `app_label.codename`, for an object.
ObjectBackend = Callable[[Request, Any, tuple[str, ...], Any], Awaitable[bool]]


class DjangoObjectPermissions(DjangoModelPermissions):
    """As DjangoModelPermissions, and each object is a matter of the `backend`, as of django-guardian's.

    An active superuser may do all. Who may not even read an object doesn't find it. The backend gets the request, whose
    session is `request.state.session`, the caller, the names of permissions and the object that
    `View.access.check_object` is given.
    """

    def __init__(self, tables: PermissionTables, model: type[Reflected], backend: ObjectBackend) -> None:
        super().__init__(tables, model)
        self._backend = backend

    async def has_object_permission(self, request: Request, caller: Any, obj: Any) -> bool:  # noqa: ANN401 - see BasePermission
        """See BasePermission.

        Raises:
            Http404: the caller may not read it.
        """
        if await self._has(request, caller, request.method, obj):
            return True
        if request.method in SAFE_METHODS or not await self._has(request, caller, "GET", obj):
            raise Http404
        return False

    async def _has(self, request: Request, caller: Any, method: str, obj: Any) -> bool:  # noqa: ANN401 - as above
        names = self.required(method)
        if not names or (caller is not None and caller.is_active and caller.is_superuser):
            return True
        return caller is not None and await self._backend(request, caller, names, obj)
