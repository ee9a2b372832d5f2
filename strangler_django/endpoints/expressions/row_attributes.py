"""Attributes of a row, by their names in code: columns, also behind foreign keys, methods, numbers of rows."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import builtins
import inspect
import keyword
from dataclasses import dataclass, field
from functools import partialmethod
from typing import Any, Final, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import FileField, ForeignKey, Model
from django.utils.functional import Promise, cached_property

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.sources import countable_link

# Columns whose values are the same to Python whoever reads them from PostgreSQL.
_KINDS: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField"),
        *("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField", "DecimalField", "FloatField"),
        *("BooleanField", "CharField", "SlugField", "TextField"),
    }
)
_DEEPEST: Final = 5
_LOCALE: Final = "LocaleMiddleware"
# Before the names of columns, while an expression has others too; no text of a project's holds it.
MARK: Final = "_strangler_column_"
# Before those of relations whose rows are counted.
COUNT: Final = "_strangler_count_"
# What asks for the number of a relation's rows.
NUMBERS: Final = frozenset({"count", "exists"})


def column_of(lookup: str) -> ast.Name:
    """A column under a name of its own."""
    is_taken = keyword.iskeyword(lookup) or hasattr(builtins, lookup)
    return ast.Name(id=f"{MARK}{lookup}{'_' if is_taken else ''}", ctx=ast.Load())


@dataclass
class SeenOfOthers:
    """What code looks at besides the row: rows of other tables by the names that stand for them, and the context."""

    matches: dict[str, Any] = field(default_factory=dict)
    in_context: bool = False


class RowAttributes:
    """The attributes of a row of a model, to which the foreign keys `path` lead; `known` are not null."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - a model class
        path: tuple[str, ...] = (),
        known: frozenset[str] = frozenset(),
        depth: int = 0,
        seen: SeenOfOthers | None = None,
    ) -> None:
        if depth > _DEEPEST:
            raise UnreadError
        self._model = model
        self._path = path
        self._known = known
        self._depth = depth
        self.seen = SeenOfOthers() if seen is None else seen
        self._locals: dict[str, ast.expr] = {}

    def returned(self, function: Any) -> ast.expr:  # noqa: ANN401 - whatever a class has under a name
        """What a method of the row returns."""
        raise NotImplementedError

    def at(self, names: list[str]) -> ast.expr:
        """The value at the end of attributes of the row."""
        name, *rest = names
        field = self._fields().get(name)
        if field is None and len(rest) == 1 and rest[0] in NUMBERS:
            return self._counted([name], rest[0])
        if rest:
            if not isinstance(field, ForeignKey) or name != field.name:
                raise UnreadError
            return self._behind(field).at(rest)
        if field is None or (isinstance(field, ForeignKey) and name == field.name):
            return self._computed(name)
        kind = field.target_field if isinstance(field, ForeignKey) else field
        if kind.get_internal_type() not in _KINDS:
            raise UnreadError
        return column_of("__".join((*self._path, field.attname)))

    def _counted(self, names: list[str] | None, number: str) -> ast.expr:
        """How many rows a relation of the row itself has, or whether there are any."""
        if self._path or names is None or len(names) != 1 or countable_link(self._model, names[0]) is None:
            raise UnreadError
        count = ast.Name(id=f"{COUNT}{names[0]}", ctx=ast.Load())
        return count if number == "count" else ast.Compare(left=count, ops=[ast.Gt()], comparators=[ast.Constant(0)])

    def file_name(self, names: list[str]) -> ast.expr | None:
        """The text of the file at the end of attributes of the row, which is its name; None of anything else."""
        name, *rest = names
        field = self._fields().get(name)
        if rest:
            is_row = isinstance(field, ForeignKey) and name == field.name
            return self._behind(field).file_name(rest) if is_row else None
        if not isinstance(field, FileField):
            return None
        column = column_of("__".join((*self._path, field.attname)))
        return ast.BoolOp(op=ast.Or(), values=[column, ast.Constant("")])

    def _fields(self) -> dict[str, Any]:
        fields = self._model._meta.concrete_fields
        found = {each.name: each for each in fields} | {each.attname: each for each in fields}
        return found | {"pk": self._model._meta.pk}

    def _behind(self, field: Any) -> Self:  # noqa: ANN401 - a foreign key
        """A reader of the row that a foreign key points at, which there has to be."""
        path = (*self._path, field.name)
        if field.null and "__".join(path) not in self._known:
            raise UnreadError
        # A row that its manager leaves out is none.
        if own_manager(field.related_model._base_manager):
            raise UnreadError
        return self._reader(field.related_model, path)

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
        return self._reader(self._model, self._path).returned(function)

    def _reader(self, model: Any, path: tuple[str, ...]) -> Self:  # noqa: ANN401 - a model class
        """A reader of other code, about the row that foreign keys lead to."""
        return type(self)(model, path, self._known, self._depth + 1, self.seen)

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
