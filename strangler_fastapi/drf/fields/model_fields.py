"""Fields of a body that DRF's ModelSerializer would make of a column, from the contract.

`ModelSerializer.build_standard_field` and `rest_framework.utils.field_mapping.get_field_kwargs` say how.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared_schema.contract.contract import ColumnFacts, Contract
from shared_schema.contract.values import BIGGEST, as_column
from shared_schema.mapping import Reflected
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import HStoreField, JSONField, ListField
from strangler_fastapi.drf.fields.fields import BooleanField, CharField, Field, ReadOnlyField, Validator
from strangler_fastapi.drf.fields.file_fields import FileField, ImageField, registered_upload_to
from strangler_fastapi.drf.fields.hyperlinks import HyperlinkedRelatedField
from strangler_fastapi.drf.fields.model_validators import EMAIL, PROTOCOLS, URL, column_checks, is_slug, limit_arguments
from strangler_fastapi.drf.fields.number_fields import DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.range_fields import RangeField
from strangler_fastapi.drf.fields.relations import ManyRelatedField, PrimaryKeyRelatedField, SlugRelatedField
from strangler_fastapi.drf.fields.storage import storage_of
from strangler_fastapi.drf.fields.text_fields import EmailField, IPAddressField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.links import ForeignKey, attribute_of, many_to_many
from strangler_fastapi.drf.validators import Unique, same_lengths

_CLASSES: Final[Mapping[str, type[Field]]] = {
    "ArrayField": ListField,
    "BigIntegerField": IntegerField,
    "BigIntegerRangeField": RangeField,
    "BooleanField": BooleanField,
    "CharField": CharField,
    "DateField": DateField,
    "DateRangeField": RangeField,
    "DateTimeField": DateTimeField,
    "DateTimeRangeField": RangeField,
    "DecimalField": DecimalField,
    "DecimalRangeField": RangeField,
    "DurationField": DurationField,
    "FloatField": FloatField,
    "GenericIPAddressField": IPAddressField,
    "HStoreField": HStoreField,
    "IntegerField": IntegerField,
    "IntegerRangeField": RangeField,
    "JSONField": JSONField,
    "PositiveBigIntegerField": IntegerField,
    "PositiveIntegerField": IntegerField,
    "PositiveSmallIntegerField": IntegerField,
    "SlugField": SlugField,
    "SmallIntegerField": IntegerField,
    "TextField": CharField,
    "TimeField": TimeField,
    "UUIDField": UUIDField,
}
_WRITTEN: Final = (DecimalField, DurationField, ListField, RangeField)
_READ_ONLY: Final = {"DateTimeField": "datetime", "DateField": "date", "TimeField": "time"}
# Arguments by which a value is answered otherwise than it is; a key of the answer alone needs a field of its kind then.
_SHOWN: Final = frozenset({"default_timezone", "format", "coerce_to_string"})
# Arguments that DRF leaves out of such a field (`ModelSerializer.include_extra_kwargs`).
_OF_BODIES: Final = frozenset({"allow_blank", "max_length", "min_length", "max_value", "min_value"})


def column_facts(model: type[Reflected], column: str, contract: Contract | None = None) -> ColumnFacts:
    """What the contract, that of the model's mapping where none is given, says of a column.

    Raises:
        LookupError: it has none of that name.
    """
    table = model.__table_key__
    facts = (contract or model.__mapping__.contract).tables.get(table)
    if facts is None or column not in facts.columns:
        raise LookupError(
            f"Column {table}.{column} is not in the contract: name one that is, or export the schema again."
        )
    return facts.columns[column]


def model_fields(model: type[Reflected], *columns: str, contract: Contract | None = None) -> dict[str, Field]:
    """The fields of several columns, by the names that Django's fields have; see `model_field`."""
    return {
        column_facts(model, column, contract).field: model_field(model, column, contract=contract) for column in columns
    }


