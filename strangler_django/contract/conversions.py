"""The code of a field's class that is none of Django's, and makes values others than Django's own fields do."""

import inspect
from collections.abc import Iterable
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import Field, FileField, JSONField

from strangler_django.contract.plain import callable_path

_READING: Final = ("from_db_value", "get_db_converters", "get_col", "cached_col", "select_format", "value_from_object")
_WRITING: Final = (
    *("to_python", "get_prep_value", "get_db_prep_value", "get_db_prep_save", "get_placeholder"),
    "get_placeholder_sql",
)
# A `pre_save` of a package that does what `auto_now` says.
_AUTO_NOW: Final = frozenset(
    {
        "django_extensions.db.fields.ModificationDateTimeField.pre_save",
        "model_utils.fields.AutoLastModifiedField.pre_save",
    }
)
# Packages whose attributes of a row give the value that is in the column, and those that pass on any value, too.
_AS_READ: Final = ("django_fsm.",)
_AS_THEY_ARE: Final = ("model_utils.tracker.",)


def read_by(field: Field) -> list[str]:
    """What makes the value of a row's attribute of the one that the column holds."""
    found = [*_own(field, _READING), *_of_attribute(field, "url")]
    if (descriptor := _descriptor(field)) and not descriptor.startswith(_AS_READ):
        found.append(descriptor)
    if isinstance(field, JSONField) and field.decoder is not None:
        found.append(callable_path(field.decoder))
    return found + (read_by(field.base_field) if isinstance(field, ArrayField) else [])


def written_by(field: Field) -> list[str]:
    """What makes the value that is written, or that rows are searched by, of the one that is given."""
    found = [*_own(field, _WRITING), *_of_attribute(field)]
    if descriptor := _descriptor(field):
        found.append(descriptor)
    encoder = field.encoder if isinstance(field, JSONField) else None
    if encoder is not None and not encoder.__module__.startswith("django."):
        found.append(callable_path(encoder))
    return found + (written_by(field.base_field) if isinstance(field, ArrayField) else [])


def saved_by(field: Field) -> str | None:
    """What gives the column its value each time when a row is saved: a `pre_save` that does more than `auto_now`."""
    found = _pre_save(field)
    return None if _is_time(field, found) else found


def default_by(field: Field) -> str | None:
    """What gives the value of a new row."""
    if is_auto_now(field):
        return None
    return _pre_save(field) or next(iter(_own(field, ("get_default",))), None)


def is_auto_now(field: Field) -> bool:
    """Whether each save writes the time."""
    return getattr(field, "auto_now", False) or _is_time(field, _pre_save(field))


def _pre_save(field: Field) -> str | None:
    return next(iter(_own(field, ("pre_save",))), None)


def _is_time(field: Field, pre_save: str | None) -> bool:
    """Whether that is a package's that writes the time; where bodies give the value some leave a new row's as it is."""
    return pre_save in _AUTO_NOW and not field.editable


def _own(field: Field, names: Iterable[str]) -> Iterable[str]:
    """The methods of these names that are none of Django's, each once."""
    for name in names:
        owner = next((each for each in type(field).__mro__ if name in vars(each)), None)
        if owner is not None and not owner.__module__.startswith("django."):
            yield f"{callable_path(owner)}.{name}"


def _descriptor(field: Field) -> str | None:
    """The class of the attribute that rows have for the column, if it is none of Django's."""
    found: Any = inspect.getattr_static(field.model, field.attname, None)
    path = None if found is None else callable_path(type(found))
    return None if path is None or path.startswith(("django.", *_AS_THEY_ARE)) else path


def _of_attribute(field: Field, name: str = "") -> Iterable[str]:
    """The class of the files of a column, if it is none of Django's; with a `name` only if it has one of its own."""
    cls: Any = field.attr_class if isinstance(field, FileField) else object
    if not cls.__module__.startswith(("django.", "builtins", *_AS_THEY_ARE)):
        owner = next((each for each in cls.__mro__ if name in vars(each)), cls)
        if not name or not owner.__module__.startswith("django."):
            yield callable_path(cls)
