"""Values as clients usually send them, taken at once: without what a field does for other spellings and for errors.

A field of a class that stands here is asked through `usual_of` first. What that doesn't take, be it refused or written
in another way, goes to the field's own `clean`, which has the words; what it takes is what `clean` would have given
(tests/unit/strangler_fastapi/drf/test_usual_values.py looks for a value that is not). So nothing here is needed, and a
class of a project's own, which may clean otherwise, never stands here. docs/benchmark.md has the figures.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final

from pydantic_core import CoreSchema, core_schema

from strangler_fastapi.drf.fields import usual_collections
from strangler_fastapi.drf.fields.collection_fields import DictField, HStoreField, JSONField, ListField
from strangler_fastapi.drf.fields.fields import MISSING, AnyField, BooleanField, CharField, Field
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import BigIntegerField, IntegerField
from strangler_fastapi.drf.fields.usual_collections import Usual
from strangler_fastapi.drf.fields.usual_scalars import MOST_INTEGER, SCALARS, checked, iso_reader
from strangler_fastapi.drf.http.limits import MOST_FIELDS
from strangler_fastapi.drf.validators import Invalid, Pattern, check_json


def usual_of(field: Field) -> Usual | None:
    """What takes a field's usual values; None where each has to be cleaned."""
    make = _KINDS.get(type(field))
    if make is None or not all(isinstance(rule, Pattern) for rule in field.validators):
        return None
    usual = make(field)
    return checked(usual, field.validators) if usual is not None and field.validators else usual


def _json(field: JSONField) -> Usual | None:
    # A text may be JSON itself, as in a form.
    return None if field.binary else lambda value: _whole(value) if type(value) in (dict, list) else MISSING


def _any(_field: AnyField) -> Usual:
    return lambda value: MISSING if value is None else _whole(value)


def _whole(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
    try:
        check_json(value)
    except Invalid:
        return MISSING
    return value


def _list(field: ListField) -> Usual | None:
    child, usual, schema, lengths = field.child, usual_of(field.child), _schema(field), _lengths(field)
    if usual is None:
        return None
    if type(child) is AnyField and not child.validators:
        return usual_collections.bounded(usual, list, *lengths)
    read_one = None if child.validators else iso_reader(child)
    if read_one is not None:
        return usual_collections.items_read(read_one, *lengths)
    each = usual_collections.items(usual, *lengths)
    if schema is None:
        return each
    texts = _texts_in(field)
    if texts is None or child is texts:
        read = usual_collections.reader(schema, list)
        return read if texts is None else usual_collections.texts(texts, read, *lengths)
    if isinstance(child, ListField) and child.child is texts:
        return usual_collections.lists_of_texts(schema, each, trim=texts.trim)
    return each


def _dict(field: DictField) -> Usual | None:
    child, usual, schema = field.child, usual_of(field.child), _schema(field)
    lengths = 0 if field.allow_empty else 1, MOST_FIELDS
    if usual is None:
        return None
    if type(child) is AnyField and not child.validators:
        return usual_collections.bounded(usual, dict, *lengths)
    take, texts = usual_collections.values(usual, *lengths), _texts_in(field)
    if schema is not None and texts is child:
        return usual_collections.texts_by_key(texts, usual_collections.reader(schema, dict), *lengths)
    if schema is not None and texts is None:
        take = usual_collections.reader(schema, dict)
    return usual_collections.with_storable_keys(take)


def _nested(field: NestedField) -> Usual | None:
    if field.children.rules:
        return None
    keys = []
    for name, source, child, usual in field.children.written:
        if usual is None:
            return None
        keys.append((name, source, usual, not child.required and child.default is MISSING))
    row = usual_collections.row(tuple(keys))
    return usual_collections.items(row, *_lengths(field)) if field.many else row


def _lengths(field: ListField | NestedField) -> tuple[int, int]:
    least = max(field.min_length or 0, 0 if field.allow_empty else 1)
    return least, MOST_FIELDS if field.max_length is None else field.max_length


def _texts_in(field: Field) -> CharField | None:
    """The texts that lists and objects within each other are of."""
    if isinstance(field, ListField | DictField):
        return _texts_in(field.child)
    return field if isinstance(field, CharField) else None


def _schema(field: Field) -> CoreSchema | None:
    """What Pydantic's core takes a field's usual values by; None where it would take others, or there are checks."""
    make = _SCHEMAS.get(type(field))
    return None if make is None or field.validators else make(field)


def _integer_schema(field: IntegerField) -> CoreSchema | None:
    least, most = field.min_value, field.max_value
    if {type(least), type(most)} - {int, NoneType}:
        return None
    # To compare takes the core as long as to read, and longer with bounds beyond these. Without any it takes whatever
    # Python has read, as the field does.
    return core_schema.int_schema(
        strict=True,
        ge=None if least is None else max(least, -MOST_INTEGER),
        le=None if most is None else min(most, MOST_INTEGER - 1),
    )


def _list_schema(field: ListField) -> CoreSchema | None:
    child, (least, most) = _schema(field.child), _lengths(field)
    if child is None:
        return None
    return core_schema.list_schema(child, strict=True, fail_fast=True, min_length=least, max_length=most)


def _dict_schema(field: DictField) -> CoreSchema | None:
    child, least = _schema(field.child), 0 if field.allow_empty else 1
    if child is None:
        return None
    keys = core_schema.str_schema(strict=True)
    return core_schema.dict_schema(keys, child, strict=True, fail_fast=True, min_length=least, max_length=MOST_FIELDS)


_SCHEMAS: Final[Mapping[type[Field], Callable[[Any], CoreSchema | None]]] = {
    BigIntegerField: _integer_schema,
    BooleanField: lambda _field: core_schema.bool_schema(strict=True),
    CharField: usual_collections.text_schema,
    DictField: _dict_schema,
    IntegerField: _integer_schema,
    ListField: _list_schema,
}
_KINDS: Final[Mapping[type[Field], Callable[[Any], Usual | None]]] = {
    **SCALARS,
    AnyField: _any,
    DictField: _dict,
    HStoreField: _dict,
    JSONField: _json,
    ListField: _list,
    NestedField: _nested,
}
