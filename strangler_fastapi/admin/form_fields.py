"""The fields of a form and of a list, made of those of a serializer, which alone reads and checks what is sent."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette_admin import fields as shown

from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import JSONField
from strangler_fastapi.drf.fields.fields import MISSING, BooleanField, CharField, Field, ReadOnlyField
from strangler_fastapi.drf.fields.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.relations import ManyRelatedField, PrimaryKeyRelatedField
from strangler_fastapi.drf.fields.text_fields import UUIDField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, TimeField

# The first that a field is of.
_KINDS: Final[tuple[tuple[type[Field], type[shown.BaseField]], ...]] = (
    (BooleanField, shown.BooleanField),
    (IntegerField, shown.IntegerField),
    (DecimalField, shown.DecimalField),
    (FloatField, shown.FloatField),
    (DateTimeField, shown.DateTimeField),
    (DateField, shown.DateField),
    (TimeField, shown.TimeField),
    (JSONField, shown.JSONField),
    (CharField, shown.StringField),
    (UUIDField, shown.StringField),
)
_READ_ONLY: Final[Mapping[str, type[shown.BaseField]]] = {
    "boolean": shown.BooleanField,
    "date": shown.DateField,
    "datetime": shown.DateTimeField,
    "integer": shown.IntegerField,
    "time": shown.TimeField,
}


def form_field(name: str, field: Field, key_of: Callable[[type], str | None]) -> shown.BaseField:
    """What shows a serializer's field; `key_of` gives the page of the rows of a mapped class, None where it has none.

    Raises:
        LookupError: there is nothing to show or to fill in such a field by.
    """
    label = field.label or name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"label": label, "help_text": field.help_text}
    if field.read_only:
        return _shown_by(name, field)(name, **common, exclude_from_create=True, exclude_from_edit=True)
    # A box that isn't ticked is a value, too.
    common["required"] = field.required and not isinstance(field, BooleanField)
    if not callable(field.default) and field.default is not MISSING:
        common["default"] = field.default
    if field.write_only:
        common |= {"exclude_from_list": True, "exclude_from_detail": True, "exclude_from_export": True}
        return shown.PasswordField(name, **common)
    if isinstance(field, ManyRelatedField):
        if (key := key_of(field.link.target)) is None:
            raise LookupError(f"Field {name!r} needs an AdminModel of {field.link.target.__table_key__}: add one.")
        return shown.HasMany(name, **common, key=key)
    if isinstance(field, PrimaryKeyRelatedField) and (key := key_of(field.model)) is not None:
        return shown.HasOne(name, **common, key=key)
    if isinstance(field, ChoiceField):
        return shown.EnumField(name, **common, choices=[*field.choices.items()])
    return _shown_by(name, field)(name, **common)


def _shown_by(name: str, field: Field) -> type[shown.BaseField]:
    if isinstance(field, ReadOnlyField):
        return _READ_ONLY.get(field.type, shown.StringField)
    if isinstance(field, CharField) and field.max_length is None:
        return shown.TextAreaField
    if isinstance(field, PrimaryKeyRelatedField):
        return shown.StringField
    kind = next((kind for of, kind in _KINDS if isinstance(field, of)), None)
    if kind is None:
        raise LookupError(
            f"Field {name!r} is a {type(field).__name__}, which the admin has no form for: leave it out,"
            " or make it read-only."
        )
    return kind
