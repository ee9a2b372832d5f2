"""A serializer's own `create` and `update` that write the rows within a body, as most projects have them.

def create(self, validated_data):
    items = validated_data.pop("items")
    order = Order.objects.create(**validated_data)
    for item in items:
        Item.objects.create(order=order, **item)
    return order
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models.fields.reverse_related import ManyToOneRel
from django.db.transaction import atomic
from rest_framework import serializers

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    is_super,
    method_of,
    named,
    names_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.code.own_models import own_creation, own_manager
from strangler_django.endpoints.fields.single_writes import SingleRows

# What the code has no name for.
_RETURNED: Final = "_returned"
_PARAMETERS: Final = {"create": ["self", "validated_data"], "update": ["self", "instance", "validated_data"]}


def nested_writes(serializer: Any, name: str) -> dict[str, Any] | None:  # noqa: ANN401 - any serializer
    """How a method writes rows within; None where it does anything else, or is not the project's own.

    `fields` are the sources of those rows, which are written in `bulk` or one by one; `when` says which of a change's
    bodies replace them: each, those that have them (`given`), or those that have some (`filled`).
    """
    try:
        return _Method(serializer, name).read()
    except UnreadError:
        return None


class _Method:
    def __init__(self, serializer: Any, name: str) -> None:  # noqa: ANN401 - as above
        found = [*own_methods(type(serializer), name)]
        made = method_of(found[0]) if len(found) == 1 else None
        model = getattr(getattr(serializer, "Meta", None), "model", None)
        if made is None or model is None or not isinstance(serializer, serializers.ModelSerializer):
            raise UnreadError
        given = [each.arg for each in made.args.args]
        if len(given) != len(_PARAMETERS[name]) or made.args.vararg or made.args.kwarg or made.args.kwonlyargs:
            raise UnreadError
        self._serializer, self._name, self._model = serializer, name, model
        self._function, self._names = found[0], names_of(found[0])
        self._data = given[-1]
        # The row's name, once it is saved; that of a changed one is there at first.
        self._row = given[1] if name == "update" else ""
        self._saved = False
        self._body = statements_of(made)
        self._popped: dict[str, tuple[str, ast.expr | None]] = {}
        self._done: dict[str, bool] = {}
        self._gone: dict[str, str] = {}
        self._when: dict[str, str] = {}
        self._given: set[str] = set()
        self._single = SingleRows(serializer, name, self._data, self._names)

    def read(self) -> dict[str, Any]:
        """What it does.

        :raises UnreadError: that is something else.
        """
        *body, last = self._flat(self._body)
        match last:
            case ast.Return(value=ast.Name(id=name)) if body:
                pass
            case ast.Return(value=ast.Call() as value) if body:
                name = _RETURNED
                body.append(ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value))
            case _:
                raise UnreadError
        for statement in body:
            self._statement(statement, "always")
        if self._single.keys:
            if self._popped or not self._saved or name != self._row:
                raise UnreadError
            return {"fields": self._single.keys, "bulk": False, "when": self._single.result()}
        keys = {key for key, _ in self._popped.values()}
        is_whole = self._saved and name == self._row and keys == {*self._done}
        if not is_whole or not self._done or len({*self._done.values()}) != 1 or len({*self._when.values()}) != 1:
            raise UnreadError
        return {
            "fields": sorted(keys),
            "bulk": next(iter(self._done.values())),
            "when": next(iter(self._when.values())),
        }

    def _flat(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements, of which some may be in a transaction."""
        found: list[ast.stmt] = []
        for each in body:
            match each:
                case ast.With(items=[ast.withitem(context_expr=ast.Call(func=called, args=[], keywords=[]))]) if (
                    named(called, self._names) is atomic
                ):
                    found += self._flat(each.body)
                case _:
                    found.append(each)
        return found

    def _statement(self, statement: ast.stmt, when: str) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value):
                if not (self._pops(name, value) or self._makes_one(value, name) or self._saves(name, value)):
                    raise UnreadError
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() as value):
                if name in (self._row, self._data) or not self._single.names_row(name, value, self._row):
                    raise UnreadError
            case ast.Expr(value=ast.Call() as value):
                if not (
                    self._makes_one(value)
                    or self._saves(self._row, value)
                    or self._saves_set(value)
                    or self._removes(value, when)
                    or self._makes_many(value, when)
                    or self._single.saves(value, self._row, when)
                ):
                    raise UnreadError
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=row), attr=attribute)], value=value):
                self._set(row, attribute, ast.unparse(value))
            case ast.For(target=ast.Tuple(), body=[_], orelse=[]):
                if not self._single.sets_all(statement, self._row, when):
                    self._set_all(statement)
            case ast.For(target=ast.Name(id=each), iter=ast.Name(id=rows), body=[ast.Expr(value=ast.Call() as value)]):
                if statement.orelse or not self._makes(each, rows, value, when):
                    raise UnreadError
            case ast.If(test=test, body=body, orelse=[]) if self._name == "update" and when == "always":
                condition = self._condition(test)
                for inner in self._flat(body):
                    self._statement(inner, condition)
            case _:
                raise UnreadError

    def _condition(self, test: ast.expr) -> str:
        """Which bodies a condition lets through."""
        match test:
            case ast.Name(id=name) if name in self._popped or self._single.is_data(name):
                return f"filled {name}"
            case ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]) if (
                name in self._popped or self._single.is_data(name)
            ):
                return f"given {name}"
        raise UnreadError

    def _pops(self, name: str, value: ast.Call) -> bool:
        """Whether rows within are taken out of what was validated."""
        match value:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=data), attr="pop"),
                args=[ast.Constant(value=str(key)), *default],
                keywords=[],
            ) if data == self._data and not self._saved:
                pass
            case _:
                return False
        if self._single.pops(name, key, default):
            return True
        field = next((each for each in self._serializer.fields.values() if each.source == key), None)
        is_rows = isinstance(field, serializers.ListSerializer) and not field.read_only
        if (
            not is_rows
            or name in self._popped
            or key in {known for known, _ in self._popped.values()}
            or len(default) > 1
        ):
            raise UnreadError
        if default and ast.unparse(default[0]) not in ("[]", "None", "()"):
            raise UnreadError
        self._popped[name] = (key, default[0] if default else None)
        return True

    def _saves(self, name: str, value: ast.Call) -> bool:
        """Whether the row itself is saved, of all that is left."""
        above = ast.unparse(value.func.value) if isinstance(value.func, ast.Attribute) else ""
        match value:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as called, attr=attr),
                args=args,
                keywords=[],
            ) if attr == self._name and is_super(called, self._function):
                given = [ast.unparse(each) for each in args]
                wanted = [self._data] if attr == "create" else [self._row, self._data]
                is_saved = given == wanted
            case ast.Call(
                func=ast.Attribute(attr="create"), args=[], keywords=[ast.keyword(arg=None, value=ast.Name(id=data))]
            ) if above.endswith(".objects") and self._name == "create":
                is_saved = data == self._data and self._is_of_manager(value.func, self._model) and not self._links()
            case ast.Call(func=ast.Attribute(attr="create"), args=[], keywords=keywords) if self._name == "create" and (
                self._is_of_manager(value.func, self._model)
            ):
                named_so = {each.arg: ast.unparse(each.value) for each in keywords}
                is_saved = named_so.pop(None, "") == self._data and len(keywords) == len(named_so) + 1
                of_row: dict[str, str] = {str(key): text for key, text in named_so.items()}
                is_saved = is_saved and not self._links() and self._single.foreign_keys(of_row)
                if not is_saved:
                    raise UnreadError
                self._single.has_keys = True
            case _:
                return False
        if not (self._single.has_keys or self._single.foreign_keys({})):
            raise UnreadError
        if not is_saved or self._saved or own_creation(self._model) is not None or not name:
            raise UnreadError
        self._row, self._saved = name, True
        return True

    def _set(self, row: str, attribute: str, value: str) -> None:
        """Has an attribute of the row be what was validated, if there is any."""
        usual = f"{self._data}.get('{attribute}', {row}.{attribute})"
        if self._name != "update" or row != self._row or self._saved or value != usual:
            raise UnreadError
        self._given.add(attribute)

    def _set_all(self, statement: ast.For) -> None:
        """The same of all attributes: `for attr, value in validated_data.items(): setattr(instance, attr, value)`."""
        found = ast.unparse(statement.target).strip("()")
        text = f"for {found} in {self._data}.items():\n    setattr({self._row}, {found})"
        if (
            self._name != "update"
            or self._saved
            or ast.unparse(statement) not in (text, text.replace(found, f"({found})", 1))
        ):
            raise UnreadError
        self._given |= self._plain()

    def _saves_set(self, value: ast.Call) -> bool:
        """Whether the row is saved, each of whose attributes was set."""
        if ast.unparse(value) != f"{self._row}.save()" or self._saved:
            return False
        if self._given != self._plain() or self._links() or own_creation(self._model) is not None:
            raise UnreadError
        self._saved = True
        return True

    def _plain(self) -> set[str]:
        """What a body says of the row itself."""
        fields = (each for each in self._serializer.fields.values() if not each.read_only)
        return {each.source for each in fields if not isinstance(each, serializers.BaseSerializer)}

    def _links(self) -> bool:
        """Whether a body says links of several rows, which a manager doesn't take."""
        fields = self._serializer.fields.values()
        return any(isinstance(each, serializers.ManyRelatedField) and not each.read_only for each in fields)

    def _is_of_manager(self, code: ast.expr, model: Any) -> bool:  # noqa: ANN401 - a model class
        match code:
            case ast.Attribute(value=ast.Attribute(value=of, attr="objects")):
                manager = model._default_manager  # noqa: SLF001 - how Django documents to read a model
                return named(of, self._names) is model and manager.name == "objects" and not own_manager(manager)
        return False

    def _removes(self, value: ast.Call, when: str) -> bool:
        """Whether the rows that there are are removed: `instance.items.all().delete()`."""
        match value:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Attribute(value=ast.Name(id=row), attr=name), attr="all"),
                        args=[],
                        keywords=[],
                    ),
                    attr="delete",
                ),
                args=[],
                keywords=[],
            ) if row == self._row and self._saved and self._name == "update" and name not in self._done:
                self._relation(name)
                self._gone[name] = when
                return True
        return False

    def _makes_one(self, value: ast.Call, name: str = "") -> bool:
        """Whether a single row within is written."""
        is_new = self._name == "create" and name not in (self._data, self._row or None)
        return is_new and self._single.makes(value, self._row if self._saved else None, name)

    def _makes(self, each: str, rows: str, value: ast.Call, when: str) -> bool:
        """Whether one row within is written."""
        key = self._key(rows)
        relation = self._relation(key)
        match value:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(value=ast.Name(id=row), attr=name), attr="create")
            ) if (row, name) == (self._row, key):
                keywords: Sequence[ast.keyword] = [
                    ast.keyword(arg=relation.field.name, value=ast.Name(id=row)),
                    *value.keywords,
                ]
            case ast.Call(func=ast.Attribute(attr="create") as called) if self._is_of_manager(
                called, relation.related_model
            ):
                keywords = value.keywords
            case _:
                return False
        return not value.args and self._written(each, rows, keywords, when, bulk=False)

    def _makes_many(self, value: ast.Call, when: str) -> bool:
        """Whether the rows within are written in one statement."""
        match value:
            case ast.Call(
                func=ast.Attribute(attr="bulk_create") as called,
                args=[
                    ast.ListComp(
                        elt=ast.Call(func=of, args=[], keywords=keywords),
                        generators=[ast.comprehension(target=ast.Name(id=each), iter=ast.Name(id=rows), ifs=[])],
                    )
                    | ast.GeneratorExp(
                        elt=ast.Call(func=of, args=[], keywords=keywords),
                        generators=[ast.comprehension(target=ast.Name(id=each), iter=ast.Name(id=rows), ifs=[])],
                    )
                ],
                keywords=[],
            ):
                model = self._relation(self._key(rows)).related_model
                is_model = named(of, self._names) is model and self._is_of_manager(called, model)
                return is_model and self._written(each, rows, keywords, when, bulk=True)
        return False

    def _written(self, each: str, rows: str, keywords: Sequence[ast.keyword], when: str, *, bulk: bool) -> bool:
        """Whether a row gets its own values, and the row that it is within, and no more."""
        key, default = self._popped[rows]
        relation = self._relation(key)
        given: Mapping[str | None, str] = {keyword.arg: ast.unparse(keyword.value) for keyword in keywords}
        is_whole = given == {relation.field.name: self._row, None: each} and len(keywords) == len(given)
        kind, _, of = when.partition(" ")
        is_replaced = self._name == "create" or self._gone.get(key) == when
        # Of a body without rows, `None` isn't gone through.
        is_safe = kind != "always" or default is None or ast.unparse(default) != "None"
        if not (is_whole and is_replaced and is_safe and self._saved and key not in self._done and of in ("", rows)):
            raise UnreadError
        if kind == "given" and default is not None and ast.unparse(default) != "None":
            kind = "always"
        elif kind == "always" and default is None:
            # Without them Django fails.
            kind = "given"
        self._done[key] = bulk
        self._when[key] = kind
        return True

    def _key(self, rows: str) -> str:
        if rows not in self._popped:
            raise UnreadError
        return self._popped[rows][0]

    def _relation(self, name: str) -> Any:  # noqa: ANN401 - a relation
        """The rows that point at the row, by the name that it has for them."""
        for each in self._model._meta.related_objects:  # noqa: SLF001 - as above
            if each.get_accessor_name() == name and type(each) is ManyToOneRel:
                model = each.related_model
                if not each.field.target_field.primary_key or own_creation(model) is not None:
                    raise UnreadError
                return each
        raise UnreadError
