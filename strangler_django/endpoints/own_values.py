"""What methods and properties of a project's own make of the columns of a row, read from their code.

def get_place(self, obj):
    return f"{obj.room.house.name}, {obj.room.number}" if obj.room else None

Each becomes a Python expression about columns by their lookups (`room__house__name`), where it is nothing but an
expression of texts and numbers. Properties, methods without arguments and `__str__` that it calls are read with it.
"""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import builtins
import inspect
import keyword
from collections.abc import Mapping
from decimal import Decimal
from functools import partialmethod
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import FileField, ForeignKey, Model
from django.utils.functional import Promise, cached_property

from strangler_django.contract.plain import plain
from strangler_django.endpoints.own_code import UnreadError, method_of, named, names_of, statements_of
from strangler_django.endpoints.own_models import own_manager

# Columns whose values are the same to Python whoever reads them from PostgreSQL.
_KINDS: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField"),
        *("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField", "DecimalField", "FloatField"),
        *("BooleanField", "CharField", "SlugField", "TextField"),
    }
)
_FUNCTIONS: Final = frozenset({"abs", "bool", "float", "int", "len", "max", "min", "round", "str"})
_METHODS: Final = frozenset({"capitalize", "lower", "lstrip", "replace", "rstrip", "strip", "title", "upper"})
# Of an expression that has no names in it but those that are read.
_PLAIN: Final = (
    *(ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Constant, ast.Tuple, ast.List, ast.JoinedStr),
    *(ast.FormattedValue, ast.operator, ast.boolop, ast.cmpop, ast.unaryop, ast.expr_context),
)
# What fields of these kinds make of a value.
_SHOWN: Final = {"CharField": "str", "IntegerField": "int"}
_DEEPEST: Final = 5
_LOCALE: Final = "LocaleMiddleware"
# Before the names of columns, while an expression has others too; no text of a project's holds it.
_MARK: Final = "_strangler_column_"


def method_value(serializer: type, name: str, model: type[Model]) -> dict[str, Any] | None:
    """What a method of a serializer makes of a row of the model; None where it does anything else."""
    is_static = isinstance(inspect.getattr_static(serializer, name, None), staticmethod)
    return _value(lambda: _Reader(model).returned(getattr(serializer, name, None), row=0 if is_static else 1))


def attribute_value(model: type[Model], source: str, kind: str) -> dict[str, Any] | None:
    """What a field of that kind shows of a row, where its source ends in a property or a method of a model's own."""

    def read() -> ast.expr:
        name = _Reader(model).file_name(source.split(".")) if kind == "CharField" else None
        if name is not None:
            return name
        found = _Reader(model).at(source.split("."))
        if kind not in _SHOWN:
            return found
        if any(isinstance(each, ast.IfExp) for each in ast.walk(found)):
            raise UnreadError
        return ast.Call(func=ast.Name(id=_SHOWN[kind]), args=[found], keywords=[])

    return _value(read)


def string_value(model: type[Model], source: str) -> dict[str, Any] | None:
    """The text of the row that a foreign key of the model points at, null where there is none."""
    code = f"def text(row):\n    return str(row.{source}) if row.{source} is not None else None"
    return _value(lambda: _Reader(model).of_code(code))


