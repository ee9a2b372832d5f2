"""Rows that a permission asks for, of another table and of the caller: memberships, or the caller's own profile.

Membership.objects.filter(team_id=view.kwargs["team_pk"], user=request.user, role__in=("owner", "admin")).exists()
request.user.memberships.filter(team=view.kwargs["team_pk"]).exists()
request.user.profile.role == "owner"

The rule is `stored`: the `table`, the field that is the `caller`, and `where`, each a field with the variable of the
path that it is equal to, or with constants.
"""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import (
    BooleanField,
    CharField,
    ForeignKey,
    IntegerField,
    Manager,
    OneToOneField,
    TextField,
    UUIDField,
)

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.permissions.permission_rules import AUTHENTICATED, Rule, both
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes

# Fields by the type of their constants: `2` is no truth to PostgreSQL, and `1` no text.
_CONSTANTS: Final = ((BooleanField, bool), (IntegerField, int), (CharField, str), (TextField, str))
_PLAIN: Final = tuple(field for field, _ in _CONSTANTS)
# Fields by what a path may say of them: Django has the number of `007`, and FastAPI the text. "0" is true to Python.
_NAMED: Final = ((IntegerField, (int, str)), (UUIDField, (UUID, str)), (CharField, (str,)), (TextField, (str,)))
_KEYS: Final = ("request.user.id", "request.user.pk")
# The constants that an expression stands for: one of them, or several.
Constants = Callable[[ast.expr, bool], list[Any]]


class StoredRules:
    """Reads such expressions, whose names are DRF's already; `named` finds what others stand for."""

    def __init__(self, named: Callable[[ast.expr], Any], constants: Constants, view: ViewAttributes) -> None:
        self._named = named
        self._constants = constants
        self._view = view

    def rows(self, code: ast.expr) -> Rule | None:
        """The rule of rows that are asked for; None of another expression.

        :raises UnreadError: they are found otherwise.
        """
        match code:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Attribute(value=owner, attr=manager), attr="filter"),
                        args=[],
                        keywords=given,
                    ),
                    attr="exists",
                ),
                args=[],
                keywords=[],
            ):
                if ast.unparse(owner) == "request.user":
                    field = self._pointing(manager, several=True)
                    return None if field is None else self._rule(field.model, field, given)
                model = self._named(owner)
                if manager == "objects" and hasattr(model, "_meta") and type(model.objects) is Manager:
                    return self._of_model(model, given)
        return None

    def value(self, text: str, values: Callable[[], list[Any]]) -> Rule | None:
        """The rule of a caller whose one row has one of the values in a column; None of another expression.

        :raises UnreadError: the column holds what FastAPI may read otherwise.
        """
        owner, _, rest = text.partition("request.user.")
        accessor, _, column = rest.partition(".")
        field = None if owner or not column.isidentifier() else self._pointing(accessor, several=False)
        if field is None:
            return None
        return self._stored(field, [_having(self._column(field.model, column), values())])

    def _of_model(self, model: Any, given: list[ast.keyword]) -> Rule | None:  # noqa: ANN401 - a model class
        for keyword in given:
            field, is_key = self._foreign_key(model, keyword.arg or "")
            text = ast.unparse(keyword.value)
            if field is None or field.related_model is not get_user_model() or text.partition(".")[0] != "request":
                continue
            rule = self._rule(model, field, [each for each in given if each is not keyword])
            if text == "request.user" and not is_key:
                return rule
            # Nobody's key is null, which no row has.
            if text in _KEYS and not field.null:
                return both(AUTHENTICATED, rule)
            raise UnreadError
        return None

    def _rule(self, model: Any, caller: Any, given: list[ast.keyword]) -> Rule:  # noqa: ANN401 - a model class, a field
        return self._stored(caller, [self._condition(model, each.arg or "", each.value) for each in given])

    def _stored(self, caller: Any, where: list[list[Any]]) -> Rule:  # noqa: ANN401 - a field
        if len({each[0] for each in where}) != len(where):
            raise UnreadError
        return ["stored", {"table": caller.model._meta.db_table, "caller": caller.name, "where": where}]

    def _condition(self, model: Any, name: str, value: ast.expr) -> list[Any]:  # noqa: ANN401 - a model class
        match value:
            case ast.Subscript(value=ast.Attribute() as kwargs, slice=ast.Constant(value=str() as variable)) if (
                ast.unparse(kwargs) == "view.kwargs"
            ):
                field, _ = self._foreign_key(model, name)
                field = field or self._column(model, name)
                if not _is_named(getattr(field, "target_field", field), self._view.variable_kind(variable)):
                    raise UnreadError
                return [field.name, "path", variable]
        is_one = not name.endswith("__in")
        return _having(self._column(model, name.removesuffix("__in")), self._constants(value, is_one))

    def _foreign_key(self, model: Any, name: str) -> tuple[Any, bool]:  # noqa: ANN401 - a model class, and a field
        """The foreign key that a filter names, and whether it names the other row's key."""
        plain = name.removesuffix("__id").removesuffix("__pk")
        for field in model._meta.concrete_fields:
            # A field of a superclass is another table's.
            is_whole = isinstance(field, ForeignKey) and field.target_field.primary_key and field.model is model
            if is_whole and plain in (field.name, field.attname):
                return field, name != field.name
        return None, False

    def _column(self, model: Any, name: str) -> Any:  # noqa: ANN401 - a model class, and a field
        found = next((each for each in model._meta.concrete_fields if each.name == name), None)
        if not isinstance(found, _PLAIN) or not _is_djangos(found):
            raise UnreadError
        return found

    def _pointing(self, accessor: str, *, several: bool) -> Any:  # noqa: ANN401 - a field
        """The field of another model by which the user model has this attribute; None where there is none."""
        for relation in get_user_model()._meta.related_objects:
            field = relation.field
            is_one = isinstance(field, OneToOneField)
            is_right = isinstance(field, ForeignKey) and is_one is not several and field.target_field.primary_key
            if relation.get_accessor_name() == accessor and is_right and not field.primary_key:
                meta = field.model._meta
                return field if type(meta.default_manager if several else meta.base_manager) is Manager else None
        return None


def _having(field: Any, values: list[Any]) -> list[Any]:  # noqa: ANN401 - a field
    """The condition that a column has one of these constants.

    :raises UnreadError: they are of another type than the column's.
    """
    kind = next(kind for each, kind in _CONSTANTS if isinstance(field, each))
    # Where Python compares, the database may take others for equal.
    if any(type(each) is not kind for each in values) or getattr(field, "db_collation", None):
        raise UnreadError
    return [field.name, "values", values]


def _is_named(field: Any, kind: type | None) -> bool:  # noqa: ANN401 - a field
    """Whether what a path says of a column is the same to both stacks."""
    return _is_djangos(field) and any(isinstance(field, each) and kind in kinds for each, kinds in _NAMED)


def _is_djangos(field: Any) -> bool:  # noqa: ANN401 - a field
    return type(field).__module__.startswith("django.db.models.")
