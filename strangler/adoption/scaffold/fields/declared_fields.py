"""Fields of DRF's own classes that a project declared, and that take the value of one column, as code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.scaffold.code import Call, Code, Items, call, dictionary, quoted
from strangler.adoption.serializer_facts import SerializerField

_TEXTS: Final = frozenset({"CharField", "SlugField", "TextField"})
_NUMBERS: Final = frozenset(f"{sign}{size}IntegerField" for sign in ("", "Positive") for size in ("", "Small", "Big"))
_OF_TEXTS: Final = ("ProhibitNullCharactersValidator", "ProhibitSurrogateCharactersValidator")
# Arguments that follow from a validator which the field has by itself.
_BOUNDS: Final = {
    "max_length": "MaxLengthValidator",
    "min_length": "MinLengthValidator",
    "max_value": "MaxValueValidator",
    "min_value": "MinValueValidator",
}
_UNIQUE: Final = "UniqueValidator"
_DRF: Final = "strangler_fastapi.drf"


@dataclass(frozen=True)
class _Kind:
    """Where a class is, the kinds of columns whose values it takes, and the validators that all of its fields have."""

    module: str
    columns: frozenset[str]
    validators: tuple[str, ...] = ()


_KINDS: Final[Mapping[str, _Kind]] = {
    "BooleanField": _Kind("fields", frozenset({"BooleanField"})),
    "CharField": _Kind("fields", _TEXTS, _OF_TEXTS),
    "DateField": _Kind("time_fields", frozenset({"DateField"})),
    "DateTimeField": _Kind("time_fields", frozenset({"DateTimeField"})),
    "EmailField": _Kind("text_fields", _TEXTS, (*_OF_TEXTS, "EmailValidator")),
    "FloatField": _Kind("number_fields", frozenset({"FloatField"})),
    "IntegerField": _Kind("number_fields", _NUMBERS),
    "JSONField": _Kind("collection_fields", frozenset({"JSONField"})),
    "SlugField": _Kind("text_fields", _TEXTS, (*_OF_TEXTS, "RegexValidator")),
    "TimeField": _Kind("time_fields", frozenset({"TimeField"})),
    "URLField": _Kind("text_fields", _TEXTS, (*_OF_TEXTS, "URLValidator")),
}


def is_taken(each: SerializerField, facts: ColumnFacts) -> bool:
    """Whether it is such a field of such a column."""
    kind = _KINDS.get(each.kind)
    is_drfs = each.path == f"rest_framework.fields.{each.kind}" and not each.many
    return is_drfs and kind is not None and facts.kind in kind.columns and facts.references is None


def taken_gaps(each: SerializerField) -> Iterator[str]:
    """What of it can't be written."""
    left = [*each.validators]
    bounds = [name for bound, name in _BOUNDS.items() if getattr(each, bound) is not None]
    for name in (*_KINDS[each.kind].validators, *bounds, *((_UNIQUE,) if each.unique_message else ())):
        if name in left:
            left.remove(name)
    if each.coded:
        yield "JSON by an encoder or a decoder of your own"
    if left:
        yield f"checked by {', '.join(left)}"
    if each.default == "callable":
        yield "has a default of its own"


def taken_field(
    each: SerializerField, model: str, attribute: str, named: Mapping[str, Code], imports: dict[str, set[str]]
) -> Call:
    """The field; `attribute` is that of the class `model`, `named` are its texts and formats."""
    imports.setdefault(f"{_DRF}.fields.{_KINDS[each.kind].module}", set()).add(each.kind)
    has_default = "default" in each.model_fields_set
    given: dict[str, Code] = {} if each.required or has_default else {"required": "False"}
    flags = ("write_only", "allow_null", "allow_blank", "allow_unicode", "binary")
    given |= {name: "True" for name in flags if getattr(each, name)}
    if not each.trim_whitespace:
        given["trim"] = "False"
    given |= {name: quoted(bound) for name in _BOUNDS if (bound := getattr(each, name)) is not None}
    if has_default:
        given["default"] = quoted(each.default)
    if attribute != each.name:
        given["source"] = quoted(attribute)
    if each.unique_message:
        imports.setdefault(f"{_DRF}.validators", set()).add("Unique")
        unique = call("Unique", model, quoted(attribute), quoted(each.unique_message))
        given["validators"] = Items("()", (unique,))
    return call(each.kind, **given, **named)


def labels(each: SerializerField, column: ColumnFacts | None = None) -> dict[str, Code]:
    """The label and the help text, where the project gave them or they are others than DRF makes of the name.

    A `column` is the one whose `verbose_name` a declared field would have here, and has not in Django.
    """
    made: dict[str, Code] = {}
    usual = column.verbose_name[:1].upper() + column.verbose_name[1:] if column is not None else ""
    if not usual or (column is not None and usual == column.field.replace("_", " ").capitalize()):
        usual = each.name.replace("_", " ").capitalize()
    if each.label and (each.labelled or each.label != usual):
        made["label"] = quoted(each.label)
    if each.help_text:
        made["help_text"] = quoted(each.help_text)
    return made


def own_messages(each: SerializerField) -> dict[str, Code]:
    """The project's own texts of errors; nothing of a field that takes no value."""
    if each.read_only or not each.error_messages:
        return {}
    return {"error_messages": dictionary({code: quoted(text) for code, text in each.error_messages.items()})}
