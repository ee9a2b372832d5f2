"""What `validate` of a serializer of a project's own asks of rows that the path names, read from its code.

def validate(self, data):
    request = self.context["request"]
    if request.method == "POST":
        title_id = self.context["view"].kwargs["title_id"]
        if Review.objects.filter(title=title_id, author=request.user).exists():
            raise serializers.ValidationError("Only one review.")
    return data

The code is followed for a new row, and for one that is changed by PUT and by PATCH.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.core.exceptions import FieldError
from django.core.exceptions import ValidationError as DjangosValidationError
from rest_framework.exceptions import ValidationError

from strangler_django.endpoints.code.own_code import UnreadError, method_of, own_methods, statements_of
from strangler_django.endpoints.code.own_expressions import SeenOfRequest, UnknownCallerError
from strangler_django.endpoints.code.read_querysets import ReadParent, ReadQueryset, field_at
from strangler_django.endpoints.expressions.matching_rows import column_kind
from strangler_django.endpoints.lists.queryset_methods import Following, QuerysetMethod

_METHODS: Final = {"POST": "create", "PUT": "update", "PATCH": "partial_update"}
_DONE: Final = object()
# Of a text that is no number Django fails with 500.
_PLAIN: Final = ("number", "CharField", "SlugField", "TextField")
_REFUSALS: Final = (ValidationError, DjangosValidationError)
_PARAMETERS: Final = ("self.request.parser_context['kwargs']", "self.request.parser_context.get('kwargs')")


@dataclass(frozen=True)
class ValidatedRow:
    """A row that has to be there, or is `refused` with a text; it may be any of several then."""

    row: ReadParent
    refused: str | dict[str, str] | None
    of_new: bool = False

    @property
    def structure(self) -> tuple[Any, ...]:
        """What two have in common that are the same."""
        return self.row.rows.structure, self.row.rows.owner, self.row.detail, self.row.fails, str(self.refused)


def read_validation(view: Any, serializer: type) -> list[ValidatedRow] | None:  # noqa: ANN401 - an instance of any view
    """What `validate` does; None of DRF's own, and where it does anything else, or more."""
    function = next(own_methods(serializer, "validate"), None)
    made = method_of(function) if function else None
    names = [each.arg for each in made.args.args] if made else []
    if made is None or len(names) != len(("self", "data")) or made.args.vararg or made.args.kwarg:
        return None
    try:
        offered = {each: _read(view, function, each) for each in _METHODS if each.lower() in view.http_method_names}
    except (UnreadError, UnknownCallerError, FieldError):
        return None
    of_new, changes = offered.pop("POST", []), [*offered.values()]
    kept = [each.structure for each in changes[0]] if changes else []
    if any([each.structure for each in change] != kept for change in changes):
        return None
    if [each.structure for each in of_new if each.structure in kept] != kept:
        return None
    return [ValidatedRow(each.row, each.refused, each.structure not in kept) for each in of_new]


def _read(view: Any, function: Any, method: str) -> list[ValidatedRow]:  # noqa: ANN401 - as above
    made = method_of(function)
    if made is None:
        raise UnreadError
    own, data = (each.arg for each in made.args.args)
    renamed = _Renamed(own, has_row=method != "POST")
    body = [ast.fix_missing_locations(renamed.visit(each)) for each in statements_of(made)]
    code = QuerysetMethod(view, (function,), SeenOfRequest(), body)
    code.known = {"self.request.method": method}
    if hasattr(view, "action"):
        code.known["self.action"] = _METHODS[method]
    found = _Validating(code, data)
    if found.block(body) is not _DONE or code.seen.asks_for_anonymous or code.seen.parameters:
        raise UnreadError
    rows = found.rows()
    if not all(_is_plain(each.row.model, path) for each in rows for path in each.row.rows.within):
        raise UnreadError
    return rows


def _is_plain(model: Any, path: str) -> bool:  # noqa: ANN401 - a model class
    """Whether no text is a refusal of the body, as one that is no UUID is, which Django finds out in `validate`."""
    return column_kind(field_at(model, path)) in _PLAIN


