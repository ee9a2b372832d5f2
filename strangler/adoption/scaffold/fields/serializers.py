"""The serializers of a feature as code, each with its fields and those within it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.code import Code, call, quoted, texts
from strangler.adoption.scaffold.fields.column_fields import ColumnFields
from strangler.adoption.scaffold.fields.computed_fields import COMPUTED, ComputedFields
from strangler.adoption.scaffold.fields.declared_fields import labels, own_messages
from strangler.adoption.scaffold.fields.relation_fields import RelationFields
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer, serializer_name
from strangler.adoption.scaffold.numbers import is_float
from strangler.adoption.scaffold.parents import RowParents
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake
from strangler.adoption.serializer_facts import ComputedValue, SerializerFacts, SerializerField, UniqueTogether

_HYPERLINKED: Final = frozenset({"HyperlinkedIdentityField", "HyperlinkedRelatedField"})
_RELATED: Final = frozenset({"PrimaryKeyRelatedField", "SlugRelatedField", "StringRelatedField"})
_UNPORTED: Final = "strangler_fastapi.drf.unported"
_FILES: Final = ("rest_framework.fields.FileField", "rest_framework.fields.ImageField")
_RULES: Final = "strangler_fastapi.drf.rules"
_NOT_UNIQUE: Final = "The fields {field_names} must make a unique set."
# Methods and properties of DRF's serializers that only bodies call.
_OF_BODIES: Final = frozenset(
    {
        *("_read_only_defaults", "_writable_fields", "create", "default_error_messages", "errors", "get_initial"),
        *("get_value", "is_valid"),
        *("run_validation", "run_validators", "save", "to_internal_value", "update", "validated_data"),
    }
)
_NESTED_FIELDS: Final = "strangler_fastapi.drf.fields.nested_fields"


class Serializers:
    """The serializers of one feature, each written once; `tables` learns which columns they need.

    Addresses in answers begin with Django's `prefix`.
    """

    def __init__(
        self, tables: Tables, settings: DjangoSettings, authenticators: Authenticators, prefix: str = ""
    ) -> None:
        self._tables = tables
        self._authenticators = authenticators
        self._columns = ColumnFields(tables, settings)
        self._computed = ComputedFields(tables, authenticators.users_table)
        self._relations = RelationFields(tables, prefix)
        self._written: dict[tuple[Any, ...], WrittenSerializer] = {}

    @property
    def written(self) -> list[WrittenSerializer]:
        """All of them; one that another holds comes first."""
        return list(self._written.values())

    def write(
        self,
        facts: SerializerFacts,
        *,
        within: str = "",
        annotated: Mapping[str, list[Any]] = MappingProxyType({}),
        taken: bool = True,
    ) -> WrittenSerializer:
        """The serializer as code; `within` is the title of the one that holds it, `annotated` what its rows have, too.

        One that is not `taken` is never read from a body, and needs none of its rules.

        :raises UnreadableError: it is no serializer of a model, or its table isn't in the contract.
        """
        shown = frozenset(each.source for each in facts.fields) & {*annotated}
        flags = frozenset(name for name in shown if annotated[name][0] == "matches")
        floats = frozenset(name for name in shown if is_float(annotated[name]))
        key = (
            facts.path,
            tuple(each.name for each in facts.fields),
            within,
            shown,
            flags,
            floats,
            taken,
            str(facts.rows),
        )
        if key in self._written:
            return self._written[key]
        name = serializer_name(facts)
        if facts.table is None:
            raise UnreadableError(f"{facts.path.rpartition('.')[2]} is no serializer of a model")
        title = within + name
        there = {each.constant for each in self._written.values()}
        constants = (f"{snake(title)}{number}_serializer".upper() for number in ("", *range(2, 100)))
        constant = next(each for each in constants if each not in there)
        made = WrittenSerializer(
            facts,
            constant,
            self._tables.use(facts.table),
            title,
            annotated=shown,
            flags=flags,
            floats=floats,
            is_within=bool(within),
        )
        for each in facts.fields:
            self._add(made, facts.table, each)
        made.reads += [f"serializer {name}: {method} is your own" for method in facts.overridden if _reads(method)]
        whose = dict.fromkeys(facts.nested_writes, "that of drf-writable-nested")
        made.methods = {
            method: f"serializer {name}: {method} is {whose.get(method, 'your own')}"
            for method in facts.overridden
            if not _reads(method)
        }
        if facts.creates and "create" not in made.methods:
            made.methods["create"] = f"serializer {name}: {facts.creates} is your own"
        made.writes += [f"serializer {name}: {validator}" for validator in facts.validators]
        if taken:
            made.rules += [self._unique_together(made, facts.table, each) for each in facts.unique_together]
            parents = RowParents(facts.table, self._tables, self._authenticators, made.imports)
            try:
                made.rules += map(parents.rule, facts.rows)
            except UnreadableError as gap:
                made.writes.append(f"serializer {name}: validate: {gap}")
        self._written[key] = made
        return made

    def _unique_together(self, made: WrittenSerializer, table: str, rule: UniqueTogether) -> Code:
        """A rule about values that are unique together."""
        names = [name for name, _source in rule.fields]
        columns = [self._tables.column_of(table, source)[0] for _name, source in rule.fields]
        self._tables.use(table, *columns)
        attributes = [self._tables.attribute_of(table, column) for column in columns]
        made.imports.setdefault(_RULES, set()).add("UniqueTogetherValidator")
        message = None if rule.message == _NOT_UNIQUE else quoted(rule.message)
        keys = None if names == attributes else texts(names)
        return call("UniqueTogetherValidator", made.model, texts(attributes), message=message, keys=keys)

    def _add(self, made: WrittenSerializer, table: str, each: SerializerField) -> None:
        try:
            made.fields[each.name] = self._field(made, table, each)
        except UnreadableError as gap:
            # What nobody reads is no gap of an answer.
            (made.writes if each.write_only else made.reads).append(f"field {each.name}: {gap}")

    def _field(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        if each.computed and each.many:
            link, _ = self._relations.link(made, table, each)
            related = self._relations.table_of_many(table, each)
            return self._computed.field(made, related, each, each.computed, link=link)
        if each.computed and each.method:
            return self._by_method(made, table, each, each.computed)
        if each.computed:
            return self._computed.field(made, table, each, each.computed)
        if each.method:
            return self._shown(made, table, each) if each.serializer else self._method(made, each)
        if each.property:
            written = "as an SQL expression in `annotations` of the Resource, or as a SerializerMethodField"
            raise UnreadableError(f"{each.property} is Python: write it {written}")
        if each.kind in _HYPERLINKED and each.path.startswith("rest_framework."):
            return self._relations.hyperlink(made, table, each)
        if each.serializer is not None:
            return self._nested(made, table, each)
        if each.path == "rest_framework.fields.HiddenField" and each.caller_default:
            return self._columns.caller(made, table, each)
        if each.kind in _RELATED and each.changed is None:
            return self._relations.related(made, table, each)
        if each.changed is None and (each.base64 or each.path in _FILES):
            return self._columns.file(made, table, each)
        if each.changed is None or self._columns.is_key_column(table, each):
            return self._columns.declared(made, table, each)
        if each.many and each.link is not None:
            return self._relations.many(made, table, each)
        return self._columns.column(made, table, each)

    def _by_method(self, made: WrittenSerializer, table: str, each: SerializerField, value: ComputedValue) -> Code:
        """What a method makes of columns; a function to fill in where those can't be used."""
        try:
            return self._computed.field(made, table, each, value)
        except UnreadableError:
            return self._method(made, each)

    def _method(self, made: WrittenSerializer, each: SerializerField) -> Code:
        """A field that a method of the project's own computes: a function to fill in."""
        name = f"{snake(made.title)}_{each.name}"
        made.functions[name] = f"field {each.name}: computed by {each.method}"
        made.imports.setdefault(COMPUTED, set()).add("SerializerMethodField")
        made.imports.setdefault(_UNPORTED, set()).add("unported")
        return call("SerializerMethodField", method=name, **labels(each))

    def _shown(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """Rows that a method shows by another serializer; a function to fill in where those can't be written."""
        try:
            return self._nested(made, table, each)
        except UnreadableError:
            return self._method(made, each)

    def _nested(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        assert each.serializer is not None  # noqa: S101 - the caller has looked
        # Rows within are answered as items of a list are, but for one that a method shows.
        shown = each.serializer.answering("retrieve" if each.method and not each.many else "list")
        inner = self.write(shown, within=made.title, taken=not each.read_only)
        if inner.reads:
            raise UnreadableError(f"its serializer has gaps ({'; '.join(inner.reads)})")
        link, null = self._relations.link(made, table, each)
        made.within.append(inner)
        made.imports.setdefault(_NESTED_FIELDS, set()).add("NestedField")
        if each.read_only:
            flags: dict[str, Code] = {"allow_null": "True"} if null else {}
            flags |= {"by_method": "True"} if each.method else {}
            return call("NestedField", children=inner.constant, link=link, **flags, **labels(each))
        made.taken.append(each.name)
        made.writes += [f"field {each.name}: {gap}" for gap in _taken_gaps(each, inner)]
        given = _taken(each) | labels(each) | own_messages(each)
        return call("NestedField", children=inner.constant, link=link, **given)


def _taken(each: SerializerField) -> dict[str, Code]:
    """The arguments of rows within that a body may have."""
    flags_of_many = {"allow_empty": each.allow_empty, "errors_as_dict": each.errors_as_dict} if each.many else {}
    many: dict[str, Code] = {name: "False" for name, flag in flags_of_many.items() if not flag}
    bounds = {"min_length": each.min_length, "max_length": each.max_length} if each.many else {}
    flags = {"required": "False" if not each.required else None, "allow_null": "True" if each.allow_null else None}
    given = {name: str(bound) for name, bound in bounds.items() if bound is not None}
    return {"read_only": "False"} | {name: code for name, code in flags.items() if code is not None} | many | given


def _taken_gaps(each: SerializerField, inner: WrittenSerializer) -> Iterator[str]:
    """What of rows within can't be validated."""
    yield from inner.body_gaps()
    if each.serializer is not None and each.serializer.answers is not None:
        yield f"serializer {inner.name} answers by another"
    if each.default is not None:
        yield "has a default of its own"
    if each.many and each.validators:
        yield f"checked by {', '.join(each.validators)}"


def _reads(method: str) -> bool:
    """Whether an answer depends on a method of a serializer, as on any that only bodies don't call."""
    return method not in _OF_BODIES and not method.startswith("validate")
