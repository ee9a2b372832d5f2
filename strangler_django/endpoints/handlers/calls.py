"""What a handler of a generic view calls of DRF's: pages and filters, what saves a row, the handler it replaces."""

import ast
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BooleanField, F, IntegerField
from rest_framework import generics

from strangler_django.endpoints.code.own_code import UnreadError, is_super, named, own_methods
from strangler_django.endpoints.code.read_querysets import column_field
from strangler_django.endpoints.expressions.assigned_values import assigned
from strangler_django.endpoints.handlers.parts import AnsweredError, Outcome, Row, UsedSerializer
from strangler_django.endpoints.handlers.values import HandlerValues
from strangler_django.endpoints.lists.own_querysets import ReadQueryset

_SAVING: Final = {"perform_create": False, "perform_update": True}
_STATUSES: Final = {"create": 201, "destroy": 204}
_PREFETCHED: Final = "'_prefetched_objects_cache'"


@dataclass(frozen=True)
class ListedRows:
    """Rows of a list, which the view's filters have narrowed where they are `filtered`, and a page of them."""

    rows: ReadQueryset
    filtered: bool = False
    paged: bool = False


@dataclass
class SuperAnswer:
    """What the handler of DRF's that is replaced has answered."""

    status: int
    used: UsedSerializer | None
    body: list[Any] | None = None


class Headers:
    """What `get_success_headers` gives."""


