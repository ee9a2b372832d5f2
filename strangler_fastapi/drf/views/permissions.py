"""Who may send a request: DRF's permissions under their own names, combined with `&`, `|` and `~`.

A view takes a permission, a function of the request and its caller, or several, of which each must let it pass:

    permission=IsAuthenticated
    permission=IsAdminUser | owns_the_shop
    permission=ByMethod(IsAuthenticated, GET=AllowAny, DELETE=IsAdminUser)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import reduce
from inspect import isawaitable
from operator import and_
from typing import Any, ClassVar, Union

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from starlette.requests import Request

from strangler_fastapi.errors import NotPorted, PermissionDenied

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_NAMES: Any = ARRAY(Text)

# Awaited only where the database has to be asked.
Verdict = bool | Awaitable[bool]
PermissionFunction = Callable[[Request, Any], Verdict]
# A permission, the class of one that needs no arguments, or a function.
Rule = Union["BasePermission", type["BasePermission"], PermissionFunction]
Rules = Rule | tuple[Rule, ...]


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

    def refusal(self, request: Request) -> PermissionDenied:  # noqa: ARG002 - for those that say what it would take
        """What a known caller is answered whom it refuses, where no other permission is combined with it."""
        return PermissionDenied() if self.message is None else PermissionDenied(self.message)

    def unported(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - for those that others combine
        """What of Django's decides of a request and isn't ported yet."""
        return ()

    def asked(self, request: Request) -> "tuple[BasePermission, ...]":  # noqa: ARG002 - as above
        """The permissions that a request is asked for, each of which refuses with its own `message`."""
        return (self,)

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

    Several permissions in a tuple are asked one after the other, as those of a view are.

    Args:
        default: for all other methods, OPTIONS among them.
        methods: method → its rule.
    """

    def __init__(self, default: Rules, **methods: Rules) -> None:
        rules = {method: _all(rule) for method, rule in methods.items()}
        self._rules = ({"HEAD": rules["GET"]} if "GET" in rules else {}) | rules
        self._default = _all(default)

    def has_permission(self, request: Request, caller: Any) -> Verdict:  # noqa: ANN401 - see BasePermission
        """See BasePermission."""
        return self._joined(request).has_permission(request, caller)

    def has_object_permission(self, request: Request, caller: Any, obj: Any) -> Verdict:  # noqa: ANN401 - as above
        """See BasePermission."""
        return self._joined(request).has_object_permission(request, caller, obj)

    def unported(self, request: Request) -> tuple[str, ...]:
        """See BasePermission."""
        return self._joined(request).unported(request)

    def asked(self, request: Request) -> tuple[BasePermission, ...]:
        """See BasePermission."""
        return self._rules.get(request.scope.get("asked_in", request.method), self._default)

    def _joined(self, request: Request) -> BasePermission:
        return reduce(and_, self.asked(request))


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


def _all(rules: Rules) -> tuple[BasePermission, ...]:
    return tuple(map(as_permission, rules if isinstance(rules, tuple) else (rules,)))


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
