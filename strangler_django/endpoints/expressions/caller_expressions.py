"""Expressions about the caller of a request, and about the rows that it has with the row shown."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import inspect
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import ForeignKey
from rest_framework.settings import api_settings

from strangler_django.endpoints.code.own_code import UnreadError, named
from strangler_django.endpoints.code.own_models import changed_rows
from strangler_django.endpoints.code.read_querysets import column_field
from strangler_django.endpoints.code.request_symbols import (
    SIGNED_IN,
    caller_key,
    in_context,
    is_caller_key,
    is_request,
    is_user,
    request_symbol,
    user_attribute,
    user_symbol,
)
from strangler_django.endpoints.expressions.matching_rows import (
    SEVERAL,
    Compared,
    MatchingRows,
    all_rows,
    conditions,
    key_of,
    related_rows,
)
from strangler_django.endpoints.expressions.row_attributes import RowAttributes, column_of

# Before the names of rows of other tables, and of the first of them.
MATCH: Final = "_strangler_match_"
_FIRST: Final = "_strangler_first_"
_ROWS: Final = "_strangler_rows_"
# Methods of a queryset that give the same rows.
_SAME: Final = frozenset({"all", "select_related", "prefetch_related", "only"})
_NONE: Final = ast.Constant(value=None)


class CallerExpressions(RowAttributes):
    """Reads them; `_serializer` is the name of the serializer in a method of one."""

    _row = ""
    _serializer = ""
    _globals: Mapping[str, Any]
    _catches = False

    def _read(self, code: ast.expr) -> ast.expr:
        """The expression with columns for attributes of the row."""
        raise NotImplementedError

    def _attributes(self, code: ast.expr) -> list[str] | None:
        """The names of attributes of the row, one behind the other; None of another expression."""
        raise NotImplementedError

    def _of_caller(self, code: ast.expr) -> ast.expr | None:
        """What an expression is that is about the request, its caller, or rows that are found; None of another one.

        :raises UnreadError: it isn't read.
        """
        if (symbol := self._symbol(code)) is not None:
            return symbol
        match code:
            case ast.Attribute(value=inner, attr=name):
                if is_user(self._symbol(inner)):
                    return user_attribute(name, get_user_model())
                if (first := self._first(inner)) is not None:
                    return self._shown(first, name)
            case ast.Call(func=ast.Name(id="hasattr"), args=[inner, ast.Constant(value="user")], keywords=[]):
                if is_request(self._symbol(inner)):
                    return ast.Constant(value=True)
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compared_to(left, operator, right)
            case ast.Call(func=ast.Attribute(value=inner, attr="exists" | "count" as name), args=[], keywords=[]):
                if (rows := self._narrowed_ones(inner)) is not None:
                    return self._number(rows, name)
            case ast.Call(func=ast.Attribute(value=inner, attr="contains"), args=[item], keywords=[]):
                if (rows := self._matching(inner)) is not None:
                    return self._number(self._holding(rows, "pk", item), "exists")
            case ast.Call(func=ast.Name(id="len" | "bool" as name), args=[inner], keywords=[]):
                if (rows := self._narrowed_ones(inner)) is not None:
                    return self._number(rows, "count" if name == "len" else "exists")
            case ast.Call(func=ast.Attribute(value=inner, attr="first"), args=[], keywords=[]):
                values = self._values(inner)
                return None if values is None else self._named_rows(values[0].showing(values[1]))
        return None

    def _truth(self, code: ast.expr) -> ast.expr | None:
        """What a condition is that asks for rows, or for the first of them, by their truth; None of another one."""
        rows = self._first(code)
        if rows is not None and any(hasattr(rows.target, each) for each in ("__bool__", "__len__")):
            raise UnreadError
        rows = self._matching(code) if rows is None else rows
        return None if rows is None else self._number(rows, "exists")

    def _symbol(self, code: ast.expr) -> ast.expr | None:
        """The request, its user, or the key of that, as an expression is one of them."""
        match code:
            case ast.Name(id=name) if name in self._locals:
                found = self._locals[name]
                return found if is_request(found) or is_user(found) or is_caller_key(found) else None
            case ast.Name() if is_request(code) or is_user(code) or is_caller_key(code):
                return code
            case ast.Attribute(value=inner, attr="user"):
                return _user() if is_request(self._symbol(inner)) else None
            case ast.Call(func=ast.Name(id="getattr"), args=[inner, ast.Constant(value="user"), ast.Constant()]):
                return _user() if is_request(self._symbol(inner)) else None
        if not (self._serializer and in_context(code, self._serializer)):
            return None
        self.seen.in_context = True
        return request_symbol()

    def _compared_to(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr | None:
        sides = [self._symbol(each) for each in (left, right)]
        if isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq) and ast.unparse(right) == "None":
            if is_request(sides[0]) or is_user(sides[0]):
                return ast.Constant(value=isinstance(operator, ast.IsNot | ast.NotEq))
            first = self._first(left)
            return (
                None if first is None else self._number(first, "exists", denied=isinstance(operator, ast.Is | ast.Eq))
            )
        if isinstance(operator, ast.Eq | ast.NotEq) and any(map(is_user, sides)):
            equal = self._is_caller(right if is_user(sides[0]) else left)
            return equal if isinstance(operator, ast.Eq) else ast.UnaryOp(op=ast.Not(), operand=equal)
        if isinstance(operator, ast.In | ast.NotIn) and (values := self._values(right, of="pk")) is not None:
            found = self._holding(*values, left)
            return self._number(found, "exists", denied=isinstance(operator, ast.NotIn))
        return None

    def _is_caller(self, code: ast.expr) -> ast.expr:
        """Whether a row is the caller: the one shown, or one that it points at."""
        names = self._attributes(code)
        other = self.compared(code) if names is None else self._column(names, may_be_null=True)
        if other.kind != "row" or other.model is None:
            raise UnreadError
        if other.model._meta.concrete_model is not get_user_model()._meta.concrete_model:
            raise UnreadError
        same = ast.Compare(left=column_of(other.value), ops=[ast.Eq()], comparators=[caller_key()])
        if not other.field.null:
            return same
        is_signed_in = ast.Compare(left=caller_key(), ops=[ast.IsNot()], comparators=[_NONE])
        return ast.BoolOp(op=ast.And(), values=[is_signed_in, same])

    def compared(self, code: ast.expr) -> Compared:
        """What a column of other rows is compared with.

        :raises UnreadError: it is something else.
        """
        if isinstance(code, ast.Name) and code.id == self._row:
            return key_of(self._model, self._path)
        symbol = self._symbol(code)
        if is_user(symbol):
            return Compared("caller", model=get_user_model())
        if (names := self._attributes(code)) is not None:
            return self._column(names)
        found = self._read(code)
        if is_caller_key(found):
            return Compared("caller")
        if isinstance(found, ast.Constant):
            return Compared("value", found.value)
        raise UnreadError

    def _column(self, names: list[str], *, may_be_null: bool = False) -> Compared:
        """A column of the row, or of one that foreign keys lead to, which isn't null."""
        last, model, path = names[-1], self._model, self._path
        for number, name in enumerate(names):
            field = column_field(model, name) or {each.attname: each for each in model._meta.concrete_fields}.get(name)
            field = model._meta.pk if name == "pk" else field
            is_last = number == len(names) - 1
            if field is None or (
                field.null and not (is_last and may_be_null) and "__".join((*path, name)) not in self._known
            ):
                raise UnreadError
            is_row = isinstance(field, ForeignKey) and name == field.name
            if is_last:
                lookup = "__".join((*path, field.attname))
                is_key = is_row and field.target_field.primary_key
                if is_row and not is_key:
                    raise UnreadError
                return Compared("row", lookup, field.related_model if is_row else None, field)
            if not is_row:
                raise UnreadError
            if number == len(names) - 2 and last in ("pk", field.target_field.name) and field.target_field.primary_key:
                return Compared("row", "__".join((*path, field.attname)), None, field)
            model, path = field.related_model, (*path, name)
        raise UnreadError

    def _matching(self, code: ast.expr) -> MatchingRows | None:
        """The rows that an expression finds; None of an expression of something else."""
        match code:
            case ast.Call(func=ast.Attribute(value=inner, attr="filter"), args=args, keywords=keywords):
                rows = self._matching(inner)
                given = [*(each for arg in args for each in conditions(arg, self._globals)), *keywords]
                return rows if rows is None else self._narrowed(rows, given)
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _SAME:
                return self._matching(inner)
            case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=name):
                if is_user(self._symbol(owner)):
                    return related_rows(get_user_model(), name, Compared("caller", model=get_user_model()))
                if (isinstance(owner, ast.Name) and owner.id == self._row) or self._attributes(owner) is not None:
                    return self._related(owner, name)
                model = named(owner, self._globals)
                return all_rows(getattr(model, name)) if inspect.isclass(model) and hasattr(model, "_meta") else None
            case ast.Name(id=name) if name in self._locals and self._locals[name].__class__ is ast.Name:
                found = self.seen.matches.get(self._locals[name].id)  # type: ignore[attr-defined] # a name
                return (
                    found if isinstance(found, MatchingRows) and not self._locals[name].id.startswith(_FIRST) else None
                )
        return None

    def _narrowed_ones(self, code: ast.expr) -> MatchingRows | None:
        """The same, but for all rows of a relation of the row itself, which are counted otherwise."""
        rows = self._matching(code)
        is_plain = rows is not None and not self._path and rows.where[1:] == () and rows.is_of_row
        return None if is_plain else rows

    def _related(self, owner: ast.expr, name: str) -> MatchingRows | None:
        """The rows of a relation of the row, or of one that it points at; None of an attribute that is none."""
        fields = self._attributes(owner) or []
        model, path = self._model, self._path
        for each in fields:
            field = column_field(model, each)
            if not isinstance(field, ForeignKey):
                return None
            model, path = field.related_model, (*path, each)
        if not isinstance(inspect.getattr_static(model, name, None), SEVERAL):
            return None
        row = self._column(fields) if fields else key_of(model, path)
        return related_rows(model, name, row)

    def _narrowed(self, rows: MatchingRows, given: list[ast.keyword]) -> MatchingRows:
        is_signed_in = SIGNED_IN in self._known
        for each in given:
            rows = rows.narrowed(each.arg or "", self.compared(each.value), is_signed_in=is_signed_in)
        return rows

    def _holding(self, rows: MatchingRows, name: str, item: ast.expr) -> MatchingRows:
        """Those of them that have an object, or a value in a column."""
        other = self.compared(item)
        is_object = other.model is not None
        if is_object and (name != "pk" or other.model._meta.concrete_model is not rows.target._meta.concrete_model):
            raise UnreadError
        plain = Compared(other.kind, other.value, None, other.field) if is_object else other
        if is_object and other.kind == "caller" and not rows.within and rows.target is not get_user_model():
            raise UnreadError
        return rows.narrowed(name, plain, is_signed_in=is_object or SIGNED_IN in self._known)

    def _values(self, code: ast.expr, of: str | None = None) -> tuple[MatchingRows, str] | None:
        """Rows and the column that is listed of them, which `values_list` names; `of` without that."""
        match code:
            case ast.Call(
                func=ast.Attribute(value=inner, attr="values_list"),
                args=[ast.Constant(value=str(name))],
                keywords=[ast.keyword(arg="flat", value=ast.Constant(value=True))],
            ):
                rows = self._matching(inner)
                return None if rows is None else (rows, name)
        rows = None if of is None else self._matching(code)
        return None if rows is None or of is None else (rows, of)

    def _first(self, code: ast.expr) -> MatchingRows | None:
        """The rows whose first one an expression is; None of another expression."""
        match code:
            case ast.Name(id=name) if isinstance(self._locals.get(name), ast.Name):
                known = self._locals[name].id  # type: ignore[attr-defined] # a name
                return self.seen.matches.get(known) if known.startswith(_FIRST) else None
            case ast.Call(func=ast.Attribute(value=inner, attr="first"), args=[], keywords=[]):
                return self._matching(inner)
            case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[], keywords=[_, *_] as given):
                # Without a row it raises.
                rows = self._matching(inner) if self._catches else None
                return None if rows is None else self._narrowed(rows, given)
        return None

    def _kept(self, code: ast.expr) -> ast.Name | None:
        """A name for rows, or for the first of them, that a variable stands for; None of anything else."""
        if (first := self._first(code)) is not None:
            return self._name(_FIRST, first)
        rows = self._matching(code)
        return None if rows is None else self._name(_ROWS, rows)

    def _looked_up(self, body: list[ast.stmt], handler: ast.ExceptHandler) -> ast.expr:
        """Whether there is the row that the first statement of a `try` gets, whose lack is caught.

        :raises UnreadError: something else may be raised, or is caught.
        """
        gets = [
            each
            for statement in body
            for each in ast.walk(statement)
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "get"
            if each.keywords
        ]
        self._catches = True
        rows = self._first(gets[0]) if len(gets) == 1 else None
        caught = None if handler.type is None else named(handler.type, self._globals)
        is_first = rows is not None and any(each is gets[0] for each in ast.walk(body[0]))
        if rows is None or not is_first or caught not in (rows.target.DoesNotExist, ObjectDoesNotExist):
            raise UnreadError
        return self._number(rows, "exists")

    def _shown(self, rows: MatchingRows, name: str) -> ast.expr:
        """The column of the first row."""
        if any(changed_rows(rows.target)):
            raise UnreadError
        return self._named_rows(rows.showing(name))

    def _number(self, rows: MatchingRows, number: str, *, denied: bool = False) -> ast.expr:
        name = self._named_rows(rows)
        if number == "count":
            return name
        found = ast.Compare(left=name, ops=[ast.Gt()], comparators=[ast.Constant(value=0)])
        return ast.UnaryOp(op=ast.Not(), operand=found) if denied else found

    def _named_rows(self, rows: MatchingRows) -> ast.Name:
        # What orders the first is read, or it isn't.
        _ = rows.ordering
        return self._name(MATCH, rows)

    def _name(self, prefix: str, rows: MatchingRows) -> ast.Name:
        known = {each: name for name, each in self.seen.matches.items() if name.startswith(prefix)}
        name = known.get(rows, f"{prefix}{len(self.seen.matches)}")
        self.seen.matches[name] = rows
        return ast.Name(id=name, ctx=ast.Load())


def is_rows(code: ast.expr) -> bool:
    """Whether an expression stands for rows of another table, or for the first of them."""
    return isinstance(code, ast.Name) and code.id.startswith((_FIRST, _ROWS))


def _user() -> ast.expr:
    """The user of the request.

    :raises UnreadError: nobody is something else than Django's AnonymousUser.
    """
    if api_settings.UNAUTHENTICATED_USER is not AnonymousUser:
        raise UnreadError
    return user_symbol()
