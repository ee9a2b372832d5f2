"""Who may: what the permissions of a view say of a user, as far as they can be read."""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strangler.compare.generate.stored import StoredUser

_LIBRARY: Final = "rest_framework.permissions."
# Of a user who has signed in.
_ALL: Final = frozenset({"BasePermission", "AllowAny", "IsAuthenticated", "IsAuthenticatedOrReadOnly"})


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The permissions of one method of a view.

    Attributes:
        classes: their names, combined ones as an expression: `(a.A & ~b.B)`.
        rules: those of the project's own that were read, by class: what `request` and `row` must be.
    """

    classes: tuple[str, ...] = ()
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def allow(
        self, user: StoredUser, *, method: str, owns: bool | None, has_model_permission: Callable[[], bool | None]
    ) -> bool | None:
        """Whether a user may; None where only a request shows.

        Args:
            user: who has signed in.
            method: of the request.
            owns: whether the row is the user's own; None where that isn't known.
            has_model_permission: whether the user has Django's permission for the model, as far as that is known.
        """

        def of_class(name: str) -> bool | None:
            if "ModelPermissions" in name:
                # DRF's own, and what is derived from it and called alike.
                return user.is_superuser or has_model_permission()
            short = name.removeprefix(_LIBRARY)
            if short in _ALL or short == "IsAdminUser":
                return short in _ALL or user.is_staff
            rules = self.rules.get(name)
            return _all(of_rule(rules[each]) for each in ("request", "row")) if rules else None

        def of_rule(rule: Any) -> bool | None:  # noqa: ANN401 - true, false, or a list
            match rule:
                case bool():
                    return rule
                case ["and", *rest]:
                    return _all(map(of_rule, rest))
                case ["or", *rest]:
                    return _not(_all(_not(of_rule(each)) for each in rest))
                case ["not", each]:
                    return _not(of_rule(each))
                case ["methods", *methods]:
                    return method in methods
                case ["caller", "is_authenticated"]:
                    return True
                case ["caller", "is_staff" | "is_superuser" as attribute]:
                    return bool(getattr(user, attribute))
                case ["owner", *_]:
                    return owns
            return None

        def of_expression(code: ast.expr) -> bool | None:
            match code:
                case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
                    return _all(map(of_expression, (left, right)))
                case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                    return _not(_all(_not(of_expression(each)) for each in (left, right)))
                case ast.UnaryOp(op=ast.Invert(), operand=operand):
                    return _not(of_expression(operand))
            return of_class(ast.unparse(code))

        return _all(
            of_expression(ast.parse(text.replace("<locals>", "locals"), mode="eval").body) for text in self.classes
        )


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = [*answers]
    return False if False in found else None if None in found else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
