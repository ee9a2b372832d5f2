"""Whether there are rows of another table by the caller, as `annotate` says of each row of a queryset.

Recipe.objects.annotate(is_liked=Exists(Favorite.objects.filter(user=self.request.user, recipe=OuterRef("pk"))))
"""

import ast
from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, TextField, Value

from strangler_django.endpoints.code.own_code import UnreadError, named
from strangler_django.endpoints.code.own_expressions import CALLER
from strangler_django.endpoints.code.request_symbols import user_symbol
from strangler_django.endpoints.expressions.matching_rows import MatchingRows
from strangler_django.endpoints.expressions.row_expressions import RowExpressions

_ROW = "_strangler_row"


class MatchedValue(Value):
    """What stands for `Exists(…)` in a queryset until its facts are read: a text, which no other rows have."""

    def __init__(self, rows: MatchingRows, *, denied: bool = False) -> None:
        super().__init__(str((rows.facts, denied)), output_field=TextField())
        self.rows = rows
        self.denied = denied

    @property
    def is_false_for_nobody(self) -> bool:
        """Whether it is false of an anonymous caller."""
        return self.rows.is_callers and not self.denied


def matched_value(code: ast.expr, model: Any, names: Mapping[str, Any]) -> MatchedValue | None:  # noqa: ANN401 - a model class
    """What an expression says of rows of the model; None of another expression.

    :raises UnreadError: it asks for rows otherwise.
    """
    match code:
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            found = matched_value(inner, model, names)
            return None if found is None else MatchedValue(found.rows, denied=not found.denied)
        case ast.Call(func=called, args=[rows], keywords=[]) if named(called, names) is Exists:
            reader = RowExpressions(model)
            return MatchedValue(reader.rows_of(_OfRow(names).visit(rows), _ROW, names))
    return None


def same_for_nobody(found: QuerySet[Any], nobody: QuerySet[Any]) -> bool:
    """Whether an anonymous caller gets what another's queryset would give it, though by other code."""
    own, other = found.query.annotations, nobody.query.annotations
    if own.keys() != other.keys():
        return False
    taken = {name for name, each in own.items() if isinstance(each, MatchedValue) and each.is_false_for_nobody}
    left = {name for name in taken if getattr(other[name], "value", None) is False or other[name] == own[name]}
    return left == taken and _without(found, taken) == _without(nobody, taken)


def _without(queryset: QuerySet[Any], names: set[str]) -> str:
    copy = queryset.all()
    copy.query.annotations = {name: each for name, each in copy.query.annotations.items() if name not in names}
    copy.query.set_annotation_mask(None)
    return str(copy.query)


class _OfRow(ast.NodeTransformer):
    """Puts an attribute of the row in place of `OuterRef("author__team")`, and the caller in place of its name."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return user_symbol() if ast.unparse(node) == CALLER else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=called, args=[ast.Constant(value=str(path))], keywords=[]) if (
                named(called, self._names) is OuterRef
            ):
                if not all(each.isidentifier() for each in path.split("__")):
                    raise UnreadError
                return ast.parse(f"{_ROW}.{path.replace('__', '.')}", mode="eval").body
        return self.generic_visit(node)