def _value(read: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a function
    """The expression as JSON: its `code`, and its `columns` by the names that they have in it."""
    try:
        code = read()
    except UnreadError:
        return None
    names = sorted({each.id for each in ast.walk(code) if isinstance(each, ast.Name) and each.id.startswith(_MARK)})
    columns = {name.removeprefix(_MARK): name.removeprefix(_MARK).removesuffix("_") for name in names}
    return {"code": ast.unparse(code).replace(_MARK, ""), "columns": columns} if columns else None


def _column(lookup: str) -> ast.Name:
    """A column under a name of its own."""
    is_taken = keyword.iskeyword(lookup) or hasattr(builtins, lookup)
    return ast.Name(id=f"{_MARK}{lookup}{'_' if is_taken else ''}", ctx=ast.Load())


class _Reader:
    """Reads expressions about a row of a model, to which the foreign keys `path` lead; `known` are not null."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - a model class
        path: tuple[str, ...] = (),
        known: frozenset[str] = frozenset(),
        depth: int = 0,
    ) -> None:
        if depth > _DEEPEST:
            raise UnreadError
        self._model = model
        self._path = path
        self._known = known
        self._depth = depth
        self._row = ""
        self._locals: dict[str, ast.expr] = {}
        self._globals: Mapping[str, Any] = {}

    def returned(self, function: Any, *, row: int = 0) -> ast.expr:  # noqa: ANN401 - whatever a class has under a name
        """What a function returns, whose parameter of that number is the row.

        :raises UnreadError: it does something else.
        """
        made = method_of(function, but=("property", "cached_property", "staticmethod"))
        if made is None or len(made.args.args) != row + 1 or made.args.vararg or made.args.kwonlyargs:
            raise UnreadError
        self._row = made.args.args[row].arg
        self._globals = names_of(function)
        return self._block(statements_of(made))

    def of_code(self, code: str) -> ast.expr:
        """What a function of a `row` returns."""
        (made,) = ast.parse(code).body
        assert isinstance(made, ast.FunctionDef)  # noqa: S101 - so it was written
        self._row = "row"
        return self._block(made.body)

    def at(self, names: list[str]) -> ast.expr:
        """The value at the end of attributes of the row."""
        name, *rest = names
        field = self._fields().get(name)
        if rest:
            if not isinstance(field, ForeignKey) or name != field.name:
                raise UnreadError
            return self._behind(field).at(rest)
        if field is None or (isinstance(field, ForeignKey) and name == field.name):
            return self._computed(name)
        kind = field.target_field if isinstance(field, ForeignKey) else field
        if kind.get_internal_type() not in _KINDS:
            raise UnreadError
        return _column("__".join((*self._path, field.attname)))

    def file_name(self, names: list[str]) -> ast.expr | None:
        """The text of the file at the end of attributes of the row, which is its name; None of anything else."""
        name, *rest = names
        field = self._fields().get(name)
        if rest:
            is_row = isinstance(field, ForeignKey) and name == field.name
            return self._behind(field).file_name(rest) if is_row else None
        if not isinstance(field, FileField):
            return None
        column = _column("__".join((*self._path, field.attname)))
        return ast.BoolOp(op=ast.Or(), values=[column, ast.Constant("")])

    def _fields(self) -> dict[str, Any]:
        fields = self._model._meta.concrete_fields
        found = {each.name: each for each in fields} | {each.attname: each for each in fields}
        return found | {"pk": self._model._meta.pk}

    def _behind(self, field: Any) -> "_Reader":  # noqa: ANN401 - a foreign key
        """A reader of the row that a foreign key points at, which there has to be."""
        path = (*self._path, field.name)
        if field.null and "__".join(path) not in self._known:
            raise UnreadError
        # A row that its manager leaves out is none.
        if own_manager(field.related_model._base_manager):
            raise UnreadError
        return _Reader(field.related_model, path, self._known, self._depth + 1)

    def _computed(self, name: str) -> ast.expr:
        """What a property of the model is, or a method without arguments."""
        found = inspect.getattr_static(self._model, name, None)
        function = found.func if isinstance(found, cached_property) else getattr(found, "fget", found)
        if isinstance(found, partialmethod) and found.func is Model._get_FIELD_display:  # type: ignore[attr-defined] # Django's own
            return self._display(found.keywords["field"])
        if function is AbstractBaseUser.__str__:
            return self.at([self._model.USERNAME_FIELD])
        if not inspect.isfunction(function):
            raise UnreadError
        return _Reader(self._model, self._path, self._known, self._depth + 1).returned(function)

    def _display(self, field: Any) -> ast.expr:  # noqa: ANN401 - a column with choices
        """What `get_…_display` is: the label of the column's value, or the value itself where no choice has it."""
        value = self.at([field.attname])
        labels = {plain(key): label for key, label in field.flatchoices}
        # A decimal would be its text, which no value of the column is.
        if any(plain(key) != key for key, _ in field.flatchoices):
            raise UnreadError
        is_translated = settings.USE_I18N and any(name.endswith(_LOCALE) for name in settings.MIDDLEWARE)
        if is_translated and any(isinstance(label, Promise) for label in labels.values()):
            raise UnreadError
        named = ast.Dict(
            keys=[ast.Constant(value=key) for key in labels],
            values=[ast.Constant(value=str(label)) for label in labels.values()],
        )
        shown = ast.Call(func=ast.Attribute(value=named, attr="get"), args=[value, value], keywords=[])
        if not field.null or None in labels:
            return shown
        null = ast.Constant(value=None)
        return ast.IfExp(test=ast.Compare(left=value, ops=[ast.Is()], comparators=[null]), body=null, orelse=shown)

    def _block(self, body: list[ast.stmt]) -> ast.expr:
        """What the statements return, as one expression."""
        if not body:
            return ast.Constant(value=None)
        first, *rest = body
        match first:
            case ast.Return(value=value):
                return ast.Constant(value=None) if value is None else self._read(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._locals[name] = self._read(value)
                return self._block(rest)
            case ast.If(test=test, body=then, orelse=otherwise) if not any(map(_assigns, (*then, *otherwise))):
                return self._chosen(test, lambda: self._block([*then, *rest]), lambda: self._block([*otherwise, *rest]))
        raise UnreadError

    def _chosen(self, test: ast.expr, then: Any, otherwise: Any) -> ast.expr:  # noqa: ANN401 - functions
        """One of two expressions; in the first what the test names isn't null, in the second if the test denies it."""
        condition, before = self._condition(test), self._known
        self._known = before | self._proved(test, holds=True)
        first = then()
        self._known = before | self._proved(test, holds=False)
        second = otherwise()
        self._known = before
        return ast.IfExp(test=condition, body=first, orelse=second)

    def _condition(self, test: ast.expr) -> ast.expr:
        """A test; of a foreign key whether there is a row."""
        match test:
            case ast.BoolOp(op=operator, values=values):
                return ast.BoolOp(op=operator, values=list(map(self._condition, values)))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(op=ast.Not(), operand=self._condition(operand))
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                if (key := self._key(left)) is not None:
                    return ast.Compare(left=key, ops=[operator], comparators=[ast.Constant(value=None)])
        key = self._key(test)
        if key is None:
            return self._read(test)
        return ast.Compare(left=key, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])

    def _key(self, code: ast.expr) -> ast.expr | None:
        """The column of the foreign key that an expression is; None of anything else."""
        names = self._attributes(code)
        if names is None or not isinstance(field := self._fields().get(names[0]), ForeignKey):
            return None
        return _column("__".join((*self._path, field.attname))) if names == [field.name] else None

    def _proved(self, test: ast.expr, *, holds: bool) -> frozenset[str]:
        """The foreign keys that aren't null where a test holds, or where it doesn't."""
        match test:
            case ast.BoolOp(op=operator, values=values) if isinstance(operator, ast.And) is holds:
                return frozenset().union(*(self._proved(each, holds=holds) for each in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._proved(operand, holds=not holds)
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                is_proved = isinstance(operator, ast.IsNot) is holds
                return self._proved(left, holds=True) if is_proved else frozenset()
        names = self._attributes(test) if holds else None
        return frozenset({"__".join((*self._path, *names))}) if names and self._key(test) is not None else frozenset()

    def _attributes(self, code: ast.expr) -> list[str] | None:
        """The names of attributes of the row, one behind the other; None of another expression."""
        names: list[str] = []
        while isinstance(code, ast.Attribute):
            names.insert(0, code.attr)
            code = code.value
        return names if names and isinstance(code, ast.Name) and code.id == self._row else None

    def _read(self, code: ast.expr) -> ast.expr:
        """The expression with columns for attributes of the row.

        :raises UnreadError: it is about something else.
        """
        if (names := self._attributes(code)) is not None:
            return self.at(names)
        match code:
            case ast.Name(id=name) if name in self._locals:
                return self._locals[name]
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self._chosen(test, lambda: self._read(then), lambda: self._read(otherwise))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS and args:
                if name == "str" and len(args) == 1 and self._is_row(args[0]):
                    return self.at([*(self._attributes(args[0]) or []), "__str__"])
                return ast.Call(func=ast.Name(id=name), args=list(map(self._read, args)), keywords=[])
            case ast.Call(func=ast.Name() as function, args=[ast.Constant() as value], keywords=[]):
                if named(function, self._globals) is Decimal:
                    return ast.Call(func=ast.Name(id="Decimal"), args=[value], keywords=[])
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args, keywords=[]):
                if name in _METHODS:
                    function = ast.Attribute(value=self._read(inner), attr=name)
                    return ast.Call(func=function, args=list(map(self._read, args)), keywords=[])
                if not args and (names := self._attributes(code.func)) is not None:
                    return self.at(names)
            case ast.Name() | ast.Attribute():
                if isinstance(value := named(code, self._globals), bool | int | str):
                    return ast.Constant(value=plain(value))
            case _ if isinstance(code, _PLAIN):
                return self._parts(code)
        raise UnreadError

    def _is_row(self, code: ast.expr) -> bool:
        """Whether an expression is the row itself, or one that it points at."""
        return (isinstance(code, ast.Name) and code.id == self._row) or self._key(code) is not None

    def _parts(self, code: Any) -> Any:  # noqa: ANN401 - any node
        """A node that is plain itself, with its parts read."""
        if isinstance(code, ast.FormattedValue) and self._is_row(code.value):
            text = self.at([*(self._attributes(code.value) or []), "__str__"])
            return ast.FormattedValue(value=text, conversion=code.conversion, format_spec=code.format_spec)
        fields: dict[str, Any] = {}
        for name, value in ast.iter_fields(code):
            if isinstance(value, ast.expr):
                fields[name] = self._read(value)
            elif isinstance(value, list):
                fields[name] = [self._read(each) if isinstance(each, ast.expr) else each for each in value]
            else:
                fields[name] = value
        return type(code)(**fields)


def _assigns(statement: ast.stmt) -> bool:
    return any(isinstance(each, ast.Assign | ast.AugAssign) for each in ast.walk(statement))
