"""Who may send a request: DRF's permissions under their own names, combined with `&`, `|` and `~`.

A view takes a permission, a function of the request and its caller, or several, of which each must let it pass:

    permission=IsAuthenticated
    permission=IsAdminUser | owns_the_shop
    permission=ByMethod(IsAuthenticated, GET=AllowAny, DELETE=IsAdminUser)
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable
from typing import Any, ClassVar, Union

from sqlalchemy import Executable, Select, Text, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from starlette.requests import Request

from shared_schema.consumer.samples import Sample, sample_of
from shared_schema.mapping import Reflected
from strangler_fastapi.db.query import Rows, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.sample_queries import as_sample
from strangler_fastapi.errors import MethodNotAllowed, NotPorted

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_NAMES: Any = ARRAY(Text)

# Awaited only where the database has to be asked.
Verdict = bool | Awaitable[bool]
PermissionFunction = Callable[[Request, Any], Verdict]
# A permission, the class of one that needs no arguments, or a function.
Rule = Union["BasePermission", type["BasePermission"], PermissionFunction]


class _PermissionClass(type):
    """The class of permission classes, so that `IsAuthenticated & owns` needs no instance."""

    def __and__(cls, other: "Rule") -> "BasePermission":
        return _And(as_permission(cls), as_permission(other))

    def __rand__(cls, other: "Rule") -> "BasePermission":
        return _And(as_permission(other), as_permission(cls))

    def __or__(cls, other: "Rule") -> "BasePermission":  # type: ignore[override] # of other classes it makes a union
        return _Or(as_permission(cls), as_permission(other))

    def __ror__(cls, other: "Rule") -> "BasePermission":  # type: ignore[override] # the same
        return _Or(as_permission(other), as_permission(cls))

    def __invert__(cls) -> "BasePermission":
        return _Not(as_permission(cls))


class BasePermission(metaclass=_PermissionClass):
    """A rule that a request has to meet; `message` is what a refusal says, DRF's words where it is None.

    The caller is None where the request is anonymous.
    """

    message: ClassVar[str | None] = None

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401, ARG002 - a project's own caller
        """Whether the request may go on, before anything is looked up."""
        return True

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401, ARG002 - as above
        """Whether it may touch `obj`; asked by `View.access.check_object`."""
        return True

    def unported(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - for those that others combine
        """What of Django's decides of a request and isn't ported yet."""
        return ()

    def __and__(self, other: "Rule") -> "BasePermission":
        return _And(self, as_permission(other))

    def __rand__(self, other: "Rule") -> "BasePermission":
        return _And(as_permission(other), self)

    def __or__(self, other: "Rule") -> "BasePermission":
        return _Or(self, as_permission(other))

    def __ror__(self, other: "Rule") -> "BasePermission":
        return _Or(as_permission(other), self)

    def __invert__(self) -> "BasePermission":
        return _Not(self)


class AllowAny(BasePermission):
    """Everybody may."""


class IsAuthenticated(BasePermission):
    """Signed-in callers may."""

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401, ARG002 - see BasePermission
        """See BasePermission."""
        return caller is not None


class IsAdminUser(BasePermission):
    """Staff may: callers whose `is_staff` is true."""

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401, ARG002 - see BasePermission
        """See BasePermission."""
        return caller is not None and bool(caller.is_staff)


class IsAuthenticatedOrReadOnly(BasePermission):
    """Everybody reads, signed-in callers write."""

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401 - see BasePermission
        """See BasePermission."""
        return request.method in SAFE_METHODS or caller is not None


class ByMethod(BasePermission):
    """A rule for each method, as a view of DRF has one for each action; HEAD is GET's unless it is given.

    What OPTIONS says of other methods is asked of its own rule, since its action is `metadata` throughout.

    Args:
        default: for all other methods, OPTIONS among them.
        methods: method → its rule.
    """

    def __init__(self, default: Rule, **methods: Rule) -> None:
        rules = {method: as_permission(rule) for method, rule in methods.items()}
        self._rules = ({"HEAD": rules["GET"]} if "GET" in rules else {}) | rules
        self._default = as_permission(default)

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        """See BasePermission."""
        return self._rule(request).has_permission(request, caller)

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401 - as above
        """See BasePermission."""
        return self._rule(request).has_object_permission(request, caller, obj)

    def unported(self, request: Request) -> tuple[str, ...]:
        """See BasePermission."""
        return self._rule(request).unported(request)

    def _rule(self, request: Request) -> BasePermission:
        return self._rules.get(request.scope.get("asked_in", request.method), self._default)


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
    """

    permission: Any
    content_type: Any
    group_permission: Any
    user_group: Any
    user_permission: Any
    user_column: str = "user_id"

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

    def held(self, user_id: object, names: tuple[str, ...]) -> Rows:
        """How many of the permissions a user has, itself or by a group."""

        def build() -> Executable:
            name = self.content_type.app_label.concat(".").concat(self.permission.codename)
            rows = select(func.count(name.distinct())).select_from(self.permission)
            rows = rows.join(self.content_type.__table__, self.content_type.id == self.permission.content_type_id)
            is_held = or_(self.permission.id.in_(self._own()), self.permission.id.in_(self._of_groups()))
            return rows.where(name == func.any(bindparam("names", type_=_NAMES)), is_held)

        return Rows((self.permission.key(), "held permissions"), build, {"user_id": user_id, "names": list(names)})

    def names_held(self, user_id: object) -> Rows:
        """All permissions of a user, by itself or by a group: `app_label.codename`."""

        def build() -> Executable:
            name = self.content_type.app_label.concat(".").concat(self.permission.codename)
            rows = select(name).select_from(self.permission)
            rows = rows.join(self.content_type.__table__, self.content_type.id == self.permission.content_type_id)
            return rows.where(or_(self.permission.id.in_(self._own()), self.permission.id.in_(self._of_groups())))

        return Rows((self.permission.key(), "permissions of user"), build, {"user_id": user_id})

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        user_id = sample_of(getattr(self.user_group, self.user_column).type.python_type)
        yield as_sample(self.held(user_id, ("app.sample",)))

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
        if caller is None and self.authenticated_users_only:
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
        app_label, _, name = self._model.__mapping__.contract.tables[self._model.key()].model.rpartition(".")
        given = {"app_label": app_label, "model_name": name.lower()}
        return {method: tuple(text % given for text in texts) for method, texts in self.perms_map.items()}


