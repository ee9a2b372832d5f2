"""A serializer's own `create` and `update` that write one row within a body, as most projects have them.

def create(self, validated_data):
    profile_data = validated_data.pop("profile")
    member = Member.objects.create(**validated_data)
    Profile.objects.create(member=member, **profile_data)
    return member

The row within points at the row, or that at it: it is made before that then.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import ForeignKey, OneToOneRel
from rest_framework import serializers

from strangler_django.endpoints.code.own_code import UnreadError, named
from strangler_django.endpoints.code.own_models import own_creation, own_manager

_DEFAULTS: Final = ("None", "{}", "dict()")


@dataclass
class _Within:
    """One row: its field's `key`, the model, and the foreign key of the row that points back, if that does.

    `name` is what it is called once it is made or found, `when` which bodies change it.
    """

    key: str
    model: Any
    back: str | None
    default: bool
    name: str = ""
    when: str = ""
    is_set: bool = False
    is_saved: bool = False


class SingleRows:
    """The rows within that a method takes out of what was validated, by the names of those data.

    `row` is what the row itself is called, of which `data` was validated; `names` are those of the module.
    """

    def __init__(self, serializer: Any, method: str, data: str, names: Any) -> None:  # noqa: ANN401 - any serializer
        self._serializer, self._method, self._data, self._names = serializer, method, data, names
        self._popped: dict[str, _Within] = {}
        self.has_keys = False

    @property
    def keys(self) -> list[str]:
        """The sources of the fields."""
        return sorted(each.key for each in self._popped.values())

    def pops(self, name: str, key: str, default: Sequence[ast.expr]) -> bool:
        """Whether one row is taken out.

        :raises UnreadError: it is one that a body may lack.
        """
        field = next((each for each in self._serializer.fields.values() if each.source == key), None)
        if not isinstance(field, serializers.ModelSerializer) or field.read_only:
            return False
        relation = next(
            (each for each in self._serializer.Meta.model._meta.get_fields() if _accessor(each) == key),  # noqa: SLF001 - so Django documents it
            None,
        )
        back = relation.field.name if isinstance(relation, OneToOneRel) else None
        is_known = isinstance(relation, ForeignKey) and not relation.null
        if not (is_known or back) or not field.required or field.allow_null or name in self._popped:
            raise UnreadError
        model = relation.related_model
        if field.Meta.model is not model or own_creation(model) is not None or not _is_plain(field, model, back):
            raise UnreadError
        if len(default) > 1 or (default and ast.unparse(default[0]) not in _DEFAULTS):
            raise UnreadError
        if self._method == "create" and default:
            raise UnreadError
        none = bool(default) and ast.unparse(default[0]) == "None"
        self._popped[name] = _Within(key, model, back, default=bool(default) and not none)
        return True

    def is_data(self, name: str) -> bool:
        """Whether a name is that of such data."""
        return name in self._popped

    def makes(self, value: ast.Call, row: str | None, name: str = "") -> bool:
        """Whether a row within is made: of `row`, once that is there, or before."""
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=of, attr="objects"), attr="create"), args=[]):
                model = named(of, self._names)
            case _:
                return False
        given = {each.arg: ast.unparse(each.value) for each in value.keywords}
        within = self._popped.get(given.pop(None, ""))
        if within is None:
            return False
        manager = within.model._default_manager  # noqa: SLF001 - how Django documents to read a model
        is_usual = model is within.model and manager.name == "objects" and not own_manager(manager)
        wanted = {within.back: row} if within.back else {}
        if not is_usual or len(value.keywords) != len(given) + 1 or given != wanted or within.name or within.is_saved:
            raise UnreadError
        if (within.back is None) is not (row is None):
            raise UnreadError
        within.name, within.is_saved, within.when = name or "-", True, "given"
        return True

    def foreign_keys(self, given: dict[str, str]) -> bool:
        """Whether the row gets the rows that it points at, by their names, and nothing else."""
        if self._method == "update":
            return not given
        wanted = {each.key: each.name for each in self._popped.values() if each.back is None}
        return given == wanted and "-" not in wanted.values()

    def names_row(self, name: str, value: ast.expr, row: str) -> bool:
        """Whether a row within gets a name: `profile = instance.profile`."""
        if self._method != "update":
            return False
        for each in self._popped.values():
            if ast.unparse(value) == f"{row}.{each.key}" and not (each.name or each.is_set):
                each.name = name
                return True
        return False

    def sets_all(self, statement: ast.For, row: str, when: str) -> bool:
        """Whether the attributes of a row within are set: `for attr, value in data.items(): setattr(profile, …)`."""
        target = ast.unparse(statement.target).strip("()")
        for data, each in self._popped.items():
            for name in {each.name, f"{row}.{each.key}"} - {""}:
                text = f"for {target} in {data}.items():\n    setattr({name}, {target})"
                if ast.unparse(statement) in (text, text.replace(target, f"({target})", 1)):
                    self._set(each, data, when)
                    return True
        return False

    def saves(self, value: ast.Call, row: str, when: str) -> bool:
        """Whether a row within is saved."""
        for data, each in self._popped.items():
            if ast.unparse(value) in (f"{each.name}.save()", f"{row}.{each.key}.save()"):
                # Another object than the one whose attributes were set would save what it was before.
                if not each.is_set or each.is_saved or self._kind(each, data, when) != each.when:
                    raise UnreadError
                each.is_saved = True
                return True
        return False

    def _set(self, each: _Within, data: str, when: str) -> None:
        if self._method != "update" or each.is_set:
            raise UnreadError
        each.is_set, each.when = True, self._kind(each, data, when)

    @staticmethod
    def _kind(each: _Within, data: str, when: str) -> str:
        kind, _, of = when.partition(" ")
        if of not in ("", data):
            raise UnreadError
        # Without a default Django fails of a body that lacks it.
        return "given" if kind == "always" and not each.default else kind

    def result(self) -> str:
        """When they are written.

        :raises UnreadError: one isn't, or they are in several ways.
        """
        kinds = {each.when for each in self._popped.values()}
        if len(kinds) != 1 or not all(each.is_saved for each in self._popped.values()):
            raise UnreadError
        return kinds.pop()


def _accessor(field: Any) -> str:  # noqa: ANN401 - a field or a relation
    return str(field.get_accessor_name() if hasattr(field, "get_accessor_name") else field.name)


def _is_plain(serializer: Any, model: Any, back: str | None) -> bool:  # noqa: ANN401 - as above
    """Whether a body says no more of a row than its own columns."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - as above
    columns = {each.name for each in fields if not each.primary_key and each.name != back}
    taken = [each for each in serializer.fields.values() if not each.read_only]
    return all(each.source in columns and not isinstance(each, serializers.BaseSerializer) for each in taken)
