"""A branch of a method that narrows a queryset by a query parameter, which is a filter of that name."""

import ast
from dataclasses import replace

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.code.own_filters import FilterReader
from strangler_django.endpoints.code.read_querysets import ReadQueryset
from strangler_django.endpoints.lists.own_parents import ParentValues


class FilterBranches(ParentValues):
    """As ParentValues, where a queryset has a name."""

    _filters: FilterReader

    def _is_filter(self, test: ast.expr, body: list[ast.stmt]) -> bool:
        """Whether a branch narrows a queryset by a query parameter and does no more; then that has the filter.

        if genres:
            keys = self._params_to_ints(genres)
            queryset = queryset.filter(genres__id__in=keys)
        """
        if isinstance(test, ast.NamedExpr):
            self._names[test.target.id], test = test.value, test.value
        before = dict(self._names)
        try:
            name, found = self._narrowed_by_parameter(self._resolved(test), body)
        except UnreadError:
            self._names = before
            return False
        # What else the branch has given a value is another's without the parameter.
        self._names = {key: value for key, value in before.items() if self._names.get(key) is value}
        self._names[name] = found
        return True

    def _narrowed_by_parameter(self, test: ast.expr, body: list[ast.stmt]) -> tuple[str, ReadQueryset]:
        """The queryset that a branch narrows, by its name, with that filter."""
        narrowed, conditions, is_distinct = "", list[ast.expr | ast.keyword](), False
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if isinstance(
                    self._names.get(name), ReadQueryset
                ) and narrowed in ("", name):
                    narrowed = name
                    for called, given in self._calls(name, value):
                        conditions += given
                        is_distinct = is_distinct or called == "distinct"
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._names[name] = self._resolved(value)
                case _:
                    raise UnreadError
        queryset = self._names.get(narrowed)
        if not isinstance(queryset, ReadQueryset):
            raise UnreadError
        parameter, found = self._filters.read(test, conditions, queryset.queryset.model)
        if parameter in queryset.filters:
            raise UnreadError
        filters = {**queryset.filters, parameter: replace(found, is_distinct=is_distinct)}
        return narrowed, replace(queryset, filters=filters)

    def _calls(self, name: str, code: ast.expr) -> list[tuple[str, list[ast.expr | ast.keyword]]]:
        """What is called of the queryset of that name, in turn: `filter` with its conditions, or `distinct`."""
        match code:
            case ast.Name(id=found) if found == name:
                return []
            case ast.Call(func=ast.Attribute(value=inner, attr="distinct"), args=[], keywords=[]):
                return [*self._calls(name, inner), ("distinct", [])]
            case ast.Call(func=ast.Attribute(value=inner, attr="filter"), args=args, keywords=keywords):
                named_so = (ast.keyword(each.arg, self._resolved(each.value)) for each in keywords)
                return [*self._calls(name, inner), ("filter", [*map(self._resolved, args), *named_so])]
        raise UnreadError