class DjangoModelPermissionsOrAnonReadOnly(DjangoModelPermissions):
    """As DjangoModelPermissions, and everybody reads."""

    authenticated_users_only = False


class _Function(BasePermission):
    """A function as a permission."""

    def __init__(self, function: PermissionFunction) -> None:
        self._function = function

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        return self._function(request, caller)


class _Unported(BasePermission):
    """Nobody may."""

    def __init__(self, *what: str) -> None:
        self._what = what

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401, ARG002 - see BasePermission
        raise NotPorted(*self._what)

    def unported(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - see BasePermission
        return self._what


@dataclass(frozen=True)
class _Both(BasePermission):
    first: BasePermission
    second: BasePermission

    def unported(self, request: Request) -> tuple[str, ...]:
        return (*self.first.unported(request), *self.second.unported(request))


@dataclass(frozen=True)
class _And(_Both):
    """Both have to let a request pass."""

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        return _both(self.first.has_permission(request, caller), lambda: self.second.has_permission(request, caller))

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401 - as above
        return _both(
            self.first.has_object_permission(request, caller, obj),
            lambda: self.second.has_object_permission(request, caller, obj),
        )


@dataclass(frozen=True)
class _Or(_Both):
    """One has to let a request pass."""

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        return _either(self.first.has_permission(request, caller), lambda: self.second.has_permission(request, caller))

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401 - as above
        # Whoever is let to an object by one rule must have been let in by the same.
        def by(rule: BasePermission) -> Verdict:
            return _both(rule.has_permission(request, caller), lambda: rule.has_object_permission(request, caller, obj))

        return _either(by(self.first), lambda: by(self.second))


@dataclass(frozen=True)
class _Not(BasePermission):
    rule: BasePermission

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        return _opposite(self.rule.has_permission(request, caller))

    def unported(self, request: Request) -> tuple[str, ...]:
        return self.rule.unported(request)

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401 - as above
        return _opposite(self.rule.has_object_permission(request, caller, obj))


def not_ported(*what: str) -> BasePermission:
    """Nobody may, since `what` decides in Django and isn't ported yet: everything is answered with 501."""
    return _Unported(*what)


def as_permission(rule: Rule) -> BasePermission:
    """A rule as a permission."""
    if isinstance(rule, BasePermission):
        return rule
    if isinstance(rule, _PermissionClass):
        made: BasePermission = rule()
        return made
    return _Function(rule)


async def is_granted(verdict: Verdict) -> bool:
    """A verdict, once it is known."""
    return bool(await verdict if isawaitable(verdict) else verdict)


def _both(first: Verdict, second: Callable[[], Verdict]) -> Verdict:
    if not isawaitable(first):
        return second() if first else False

    async def decide() -> bool:
        return await is_granted(first) and await is_granted(second())

    return decide()


def _either(first: Verdict, second: Callable[[], Verdict]) -> Verdict:
    if not isawaitable(first):
        return True if first else second()

    async def decide() -> bool:
        return await is_granted(first) or await is_granted(second())

    return decide()


def _opposite(verdict: Verdict) -> Verdict:
    if not isawaitable(verdict):
        return not verdict

    async def decide() -> bool:
        return not await is_granted(verdict)

    return decide()
