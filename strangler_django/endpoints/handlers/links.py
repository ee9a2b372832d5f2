"""Rows that link the row of a path to the caller: how a handler finds them, adds and removes them, and looks for one.

Favorite.objects.filter(user=request.user, recipe=recipe).exists()
post.likes.remove(request.user)
"""

import ast
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, models

from strangler_django.endpoints.code.own_code import UnreadError, is_get_object_or_404, named
from strangler_django.endpoints.handlers.named_links import Link, NamedLinks
from strangler_django.endpoints.handlers.parts import AnsweredError, Outcome, Row, RowMissingError


@dataclass(frozen=True)
class LinkRows:
    """The rows of a link, which nobody has read yet."""

    link: Link


@dataclass(frozen=True)
class LinkRow:
    """One of them, None where it isn't `there`."""

    link: Link
    there: bool = True


@dataclass(frozen=True)
class Known:
    """What is known of a way through a handler: whether something was made, or how many rows were deleted."""

    value: bool | int


class DuplicateError(Exception):
    """There is such a link already, and no two may be alike."""


class HandlerLinks(NamedLinks):
    """As NamedLinks; `linked` says whether there is a link at first, `own` that the row is the caller itself.

    It asks for the latter where it `asks_own`.
    """

    def __init__(self, *arguments: Any, linked: bool = False, own: bool = False, **named: Any) -> None:  # noqa: ANN401 - see HandlerCalls
        super().__init__(*arguments, **named)
        self._linked, self._own = linked, own
        self.asks_own = False
        self.nonzero: set[str] = set()

    def _link_value(self, code: ast.expr) -> LinkRows | LinkRow | Known | None:
        """What an expression is of a link; it is done then. None of another expression."""
        match code:
            case ast.Name(id=name):
                found = self._scope.names.get(name)
                return found if isinstance(found, LinkRows | LinkRow | Known) else None
            case ast.Compare() | ast.BoolOp():
                holds = self._link_holds(code)
                return None if holds is None else Known(holds)
            case ast.Subscript(value=ast.Call() as inner, slice=ast.Constant(value=0)) if _calls(inner, "delete"):
                deleted = self._deleted(inner)
                return None if deleted is None else Known(deleted)
            case ast.Call(func=ast.Attribute(value=inner, attr="exists"), args=[], keywords=[]):
                rows = self._link_value(inner) if _may_be_rows(inner) else None
                return Known(self._look(rows.link)) if isinstance(rows, LinkRows) else None
            case ast.Call(func=ast.Attribute(value=inner, attr="first"), args=[], keywords=[]):
                rows = self._link_value(inner) if _may_be_rows(inner) else None
                if not isinstance(rows, LinkRows):
                    return None
                return LinkRow(rows.link, there=self._look(rows.link))
            case ast.Call(func=ast.Attribute(value=inner, attr="filter"), args=[], keywords=keywords):
                link = self._link(inner, keywords)
                return LinkRows(link) if link else None
            case ast.Call(func=ast.Attribute(value=inner, attr="get" | "create" as attr), args=[], keywords=keywords):
                link = self._link(inner, keywords)
                if link is None:
                    return None
                return self._made(link) if attr == "create" else self._one(link)
            case ast.Call(func=ast.Name() | ast.Attribute() as called, args=[of], keywords=[_, _] as keywords):
                if not is_get_object_or_404(named(called, self._scope.code.names)):
                    return None
                model = named(of, self._scope.code.names)
                is_model = isinstance(model, type) and issubclass(model, models.Model)
                link = self._link(ast.Attribute(value=of, attr="objects") if is_model else of, keywords)
                return self._one(link, raises=True) if link else None
        return None

    def _link_pair(self, names: Sequence[ast.expr], code: ast.expr) -> bool:
        """Whether a pair is what `get_or_create` or `delete` gives of a link; then that is done."""
        match code:
            case ast.Call(func=ast.Attribute(value=inner, attr="get_or_create"), args=[], keywords=keywords):
                link = self._link(inner, keywords)
                if link is None:
                    return False
                if not link.unique:
                    raise UnreadError
                values: tuple[Any, Any] = LinkRow(link), Known(not self._linked)
                self._write("look" if self._linked else "link", link)
            case ast.Call() if _calls(code, "delete"):
                deleted = self._deleted(code)
                if deleted is None:
                    return False
                values = Known(deleted), None
            case _:
                return False
        for each, value in zip(names, values, strict=True):
            if not isinstance(each, ast.Name):
                raise UnreadError
            self._scope.names[each.id] = value
        return True

    def _link_done(self, called: ast.Call) -> bool:
        """Whether a statement adds or removes a link; then that is done."""
        if _calls(called, "delete") and self._deleted(called) is not None:
            return True
        match called:
            case ast.Call(
                func=ast.Attribute(value=inner, attr="add" | "remove" as attr), args=[other], keywords=[]
            ) if (link := self._relation(inner, other)) is not None:
                if attr == "add":
                    # As Django does, whether there is one or not.
                    self._write("link", link)
                else:
                    self._write("unlink" if self._linked else "look", link)
                return True
            case ast.Call(func=ast.Attribute(attr="get_or_create")):
                return self._link_pair((ast.Name(id="_"), ast.Name(id="_")), called)
            case ast.Call(func=ast.Attribute(attr="create")):
                return self._link_value(called) is not None
        return False

    def _link_holds(self, test: ast.expr) -> bool | None:
        """Whether a condition about a link, or about the row and the caller, holds; None of another one."""
        match test:
            case ast.BoolOp(op=op, values=values):
                return self._all_hold(values, is_and=isinstance(op, ast.And))
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as sign], comparators=[right]):
                if (link := self._relation(right, left)) is None:
                    return None
                return self._look(link) is isinstance(sign, ast.In)
            case ast.Compare(left=left, ops=[sign], comparators=[ast.Constant(value=int(number))]) if isinstance(
                left, ast.Name
            ) and isinstance(known := self._link_value(left), Known):
                match sign:
                    case ast.Eq():
                        return known.value == number
                    case ast.NotEq():
                        return known.value != number
                    case ast.Gt():
                        return known.value > number
                return None
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as sign], comparators=[right]):
                pair = (left, right) if self._is_caller(right) else (right, left)
                if self._is_caller(pair[1]) and (row := self._row_named(pair[0])) is not None:
                    self._check_own(row)
                    return self._own is isinstance(sign, ast.Eq)
                return None
        found = self._link_value(test) if isinstance(test, ast.Name | ast.Call | ast.Subscript) else None
        match found:
            case Known(value=value):
                return bool(value)
            case LinkRow():
                return self._is_true(found)
            case LinkRows(link=link):
                return self._look(link)
        return None

    def _decided(self, code: ast.expr) -> ast.expr:
        """An expression of an answer, with what is known in the place of the names that stand for it."""
        decided: ast.expr = ast.fix_missing_locations(_Decided(self).visit(copy.deepcopy(code)))
        return decided

    def _all_hold(self, values: Sequence[ast.expr], *, is_and: bool) -> bool | None:
        before, nonzero = len(self.done), {*self.nonzero}
        for each in values:
            holds = self._holds(each)
            if holds is None and len(self.done) != before:
                # Others have been looked at by now.
                raise UnreadError
            if holds is None:
                self.nonzero = nonzero
                return None
            if holds is not is_and:
                return holds
        return is_and

    def _holds(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None where that isn't known."""
        raise NotImplementedError

    def _returned(self, value: ast.expr) -> Any:  # noqa: ANN401 - as in HandlerAnswers
        return super()._returned(self._decided(value))

    def _is_true(self, row: LinkRow) -> bool:
        if {"__bool__", "__len__"} & {*dir(row.link.model)}:
            raise UnreadError
        return row.there

    def _look(self, link: Link) -> bool:
        self.done.append(("look", link))
        return self._linked

    def _write(self, what: str, link: Link) -> None:
        self.done.append((what, link))
        self._linked = {"link": True, "unlink": False}.get(what, self._linked)

    def _made(self, link: Link) -> LinkRow:
        """Adds a link by `create`."""
        was_linked = self._linked
        self._write("link", link)
        if was_linked and link.unique:
            raise DuplicateError
        return LinkRow(link)

    def _one(self, link: Link, *, raises: bool = False) -> LinkRow:
        """The one link that there is."""
        if not link.unique:
            raise UnreadError
        if self._look(link):
            return LinkRow(link)
        if raises:
            raise AnsweredError(Outcome(raises=True, noun=link.model._meta.object_name))  # noqa: SLF001 - how Django documents to read a model
        raise RowMissingError(link.model)

    def _deleted(self, called: ast.Call) -> bool | None:
        """Deletes links; whether there were some, None of anything else."""
        inner = called.func.value if isinstance(called.func, ast.Attribute) else called
        found = self._link_value(inner) if isinstance(inner, ast.Name | ast.Call) else None
        if not isinstance(found, LinkRows | LinkRow) or (isinstance(found, LinkRow) and not found.there):
            return None
        had = self._linked
        self._write("unlink" if had else "look", found.link)
        return had

    def _check_own(self, row: Row) -> None:
        if self._model_of(row) is not get_user_model():
            raise UnreadError
        self.asks_own = True


class _Decided(ast.NodeTransformer):
    """Puts what is known into an expression."""

    def __init__(self, run: HandlerLinks) -> None:
        self._run = run

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """`"liked" if created else "unliked"`."""
        holds = self._run._holds(node.test)  # noqa: SLF001 - a part of it
        if holds is None:
            return node
        chosen: ast.AST = self.visit(node.body if holds else node.orelse)
        return chosen

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """`like is None`."""
        holds = self._run._holds(node)  # noqa: SLF001 - as above
        return node if holds is None else ast.Constant(value=holds)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A name that stands for what is known."""
        found = self._run._link_value(node)  # noqa: SLF001 - as above
        return ast.Constant(value=found.value) if isinstance(found, Known) else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """`not created`."""
        inner = self.visit(node.operand)
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Constant) and isinstance(inner.value, bool):
            return ast.Constant(value=not inner.value)
        return node


def is_duplicate(caught: object) -> bool:
    """Whether an `except` catches what the database says of a link that is there already."""
    return caught is IntegrityError


def _calls(code: ast.expr, name: str) -> bool:
    match code:
        case ast.Call(func=ast.Attribute(attr=attr), args=[], keywords=[]):
            return attr == name
    return False


def _may_be_rows(code: ast.expr) -> bool:
    return isinstance(code, ast.Name) or (
        isinstance(code, ast.Call) and isinstance(code.func, ast.Attribute) and code.func.attr == "filter"
    )