class _Validating(Following):
    """The method, of a caller who is signed in: whoever isn't has no rows."""

    def __init__(self, method: QuerysetMethod, data: str) -> None:
        super().__init__(method, {"is_authenticated": True}, {})
        self._data = data
        self._refused: list[tuple[int, ValidatedRow]] = []

    def rows(self) -> list[ValidatedRow]:
        """What is asked, in its order."""
        found: list[ValidatedRow] = []
        for number, parent in enumerate([*self.parents, None]):
            found += [each for after, each in self._refused if after == number]
            found += [ValidatedRow(parent, None)] if parent else []
        once = {(each.refused is None, *each.row.rows.structure): each for each in reversed(found)}
        return [each for each in found if once[(each.refused is None, *each.row.rows.structure)] is each]

    def block(self, body: Sequence[ast.stmt]) -> Any:  # noqa: ANN401 - see Following
        """What the statements return; None where they don't."""
        for statement in body:
            match statement:
                case ast.If(test=test, body=[ast.Raise(exc=ast.expr() as raised)], orelse=[]) if self._asks(test):
                    self._refuse(test, raised)
                    continue
            if (found := super().block([statement])) is not None:
                return found
        return None

    def _asks(self, test: ast.expr) -> bool:
        """Whether a condition is for there being rows, as far as what is known of it holds."""
        match test:
            case ast.BoolOp(op=ast.And(), values=[*known, last]):
                return self._is_for_rows(last) and all(map(self._is_true, known))
        return self._is_for_rows(test)

    def _is_for_rows(self, code: ast.expr) -> bool:
        before = [*self.parents]
        try:
            return self._found_by(code) is not None
        finally:
            self.parents = before

    def _refuse(self, test: ast.expr, raised: ast.expr) -> None:
        rows = self._found_by(test.values[-1] if isinstance(test, ast.BoolOp) else test)
        if rows is None or rows.filters or rows.parameters or rows.is_none or not rows.within:
            raise UnreadError
        row = ReadParent(replace(rows, parents=()), next(iter(rows.within)))
        self._refused.append((len(self.parents), ValidatedRow(row, self._text(raised))))

    def _found_by(self, code: ast.expr) -> ReadQueryset | None:
        """The rows that an expression is true of; None of another expression."""
        match self._resolved(code):
            case ast.Call(func=ast.Attribute(value=inner, attr="exists"), args=[], keywords=[]):
                return self._queryset(inner)
        return None

    def _text(self, raised: ast.expr) -> str | dict[str, str]:
        """What the exception says that refuses a body, perhaps by keys."""
        match raised:
            case ast.Call(func=called, args=[text], keywords=[]) if self._value_of_name(called) in _REFUSALS:
                found = self._method.constant(text) if not isinstance(text, ast.Dict) else ast.literal_eval(text)
            case _:
                raise UnreadError
        texts = [*found, *found.values()] if isinstance(found, dict) else [found]
        if not texts or not all(isinstance(each, str) and each for each in texts):
            raise UnreadError
        return found  # type: ignore[no-any-return] # of texts

    def _value(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        code = self._resolved(code)
        match code:
            case ast.Call(func=ast.Attribute(attr="exists"), args=[], keywords=[]) if self._is_for_rows(code):
                return code
        return super()._value(code)

    def _parent(self, code: ast.expr) -> ReadParent | None:
        return super()._parent(self._resolved(code))

    def _resolved(self, code: ast.expr) -> ast.expr:
        found: ast.expr = _OfView().visit(super()._resolved(code))
        return found

    def _returned(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        if not isinstance(code, ast.Name) or code.id != self._data or code.id in self._names:
            raise UnreadError
        return _DONE


class _OfView(ast.NodeTransformer):
    """The parameters of the path, which requests have, too."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self._parameters(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self._parameters(node)

    def _parameters(self, node: ast.expr) -> ast.AST:
        if ast.unparse(node) in _PARAMETERS:
            return ast.parse("self.kwargs", mode="eval").body
        return self.generic_visit(node)


class _Renamed(ast.NodeTransformer):
    """Code of a serializer with the view's names: `self.request`, and `self` for the view in its context."""

    def __init__(self, own: str, *, has_row: bool) -> None:
        self._own = own
        self._has_row = has_row

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self._renamed(node) or self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self._renamed(node) or self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == self._own:
            # An instance is true, as of no other serializer; nothing else of this one is the view's.
            if node.attr != "instance" or not isinstance(node.ctx, ast.Load):
                raise UnreadError
            return ast.Constant(value=True if self._has_row else None)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == self._own:
            raise UnreadError
        return node

    def _renamed(self, node: ast.expr) -> ast.expr | None:
        text = ast.unparse(node)
        context = f"{self._own}.context"
        words = {f"{context}['request']": "self.request", f"{context}['view']": "self"}
        words |= {f"{context}.get('request')": "self.request", f"{context}.get('view')": "self"}
        found = words.get(text)
        return None if found is None else ast.parse(found, mode="eval").body