def model_field(
    model: type[Reflected],
    column: str,
    *,
    into: type[Field] | None = None,
    contract: Contract | None = None,
    **changed: Any,  # noqa: ANN401 - as the field has it
) -> Field:
    """The field of a column of `model`; `into` is its class where that is one's own, `changed` what is otherwise.

    That of a foreign key takes keys of a table of the same mapping.

    Raises:
        LookupError: there is no field for such a column, no class for the table that it points at, or no validator.
    """
    name = f"{model.__table_key__}.{column}"
    facts = column_facts(model, column, contract)
    attribute = attribute_of(model, column)
    common: dict[str, Any] = {
        "label": _label(facts),
        "of_column": True,
        "source": None if attribute == facts.field else attribute,
    }
    if facts.read_only and into is None:
        changed = {"read_only": True} | changed
    if facts.takes_no_value:
        if _SHOWN.isdisjoint(changed):
            given = {"type": _READ_ONLY.get(facts.kind, "integer"), "allow_null": facts.null}
            return ReadOnlyField(**(common | given | changed))
        changed = changed | {"read_only": True}
    own = facts.read_by or (() if changed.get("read_only") else facts.written_by)
    if own and into is None:
        raise LookupError(f"Values of column {name} are made by {own[0]}: pass the class of a field as `into`.")
    kind = _class(facts, name) if into is None else into
    if issubclass(kind, FileField):
        common |= _file_settings(kind, facts, name, written=not changed.get("read_only"))
    elif changed.get("read_only"):
        # These are written by their field, or OPTIONS has the digits of a decimal, and the items of an array.
        if _SHOWN.isdisjoint(changed) and not issubclass(kind, _WRITTEN):
            return ReadOnlyField(**(common | {"type": kind.kind, "allow_null": facts.null} | changed))
        settings = {key: value for key, value in _settings(kind, facts, name).items() if key not in _OF_BODIES}
        return kind(**(common | settings | {"required": False, "allow_null": facts.null} | changed))
    if issubclass(kind, PrimaryKeyRelatedField):
        common |= _relation(model, column, facts)
    is_nested = facts.items is not None and facts.items.items is not None
    checks: Iterable[Validator] = ()
    if not changed.get("read_only"):
        checks = (*column_checks(facts, name), *((same_lengths,) if is_nested else ()), *_unique(model, column, facts))
    common |= {"required": _is_required(facts), "allow_null": facts.null, "validators": checks}
    return kind(**(common | _settings(kind, facts, name) | changed))


def many_related_field(
    model: type[Reflected],
    field: str,
    *,
    path: str | None = None,
    slug_field: str | None = None,
    **changed: Any,  # noqa: ANN401 - as above
) -> ManyRelatedField:
    """The field of a many-to-many relation of `model`, by the name that Django's field has.

    Rows are named by their keys; with the `path` of one of them by their addresses, with a `slug_field` by that
    attribute of theirs, a unique one.

    Raises:
        LookupError: see `links.many_to_many`.
    """
    link = many_to_many(model, field)
    texts = {"error_messages": changed["error_messages"]} if "error_messages" in changed else {}
    if slug_field is not None:
        # Each of the rows is found as one that a foreign key points at is.
        by_slug = SlugRelatedField(link=ForeignKey("", link.target, link.key), slug_field=slug_field, **texts)
        return ManyRelatedField(link=link, child=by_slug, **changed)
    facts = column_facts(link.target, link.target.__columns__.get(link.key, link.key))
    named: dict[str, Any] = {"model": link.target, "key": link.key, "type": facts.type} | texts
    child = PrimaryKeyRelatedField(**named) if path is None else HyperlinkedRelatedField(path=path, **named)
    return ManyRelatedField(link=link, child=child, **changed)


def _relation(model: type[Reflected], column: str, facts: ColumnFacts) -> dict[str, Any]:
    """Which rows a foreign key points at."""
    target = facts.references
    assert target is not None  # noqa: S101 - only a foreign key is of that class
    related = model.__mapping__.class_of(target.table)
    if related is None:
        raise LookupError(
            f"Column {model.__table_key__}.{column} points at {target.table}, for which the mapping has no class:"
            " add one."
        )
    return {"model": related, "key": attribute_of(related, target.column), "type": facts.type}


def _class(facts: ColumnFacts, name: str) -> type[Field]:
    if facts.kind == "ArrayField" and (facts.items is None or facts.choices is not None):
        hint = "DRF takes no array with choices: pass the class of a field as `into`"
        hint = hint if facts.items else "export the schema again, for the facts of its values"
        raise LookupError(f"Column {name} is an array that has no field here: {hint}.")
    if facts.items is not None and facts.items.kind == "JSONField":
        hint = "its lists would be taken for arrays within the array: pass the class of a field as `into`"
        raise LookupError(f"Column {name} is an array of JSON, which has no field here: {hint}.")
    if facts.references is not None:
        return PrimaryKeyRelatedField
    if facts.file is not None:
        return ImageField if facts.file.image else FileField
    if facts.choices is not None:
        return ChoiceField
    if any(validator.name == EMAIL for validator in facts.validators):
        return EmailField
    if any(validator.name == URL for validator in facts.validators):
        return URLField
    kind = _CLASSES.get(facts.kind)
    if kind is None:
        raise LookupError(f"Column {name} is a {facts.kind}, which has no field here: pass the class of one as `into`.")
    return kind


