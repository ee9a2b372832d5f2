"""A handler that is followed, with what is known of a request: whether there is the row, whether the body is good."""

import ast
from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db.transaction import atomic
from django.http import Http404
from rest_framework import exceptions
from rest_framework.permissions import BasePermission

from strangler_django.endpoints.code.own_code import UnreadError, is_own, named
from strangler_django.endpoints.code.own_expressions import CALLER
from strangler_django.endpoints.code.read_querysets import column_field
from strangler_django.endpoints.expressions.assigned_values import given_value, is_now
from strangler_django.endpoints.handlers.calls import ListedRows
from strangler_django.endpoints.handlers.links import DuplicateError, HandlerLinks, LinkRow, is_duplicate
from strangler_django.endpoints.handlers.parts import (
    AnsweredError,
    Outcome,
    Row,
    RowMissingError,
    Saved,
    UsedSerializer,
)
from strangler_django.endpoints.handlers.source import HandlerCode, logs, may_fail
from strangler_django.endpoints.handlers.values import DATA

# Where Django answers 500, the library does what DRF does.
_FAILED: Final = Outcome(raises=True)


class HandlerRun(HandlerLinks):
    """One way through a handler; `outcome` is where it ends.

    `nonzero` are parameters of the path that it takes for none where they are 0.
    """

    def __init__(
        self,
        view: Any,  # noqa: ANN401 - any view
        code: HandlerCode,
        *,
        exists: bool = True,
        valid: bool = True,
        paged: bool = True,
        linked: bool = False,
        own: bool = False,
    ) -> None:
        super().__init__(view, code, exists=exists, valid=valid, paged=paged, linked=linked, own=own)
        self._raises_404 = True
        self.outcome = self._followed(code.body)

    def _followed(self, body: Sequence[ast.stmt]) -> Outcome:
        try:
            outcome = self.block(body)
        except AnsweredError as answered:
            (outcome,) = answered.args
        except (RowMissingError, DuplicateError):
            return _FAILED
        if outcome is None:
            return _FAILED
        if not isinstance(outcome, Outcome):
            raise UnreadError
        return outcome

    def block(self, body: Sequence[ast.stmt]) -> Any:  # noqa: ANN401 - an outcome, or the row of a helper
        """What the statements return; None where they don't."""
        for statement in body:
            if (found := self._statement(statement)) is not None:
                return found
        return None

    def _statement(self, statement: ast.stmt) -> Any:  # noqa: ANN401 - as above
        match statement:
            case ast.Pass():
                return None
            case ast.Expr() if logs(statement, self._scope.code.names):
                return None
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                self._assign(name, value)
                return None
            case ast.Assign(targets=[ast.Tuple(elts=[_, _] as names)], value=value) if self._link_pair(names, value):
                return None
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name), attr=attribute)], value=value):
                self._change(name, attribute, value)
                return None
            case ast.AugAssign(
                target=ast.Attribute(value=ast.Name(id=name) as row, attr=attribute), op=op, value=value
            ):
                of = ast.Attribute(value=row, attr=attribute, ctx=ast.Load())
                self._change(name, attribute, ast.BinOp(left=of, op=op, right=value))
                return None
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign(name, value)
                return None
            case ast.Expr(value=ast.Call() as called):
                return self._called(called)
            case ast.With(
                items=[ast.withitem(context_expr=ast.Call(func=called, args=[], keywords=[]), optional_vars=None)]
            ):
                if named(called, self._scope.code.names) is not atomic:
                    raise UnreadError
                return self.block(statement.body)
            case ast.If(test=test, body=then, orelse=otherwise):
                return self._branch(statement, test, then, otherwise)
            case ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[]):
                return self._try(body, handler)
            case ast.Raise(exc=ast.expr() as raised, cause=None | ast.Name() | ast.Constant()):
                return self._raised(raised)
            case ast.Return(value=None | ast.Constant(value=None)):
                return self._lacking() if self._scope.code.is_helper else _FAILED
            case ast.Return(value=ast.expr() as value):
                return self._returned(value)
        raise UnreadError

    def _lacking(self) -> Row:
        """The row that a helper has looked for, and of which it returns None."""
        (what, row) = self.done[-1] if self.done else ("", None)
        if self._exists or what != "find" or not isinstance(row, Row):
            raise UnreadError
        return row

    def _branch(self, statement: ast.If, test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt]) -> Any:  # noqa: ANN401 - as above
        if self._forgets(statement):
            return None
        if (holds := self._holds(test)) is not None:
            return self.block(then if holds else otherwise)
        # What narrows a queryset, or nothing that is read.
        assigned = [each for each in (*then, *otherwise) if isinstance(each, ast.Assign)]
        is_pure = self._is_pure(statement) and not self._names_object(statement)
        if len(assigned) != len(then) + len(otherwise) or not is_pure:
            raise UnreadError
        for each in assigned:
            self._scope.names.pop(ast.unparse(each.targets[0]), None)
        self._scope.before.append(statement)
        return None

    def _holds(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None where that isn't known."""
        if (holds := self._link_holds(test)) is not None:
            return holds
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                holds = self._holds(operand)
                return None if holds is None else not holds
            case ast.Call(func=ast.Attribute(attr="is_valid"), args=[], keywords=[]):
                return self._validated(test)
            case ast.Call(func=ast.Attribute(attr="is_valid")):
                if self._called(test) is not None:
                    raise AnsweredError(_FAILED)
                return True
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as sign], comparators=[ast.Constant(value=None)]):
                is_there = self._is_there(left)
                return None if is_there is None else is_there is isinstance(sign, ast.IsNot)
            case ast.Compare(left=left, ops=[ast.Eq() | ast.In() as sign], comparators=[right]):
                if ast.unparse(left) == "self.request.method":
                    return self._is_method(right, is_one=isinstance(sign, ast.Eq))
                return None
        is_there = self._is_there(test)
        return is_there if is_there is False or not self._may_be_false(test) else None

    def _is_there(self, code: ast.expr) -> bool | None:
        """Whether a row, or a parameter of the path, isn't None."""
        found = self._scope.names.get(code.id) if isinstance(code, ast.Name) else None
        if isinstance(found, Row):
            return self._exists
        if isinstance(found, LinkRow):
            return found.there
        if isinstance(found, ListedRows) and found.paged:
            return self._paged
        resolved = self._resolved(code)
        if isinstance(resolved, ast.Constant) and resolved.value is None:
            return False
        return True if self._parameter(resolved) is not None else None

    def _may_be_false(self, code: ast.expr) -> bool:
        """Whether what isn't None may be false all the same, as 0 is, and rows that have a length."""
        found = self._scope.names.get(code.id) if isinstance(code, ast.Name) else None
        if isinstance(found, Row):
            model = found.rows.queryset.model if found.rows else object
            return bool({"__bool__", "__len__"} & {*dir(model)})
        parameter = self._parameter(self._resolved(code))
        if parameter is not None and isinstance(self._view.kwargs[parameter], int):
            self.nonzero.add(parameter)
        return parameter is None

    def _is_method(self, code: ast.expr, *, is_one: bool) -> bool:
        """Whether the request's method is the one that an expression says, or one of several."""
        try:
            found = ast.literal_eval(code)
        except ValueError:
            raise UnreadError from None
        if isinstance(found, str) is not is_one or not isinstance(found, str | list | tuple | set):
            raise UnreadError
        names = [found] if is_one else found
        method = self._view.request.method
        # A HEAD is answered by what answers a GET, whose code may ask which of them it is.
        if method == "GET" and "head" in self._view.http_method_names and ("GET" in names) is not ("HEAD" in names):
            raise UnreadError
        return method in names

    def _validated(self, called: ast.Call) -> bool:
        used = self._used(called.func.value if isinstance(called.func, ast.Attribute) else called)
        if not used.has_data or used.many:
            raise UnreadError
        if not used.is_validated:
            used.is_validated = True
            self.done.append(("validate", used))
        return self._valid

    def _try(self, body: list[ast.stmt], handler: ast.ExceptHandler) -> Any:  # noqa: ANN401 - as above
        names = {"Exception": Exception, **self._scope.code.names}
        caught = named(handler.type, names) if handler.type else Exception
        is_known = isinstance(caught, type) and issubclass(caught, (ObjectDoesNotExist, Http404))
        if not is_known and caught is not Exception and not is_duplicate(caught):
            raise UnreadError
        before = len(self.done)
        try:
            found = self.block(body)
            if isinstance(found, Outcome) and found.detail is not None:
                # Raised in the same function, and perhaps caught.
                raise UnreadError
            return found
        except RowMissingError as error:
            (model,) = error.args
            if caught not in (Exception, ObjectDoesNotExist, model.DoesNotExist):
                raise
        except AnsweredError:
            # A body that is refused is no Http404, nor is NotFound.
            is_missing = self.done[-1:] != [] and self.done[-1][0] in ("find", "look")
            if caught is not Exception and not (caught is Http404 and is_missing and self._raises_404):
                raise
        except DuplicateError:
            if not is_duplicate(caught):
                raise
        finally:
            done = [what for what, _ in self.done[before:]]
            # Whatever else is done may fail, too.
            is_lookup = len(body) == 1 and done in (["find"], ["look"])
            if caught in (Exception, ObjectDoesNotExist) and not is_lookup:
                raise UnreadError
            if caught is Exception and isinstance(row := self.done[-1][1], Row) and self._may_refuse(row):
                raise UnreadError
            if is_duplicate(caught) and done != ["link"]:
                raise UnreadError
        return self.block(handler.body)

    def _may_refuse(self, row: Row) -> bool:
        """Whether finding a row may end otherwise than without one: by permissions that it is shown, or by filters."""
        view = self._view
        if row.rows is not None or not row.checks:
            return row.checks
        hooks = ("check_object_permissions", "filter_queryset", "permission_denied")
        return (
            any(is_own(type(view), name) for name in hooks)
            or any(_asks_of_rows(type(each)) for each in view.get_permissions())
            or any(not each.__module__.startswith("rest_framework.") for each in view.filter_backends)
        )

    def _raised(self, raised: ast.expr) -> Outcome:
        """What DRF answers where a handler raises that something isn't there."""
        match raised:
            case ast.Call(func=called, args=args, keywords=keywords):
                given = [*args, *(each.value for each in keywords if each.arg == "detail")]
                if len(given) != len(args) + len(keywords) or len(given) > 1:
                    raise UnreadError
            case _:
                called, given = raised, []
        found = named(called, self._scope.code.names)
        if found not in (Http404, exceptions.NotFound) or self._exists:
            raise UnreadError
        self._raises_404 = found is Http404
        match given:
            case []:
                return Outcome(raises=True, detail="Not found.", http404=self._raises_404)
            # DRF's own words are translated, those of a project aren't.
            case [ast.Constant(value=str(text))] if text and text != "Not found.":
                return Outcome(raises=True, detail=text, http404=self._raises_404)
        raise UnreadError

    def _assign(self, name: str, value: ast.expr) -> None:
        kept = (each for known, each in self._scope.names.items() if known != name and isinstance(each, ast.expr))
        if any(isinstance(part, ast.Name) and part.id == name for each in kept for part in ast.walk(each)):
            # What was made of it before is of what it was then.
            raise UnreadError
        value = self._decided(value)
        found = self._link_value(value) or self._super(value) or self._listed(value) or self._success_headers(value)
        found = found or self._saved(value) or self._row(value) or self._serializer(value)
        if found is not None:
            self._scope.names[name] = found
            if isinstance(found, Row) and found.raises:
                self._keep(name, value)
            return
        if is_now(value, self._scope.code.names):
            self._scope.names[name] = value
            return
        if ast.unparse(value) == "self.kwargs.pop('partial', False)" and "partial" not in self._view.kwargs:
            value = ast.Constant(value=False)
        if not self._is_pure(value) or self._names_object(value, but_parents=True):
            raise UnreadError
        if DATA in ast.unparse(value):
            if ast.unparse(value) != DATA:
                raise UnreadError
            self.done.append(("parse", None))
        elif not self._is_used(name) and may_fail(value):
            # For what it looks at Django may answer otherwise, whatever comes of it.
            raise UnreadError
        self._scope.names[name] = self._resolved(value)
        self._keep(name, value)

    def _keep(self, name: str, value: ast.expr) -> None:
        """Keeps a statement for querysets behind it."""
        made = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)
        self._scope.before.append(ast.fix_missing_locations(made))

    def _is_used(self, name: str) -> bool:
        """Whether the function looks at a name anywhere."""
        parts = (part for statement in self._scope.code.body for part in ast.walk(statement))
        return any(isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load) for part in parts)

    def _called(self, called: ast.Call) -> Outcome | None:
        """A statement that calls something for what that does."""
        if (
            self._link_done(called)
            or self._hooked(called)
            or self._keeps(called)
            or (self._super(called) or self._saved(called)) is not None
        ):
            return None
        match called:
            case ast.Call(
                func=ast.Attribute(attr="is_valid"),
                args=[],
                keywords=[ast.keyword(arg="raise_exception", value=raises)],
            ) if ast.unparse(raises) == "True":
                return None if self._validated(called) else Outcome(raises=True)
            case ast.Call(func=ast.Attribute(value=inner, attr="delete"), args=[], keywords=[]):
                row = self._row(inner)
                if row is not None:
                    self.done.append(("delete", row))
                    return None
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr="check_object_permissions"), args=[request, obj]
            ) if ast.unparse(request) == "self.request" and not is_own(type(self._view), "check_object_permissions"):
                row = self._row(obj)
                if row is not None:
                    row.checks = True
                    self.done.append(("check", row))
                    return None
        raise UnreadError

    def _saved(self, code: ast.expr) -> Saved | None:
        """What a serializer saves that it has validated; None of another expression."""
        match code:
            case ast.Call(func=ast.Attribute(value=inner, attr="save"), args=[], keywords=keywords):
                used = self._used(inner)
            case _:
                return None
        for each in keywords:
            if each.arg is None or "__" in each.arg:
                raise UnreadError
            self._save_with(used, each.arg, each.value)
        if not used.is_validated or not self._valid:
            raise UnreadError
        self.done.append(("save", used))
        return Saved(used)

    def _save_with(self, used: UsedSerializer, name: str, value: ast.expr) -> None:
        """Has a serializer save a column that no body says: the caller, a row found before, the time, or a constant."""
        is_new, row = used.row is None, self._scope.names.get(value.id) if isinstance(value, ast.Name) else None
        if isinstance(row, Row):
            if not is_new or not row.raises or row.rows is None or row.changes:
                raise UnreadError
            used.parents[name] = row
        elif is_new and used.creator is None and ast.unparse(self._resolved(value)) == CALLER:
            used.creator = name
        else:
            model = getattr(getattr(used.cls or self._view.get_serializer_class(), "Meta", None), "model", None)
            field = column_field(model, name) if model else None
            used.given[name] = given_value(field, self._resolved(value), self._scope.code.names)


def _asks_of_rows(permission: type) -> bool:
    """Whether a permission is asked about rows, and may refuse one."""
    asks = getattr(permission, "has_object_permission", None)
    return asks is not BasePermission.has_object_permission
