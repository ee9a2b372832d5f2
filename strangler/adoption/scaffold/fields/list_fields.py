"""Lists that a project declared, of an array's values or of those in JSON, as code."""

from collections.abc import Iterator, Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.scaffold.code import Code, Items, call, quoted
from strangler.adoption.scaffold.column_kinds import is_known, is_usual
from strangler.adoption.scaffold.fields.declared_fields import is_taken, labels, own_messages, taken_field, taken_gaps
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import SerializerField

_MODULE: Final = "strangler_fastapi.drf.fields.collection_fields"
# Fields whose values are JSON's own, each with a kind of column that has such values.
_IN_JSON: Final[Mapping[str, str]] = {
    **dict.fromkeys(("CharField", "EmailField", "SlugField", "URLField"), "TextField"),
    **{name: name for name in ("BooleanField", "FloatField", "IntegerField")},
}


def list_field(
    made: WrittenSerializer, table: str, each: SerializerField, tables: Tables, settings: DjangoSettings
) -> Code:
    """A `ListField` of a column of the table.

    :raises UnreadableError: the column has no such values, or DRF shows them otherwise than the library does.
    """
    name, facts = tables.column_of(table, each.source)
    if each.source in made.annotated or not (facts.kind == "JSONField" or (facts.items and is_known(facts))):
        raise UnreadableError(f"a ListField of a {facts.kind}")
    tables.use(table, name)
    gaps = [f"written by {facts.written_by[0]}"] if facts.written_by else []
    gaps += _gaps(each)
    attribute = tables.attribute_of(table, name)
    given: dict[str, Code] = {"source": quoted(attribute)} if attribute != each.name else {}
    named = given | labels(each) | own_messages(each)
    code = _list(made, each, facts, settings, gaps, **named)
    if not gaps or each.read_only:
        return code
    made.writes += [f"field {each.name}: {gap}" for gap in dict.fromkeys(gaps)]
    return _list(made, each.model_copy(update={"read_only": True}), facts, settings, gaps, **named)


def _list(
    made: WrittenSerializer,
    each: SerializerField,
    facts: ColumnFacts,
    settings: DjangoSettings,
    gaps: list[str],
    **named: Code,
) -> Code:
    """The list with what its values are; `gaps` learns what of those isn't checked."""
    child, items = each.child, facts.items
    assert child is not None  # noqa: S101 - the callers have looked
    if child.child is not None:
        inner = facts if items is None else items
        if items is not None and items.items is None:
            raise UnreadableError(f"a ListField of a {items.kind}")
        gaps += _gaps(child)
        code = _list(made, child, inner, settings, gaps)
    else:
        wanted = items or facts.model_copy(update={"kind": _IN_JSON.get(child.kind, "")})
        if not is_taken(child, wanted) or not is_usual(wanted, child, settings):
            raise UnreadableError(f"a list of {child.kind} of a {wanted.kind or facts.kind}")
        gaps += taken_gaps(child)
        texts = {**labels(child), **own_messages(child), **_shortened(child, items, made.imports)}
        code = taken_field(child, made.model, "", texts, made.imports)
    made.imports.setdefault(_MODULE, set()).add("ListField")
    default = "list" if each.empty_default else quoted(each.default)
    has_default = "default" in each.model_fields_set and (each.default != "callable" or each.empty_default)
    bounds = {"min_length": each.min_length, "max_length": each.max_length}
    flags: dict[str, Code] = {"read_only": "True"} if each.read_only else {}
    flags |= {} if each.required or each.read_only or has_default else {"required": "False"}
    flags |= {name: "True" for name in ("write_only", "allow_null") if getattr(each, name)}
    flags |= {} if each.allow_empty else {"allow_empty": "False"}
    flags |= {name: str(bound) for name, bound in bounds.items() if bound is not None}
    flags |= {"default": default} if has_default and not each.read_only else {}
    return call("ListField", child=code, **flags, **named)


def _shortened(child: SerializerField, column: ColumnFacts | None, imports: dict[str, set[str]]) -> dict[str, Code]:
    """What refuses texts that are longer than the column's: PostgreSQL would shorten them, Django fails with 500."""
    most = None if column is None else column.max_length
    if most is None or (child.max_length is not None and child.max_length <= most):
        return {}
    imports.setdefault("strangler_fastapi.drf.validators", set()).add("at_most")
    return {"validators": Items("()", (call("at_most", str(most)),))}


def _gaps(each: SerializerField) -> Iterator[str]:
    """What of a list itself can't be written."""
    bounds = {"MaxLengthValidator": each.max_length, "MinLengthValidator": each.min_length}
    left = [name for name in each.validators if bounds.get(name) is None]
    if left:
        yield f"checked by {', '.join(left)}"
    if each.default == "callable" and not each.empty_default:
        yield "has a default of its own"