def _file_settings(kind: type[Field], facts: ColumnFacts, name: str, *, written: bool) -> dict[str, Any]:
    """Where the files of a column are kept, and under which names."""
    file = facts.file
    if file is None:
        raise LookupError(f"Column {name} has no facts of its files in the contract: export the schema again.")
    path = file.upload_to_callable
    settings: dict[str, Any] = {
        "storage": storage_of(file.storage, name),
        "upload_to": registered_upload_to(path, name) if path is not None and written else file.upload_to,
        "time_zone": UTC if file.time_zone == "UTC" else ZoneInfo(file.time_zone),
        "max_length": facts.max_length,
        "stored_length": facts.max_length,
    }
    if issubclass(kind, ImageField):
        settings |= {"width_field": file.width_field, "height_field": file.height_field}
    return settings


def _is_required(facts: ColumnFacts) -> bool:
    # A text without a default is "" to Django, and still required.
    has_default = facts.default_callable is not None or (facts.has_default and facts.default != "")
    return not (has_default or facts.blank or facts.null)


def _item(facts: ColumnFacts, name: str) -> Field:
    """The field of each value of an array, as DRF makes that of a column which is called `child`."""
    kind = _class(facts, f"{name}[]")
    label = facts.verbose_name[:1].upper() + facts.verbose_name[1:]
    common: dict[str, Any] = {"label": None if label == "Child" else label or None, "required": _is_required(facts)}
    checks = (*column_checks(facts, f"{name}[]"),)
    common |= {"allow_null": facts.null, "validators": checks, "help_text": facts.help_text or None}
    return kind(**(common | _settings(kind, facts, name)))


def _settings(kind: type[Field], facts: ColumnFacts, name: str) -> dict[str, Any]:
    """What only fields of that class have."""
    settings: dict[str, Any] = {}
    if issubclass(kind, ListField) and facts.items is not None:
        settings |= {"child": _item(facts.items, name), "allow_empty": facts.blank}
    if issubclass(kind, CharField | ChoiceField):
        settings["allow_blank"] = facts.blank
    if issubclass(kind, CharField):
        settings["max_length"] = facts.max_length
        settings["min_length"] = limit_arguments(facts).get("min_length")
    elif issubclass(kind, ChoiceField):
        choices = facts.choices or ()
        names = facts.choice_names or map(str, choices)
        settings["choices"] = {as_column(each, facts.type): name for each, name in zip(choices, names, strict=True)}
    elif issubclass(kind, DecimalField):
        settings |= {"max_digits": facts.max_digits, "decimal_places": facts.decimal_places} | limit_arguments(facts)
    elif issubclass(kind, RangeField):
        settings["type"] = facts.type
    elif issubclass(kind, DurationField | FloatField):
        settings |= limit_arguments(facts)
    elif issubclass(kind, IntegerField):
        most = BIGGEST[facts.type]
        bounds = {"min_value": 0 if facts.kind.startswith("Positive") else -most - 1, "max_value": most}
        settings |= bounds | limit_arguments(facts)
    if issubclass(kind, IPAddressField):
        found = (PROTOCOLS[validator.name] for validator in facts.validators if validator.name in PROTOCOLS)
        settings |= {"protocol": next(found, "both"), "max_length": None}
    if issubclass(kind, SlugField):
        settings["allow_unicode"] = not any(is_slug(validator) for validator in facts.validators)
    return settings


def _unique(model: type[Reflected], column: str, facts: ColumnFacts) -> tuple[Validator, ...]:
    message = facts.unique_message
    if message is None:
        return ()
    return tuple(Unique(model, attribute_of(model, column), message, where) for where in facts.unique_where or (None,))


def _label(facts: ColumnFacts) -> str | None:
    """The verbose name, where it says more than the field's own."""
    label = facts.verbose_name[:1].upper() + facts.verbose_name[1:]
    return None if label == facts.field.replace("_", " ").capitalize() else label or None