class HandlerCalls(HandlerValues):
    """As HandlerValues; `hooks` are the methods of DRF's generic views that are called, which may be the project's own.

    With `paged` there are pages of lists. Rows that were read in advance are forgotten where it `forgets` them.
    """

    def __init__(self, view: Any, code: Any, *, exists: bool, valid: bool, paged: bool) -> None:  # noqa: ANN401 - any view, and HandlerCode
        super().__init__(view, code, exists=exists)
        self.hooks: set[str] = set()
        self.has_pages = False
        self.forgets = False
        self._valid = valid
        self._paged = paged

    def _listed(self, code: ast.expr) -> ListedRows | None:
        """The rows of a list that an expression is; None of another expression."""
        match code:
            case ast.Name(id=name):
                found = self._scope.names.get(name)
                return found if isinstance(found, ListedRows) else None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[rows], keywords=[]):
                if name not in ("filter_queryset", "paginate_queryset") or not self._is_generic():
                    return None
                self.hooks.add(name)
                known = self._listed(rows) or ListedRows(self._rows(rows))
                if known.paged or (known.filtered and name == "filter_queryset"):
                    raise UnreadError
                self.has_pages = self.has_pages or name == "paginate_queryset"
                is_page = name == "paginate_queryset"
                return ListedRows(known.rows, filtered=known.filtered or not is_page, paged=is_page)
        return None

    def _hooked(self, called: ast.Call) -> bool:
        """Whether a statement calls a hook that saves what was validated, or deletes a row; then that is done."""
        match called:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as above, attr="perform_destroy"),
                args=[given],
                keywords=[],
            ):
                function = self._scope.code.function
                is_drfs = [*own_methods(type(self._view), "perform_destroy")] == [function]
                if not is_drfs or not is_super(above, function) or (row := self._row(given)) is None:
                    raise UnreadError
                self.done.append(("delete", row))
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[given], keywords=[]):
                if not self._is_generic():
                    return False
            case _:
                return False
        if name == "perform_destroy" and (row := self._row(given)) is not None:
            self.done.append(("delete", row))
        elif name in _SAVING and (used := self._serializer(given)) is not None:
            if not used.is_validated or not self._valid or (used.row is not None) is not _SAVING[name]:
                raise UnreadError
            self.done.append(("save", used))
        else:
            return False
        self.hooks.add(name)
        return True

    def _set(self, row: Row, attribute: str, value: ast.expr) -> None:
        """Gives a column of a row a constant, the time, or the caller.

        :raises UnreadError: it is something else.
        """
        self._check_open()
        model = self._model_of(row)
        field = column_field(model, attribute)
        code = self._resolved(value)
        if field is None or field.primary_key or field.unique or not attribute.isidentifier():
            raise UnreadError
        row.changes[attribute] = self._counted(row, field, value) or assigned(field, code, self._scope.code.names)

    def _counted(self, row: Row, field: Any, value: ast.expr) -> list[Any] | None:  # noqa: ANN401 - a field
        """What a column is made of, that of the row as it is; None of another expression."""
        match value:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(value=ast.Name(id=name), attr=attr)) if (
                attr == field.name and self._scope.names.get(name) is row and type(field) is BooleanField
            ):
                if field.name in row.changes:
                    raise UnreadError
                return ["toggle"]
            case ast.BinOp(left=of, op=ast.Add() | ast.Sub() as sign, right=ast.Constant(value=int(number))) if (
                isinstance(field, IntegerField) and not field.null and not isinstance(number, bool)
            ):
                pass
            case _:
                return None
        match of:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if self._scope.names.get(name) is row:
                named_so = attr
            case ast.Call(func=called, args=[ast.Constant(value=str(attr))], keywords=[]) if (
                named(called, self._scope.code.names) is F
            ):
                named_so, row.stale = attr, True
            case _:
                return None
        if named_so != field.name or field.name in row.changes:
            raise UnreadError
        return ["add", number if isinstance(sign, ast.Add) else -number]

    def _check_open(self) -> None:
        """:raises UnreadError: the row is kept, or something else is done, already."""
        if not self._exists or [what for what, _ in self.done if what not in ("find", "check")]:
            raise UnreadError

    def _keeps(self, called: ast.Call) -> bool:
        """Whether a statement saves a row whose columns were given constants; then that is done."""
        match called:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="refresh_from_db"), args=[], keywords=[]):
                row = self._scope.names.get(name)
                if not isinstance(row, Row) or self.done[-1:] != [("assign", row)]:
                    raise UnreadError
                row.stale = False
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="save"), args=[], keywords=keywords):
                row = self._scope.names.get(name)
            case _:
                return False
        if not isinstance(row, Row) or not row.changes:
            return False
        self._check_open()
        match keywords:
            case []:
                pass
            case [ast.keyword(arg="update_fields", value=ast.List(elts=items) | ast.Tuple(elts=items))]:
                named_so = {each.value for each in items if isinstance(each, ast.Constant)}
                timed = {
                    each.name
                    for each in self._model_of(row)._meta.concrete_fields  # noqa: SLF001 - as above
                    if getattr(each, "auto_now", False)
                }
                # Others than these are left as they are, also the time of the last change.
                if named_so != {*row.changes, *timed}:
                    raise UnreadError
            case _:
                raise UnreadError
        self.done.append(("assign", row))
        return True

    def _model_of(self, row: Row) -> Any:  # noqa: ANN401 - a model class
        queryset = row.rows.queryset if row.rows else self._view.get_queryset()
        return queryset.model

    def _super(self, code: ast.expr) -> SuperAnswer | None:
        """What the handler of DRF's answers that this one replaces; None of another expression."""
        match code:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as above, attr=name),
                args=[first, *_],
                keywords=keywords,
            ) if is_super(above, self._scope.code.function) and ast.unparse(first) == "self.request":
                pass
            case _:
                return None
        function = self._scope.code.function
        is_only = [*own_methods(type(self._view), name)] == [function]
        if not (is_only and self._is_generic()) or any(each.arg for each in keywords):
            raise UnreadError
        return SuperAnswer(_STATUSES.get(name, 200), self._done_by_drf(name))

    def _done_by_drf(self, name: str) -> UsedSerializer | None:
        """Does what a handler of DRF's does; what it answers by."""
        used = UsedSerializer(None, has_context=True)
        if name == "list":
            self.hooks |= {"filter_queryset", "paginate_queryset", "get_queryset"}
            used.many, used.of_view, used.filtered, used.paged = True, True, True, True
            return used
        if name not in ("retrieve", "create", "update", "destroy"):
            raise UnreadError
        if name != "create":
            used.row = self._of_view()
        if name == "destroy":
            self.hooks.add("perform_destroy")
            self.done.append(("delete", used.row))
            return None
        if name == "retrieve":
            return used
        used.has_data = used.is_validated = True
        self.done.append(("validate", used))
        if not self._valid:
            raise AnsweredError(Outcome(raises=True))
        self.hooks |= {f"perform_{name}", *(("get_success_headers",) if name == "create" else ())}
        self.forgets = True
        self.done.append(("save", used))
        return used

    def _forgets(self, statement: ast.If) -> bool:
        """Whether a statement forgets what was read in advance, as DRF does once a row is changed."""
        match statement.test:
            case ast.Call(func=ast.Name(id="getattr"), args=[row, name, default]):
                is_known = ast.unparse(name) == _PREFETCHED and ast.unparse(default) == "None"
                self.forgets = self.forgets or (is_known and self._row(row) is not None)
                return is_known and self._row(row) is not None
        return False

    def _success_headers(self, code: ast.expr) -> Headers | None:
        """The headers of a new row; None of another expression."""
        match code:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="get_success_headers"), args=[_]):
                if self._is_generic():
                    self.hooks.add("get_success_headers")
                    return Headers()
        return None

    def _is_generic(self) -> bool:
        return isinstance(self._view, generics.GenericAPIView)
