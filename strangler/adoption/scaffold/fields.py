"""Serializers as code of strangler_fastapi, and what of them can't be written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import SerializerFacts, SerializerField
from strangler.adoption.scaffold.code import Call, Code, call, dictionary, quoted, statement, texts
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake

# The kinds of columns that `strangler_fastapi.drf.model_fields` makes a field of.
_KINDS: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "SmallAutoField", "BigIntegerField", "BooleanField", "CharField", "DateField"),
        *("DateTimeField", "DecimalField", "FloatField", "IntegerField", "JSONField", "PositiveBigIntegerField"),
        *("PositiveIntegerField", "PositiveSmallIntegerField", "SlugField", "SmallIntegerField", "TextField"),
        *("TimeField", "UUIDField", "FileField", "DurationField", "GenericIPAddressField"),
    }
)
_VALIDATORS: Final = frozenset(
    {
        "django.contrib.auth.validators.UnicodeUsernameValidator",
        *(
            f"django.core.validators.{name}Validator"
            for name in (
                *("Email", "FileExtension", "MaxLength", "MaxValue", "MinLength", "MinValue"),
                *("ProhibitNullCharacters", "Regex", "URL"),
            )
        ),
        *(f"django.core.validators.validate_{name}_address" for name in ("ipv4", "ipv6", "ipv46")),
    }
)
# Arguments of DRF's fields that `model_field` takes under the same name.
_ARGUMENTS: Final = frozenset(
    {
        "read_only",
        "write_only",
        "required",
        "allow_null",
        "allow_blank",
        "allow_empty_file",
        "use_url",
        "max_length",
        "min_length",
        "label",
        "help_text",
    }
)
# Arguments that say how a value is written and read, which the facts of a field have whole.
_FORMATS: Final = frozenset({"format", "input_formats", "coerce_to_string", "default_timezone"})
_ISO: Final = "iso-8601"
# Callables whose value the service makes by itself (`shared_schema.contract.callables`).
_CALLABLES: Final = ("builtins.", "uuid.", "datetime.", "django.utils.timezone.now")
# The storage of files of which the contract says all.
_FILE_SYSTEM: Final = "django.core.files.storage.filesystem.FileSystemStorage"
# Fields that show a column as it is, with the kinds of columns of which that is true, and what OPTIONS calls them.
_RELATED: Final = frozenset({"PrimaryKeyRelatedField", "SlugRelatedField", "StringRelatedField"})
_SHOWN: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "BooleanField": ("boolean", frozenset({"BooleanField"})),
    "CharField": ("string", frozenset({"CharField", "SlugField", "TextField"})),
    "DateField": ("date", frozenset({"DateField"})),
    "DateTimeField": ("datetime", frozenset({"DateTimeField"})),
    "EmailField": ("email", frozenset({"CharField"})),
    "FloatField": ("float", frozenset({"FloatField"})),
    "IntegerField": (
        "integer",
        frozenset({kind for kind in _KINDS if "Integer" in kind or kind.endswith("AutoField")}),
    ),
    "ReadOnlyField": ("field", _KINDS - {"DecimalField", "FileField"}),
    "UUIDField": ("string", frozenset({"UUIDField"})),
}


@dataclass
class WrittenSerializer:
    """A serializer as code.

    `reads` are the gaps of what it answers, `writes` those of what it takes, `methods` those of the project's own
    methods that take it. `functions` are gaps by the names of functions that are to be filled in, and `within` the
    serializers in it. `annotations` are columns of other rows that it shows, by name → path. `imports` are names of
    strangler_fastapi by module.
    """

    facts: SerializerFacts
    constant: str
    model: str
    title: str
    fields: dict[str, Code] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    methods: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    within: list["WrittenSerializer"] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)

    def function_gaps(self) -> list[str]:
        """The gaps that functions fill in, those of the serializers within too."""
        return [*self.functions.values(), *(gap for each in self.within for gap in each.function_gaps())]

    def write_gaps(self, action: str) -> list[str]:
        """The gaps of an action that takes it."""
        if action not in _OTHER:
            return []
        return [*self.writes, *(gap for method, gap in self.methods.items() if method != _OTHER[action])]

    def text(self) -> str:
        """The assignment of its constant."""
        codes = list(self.fields.values())
        columns = [code.arguments[1] for code in codes if isinstance(code, Call) and _is_plain(code)]
        value: Code = dictionary(self.fields)
        if codes and len(columns) == len(codes):
            self.imports[_MODEL_FIELDS] = {"model_fields"}
            value = call("model_fields", self.model, *columns)
        text = statement(self.constant, call("Serializer", quoted(self.title), value))
        if not self.functions:
            return text
        self.imports |= {"collections.abc": {"Mapping"}, "typing": {"Any"}}
        written = "\n\n".join(self._function(name, gap) for name, gap in self.functions.items())
        return f"\n\n{written}\n\n{text}"

    def _function(self, name: str, gap: str) -> str:
        """A function to fill in, which gets the item that is answered."""
        item = snake(self.model)
        what = f"{self.facts.path.rpartition('.')[2]}, {gap}"
        head = f"@unported({quoted(what)})\ndef {name}({item}: Mapping[str, Any]) -> object:\n"
        field_name = gap.removeprefix("field ").partition(":")[0]
        return f'{head}    """What `{field_name}` is, of the other keys of an answer."""\n'


# The method of a serializer that an action never calls.
_OTHER: Final = {"create": "update", "update": "create", "partial_update": "create"}
_HYPERLINKED: Final = frozenset({"HyperlinkedIdentityField", "HyperlinkedRelatedField"})
_HYPERLINKS: Final = "strangler_fastapi.drf.hyperlinks"
_COMPUTED: Final = "strangler_fastapi.drf.computed_fields"
_UNPORTED: Final = "strangler_fastapi.drf.unported"
_MODEL_FIELDS: Final = "strangler_fastapi.drf.model_fields"
_RELATIONS: Final = "strangler_fastapi.drf.relations"
_LINKS: Final = "strangler_fastapi.drf.links"
_FIELDS: Final = "strangler_fastapi.drf.fields"


class Serializers:
    """The serializers of one feature, each written once; `tables` learns which columns they need.

    Addresses in answers begin with Django's `prefix`.
    """

    def __init__(self, tables: Tables, settings: DjangoSettings, prefix: str = "") -> None:
        self._tables = tables
        self._prefix = prefix
        self._settings = settings
        self._written: dict[tuple[str, tuple[str, ...], str], WrittenSerializer] = {}

    @property
    def written(self) -> list[WrittenSerializer]:
        """All of them; one that another holds comes first."""
        return list(self._written.values())

    def write(self, facts: SerializerFacts, *, within: str = "") -> WrittenSerializer:
        """The serializer as code; `within` is the title of the one that holds it.

        :raises UnreadableError: it is no serializer of a model, or its table isn't in the contract.
        """
        key = (facts.path, tuple(each.name for each in facts.fields), within)
        if key in self._written:
            return self._written[key]
        name = facts.path.rpartition(".")[2].removesuffix("Serializer") or "Rows"
        if facts.table is None:
            raise UnreadableError(f"{facts.path.rpartition('.')[2]} is no serializer of a model")
        title = within + name
        taken = {each.constant for each in self._written.values()}
        constants = (f"{snake(title)}{number}_serializer".upper() for number in ("", *range(2, 100)))
        constant = next(each for each in constants if each not in taken)
        made = WrittenSerializer(facts, constant, self._tables.use(facts.table), title)
        for each in facts.fields:
            self._add(made, facts.table, each)
        made.reads += [f"serializer {name}: {method} is your own" for method in facts.overridden if _reads(method)]
        made.methods = {
            method: f"serializer {name}: {method} is your own" for method in facts.overridden if not _reads(method)
        }
        made.writes += [f"serializer {name} saves no row by itself"] if facts.plain else []
        made.writes += [f"serializer {name}: {validator}" for validator in facts.validators]
        self._written[key] = made
        return made

    def _add(self, made: WrittenSerializer, table: str, each: SerializerField) -> None:
        try:
            made.fields[each.name] = self._field(made, table, each)
        except UnreadableError as gap:
            # What nobody reads is no gap of an answer.
            (made.writes if each.write_only else made.reads).append(f"field {each.name}: {gap}")

    def _field(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        if each.method:
            return self._method(made, each)
        if each.property:
            written = "as an SQL expression in `annotations` of the Resource, or as a SerializerMethodField"
            raise UnreadableError(f"{each.property} is Python: write it {written}")
        if each.kind in _HYPERLINKED and each.path.startswith("rest_framework."):
            return self._hyperlink(made, table, each)
        if each.serializer is not None:
            return self._nested(made, table, each)
        if each.kind in _RELATED and each.changed is None:
            return self._related(made, table, each)
        if each.changed is None:
            return self._declared(made, table, each)
        if each.many:
            return self._many(made, table, each)
        return self._column(made, table, each)

    def _hyperlink(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """The address of the row, or of those that it is linked to."""
        prefix = self._prefix
        if each.address is None or not each.address.startswith(f"{prefix}/"):
            raise UnreadableError(f"a {each.kind} to a path that isn't below the API's prefix")
        if not each.read_only:
            made.writes.append(f"field {each.name}: taken by its address")
        path = quoted(each.address.removeprefix(prefix))
        if each.many:
            if each.lookup != "pk":
                raise UnreadableError(f"addresses of rows by {each.lookup}")
            link, _ = self._link(made, table, each)
            made.imports.setdefault(_HYPERLINKS, set()).add("HyperlinksField")
            return call("HyperlinksField", path=path, link=link, **_labels(each))
        made.imports.setdefault(_HYPERLINKS, set()).add("HyperlinkedField")
        if each.kind == "HyperlinkedIdentityField":
            column, facts = self._tables.column_of(table, each.lookup or "pk")
        else:
            column, facts = self._tables.column_of(table, each.source)
            if each.lookup != "pk" or facts.references is None:
                raise UnreadableError(f"the address of a row by {each.lookup}")
            self._tables.use(facts.references.table, facts.references.column)
        self._tables.use(table, column)
        null = "True" if facts.null else None
        return call("HyperlinkedField", path=path, source=quoted(column), allow_null=null, **_labels(each))

    def _method(self, made: WrittenSerializer, each: SerializerField) -> Code:
        """A field that a method of the project's own computes: a function to fill in."""
        name = f"{snake(made.title)}_{each.name}"
        made.functions[name] = f"field {each.name}: computed by {each.method}"
        made.imports.setdefault(_COMPUTED, set()).add("SerializerMethodField")
        made.imports.setdefault(_UNPORTED, set()).add("unported")
        return call("SerializerMethodField", method=name, **_labels(each))

    def _column(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        name, facts = self._tables.column_of(table, each.source)
        self._require_readable(facts, each)
        self._tables.use(table, name)
        changed = {key: value for key, value in (each.changed or {}).items() if key not in _FORMATS}
        if each.help_text:
            changed["help_text"] = each.help_text
        gaps = [*self._column_gaps(facts), *(f"{key} is another" for key in changed if key not in _ARGUMENTS)]
        if facts.references is not None:
            self._tables.use(facts.references.table, facts.references.column)
        if gaps and not each.read_only:
            made.writes += [f"field {each.name}: {gap}" for gap in gaps]
            changed["read_only"] = True
        if changed.get("read_only"):
            changed = {key: value for key, value in changed.items() if key in ("read_only", "label", "help_text")}
        if each.name != facts.field and facts.references is None:
            changed["source"] = name
        made.imports.setdefault(_MODEL_FIELDS, set()).add("model_field")
        named = {key: quoted(value) for key, value in changed.items()} | self._formats(facts, each)
        if isinstance(named.get("default_timezone"), Call):
            made.imports.setdefault("zoneinfo", set()).add("ZoneInfo")
        return call("model_field", made.model, quoted(name), **named)

    def _column_gaps(self, facts: ColumnFacts) -> Iterator[str]:
        if facts.references is None and facts.choices is None and facts.kind not in _KINDS:
            yield f"{facts.kind} takes no value yet"
        for validator in facts.validators:
            if validator.name not in _VALIDATORS:
                yield f"checked by {validator.name}"
        if facts.file is not None and facts.file.upload_to_callable:
            yield f"its files are named by {facts.file.upload_to_callable}"
        if facts.default_callable and not facts.default_callable.startswith(_CALLABLES):
            yield f"its default is {facts.default_callable}"

    def _require_readable(self, facts: ColumnFacts, each: SerializerField) -> None:
        """:raises UnreadableError: DRF shows the column otherwise than strangler_fastapi does."""
        if facts.references is not None and each.kind != "PrimaryKeyRelatedField":
            raise UnreadableError(f"a {each.kind}")
        if facts.references is None and facts.kind not in _KINDS:
            raise UnreadableError(f"a {facts.kind}")
        if facts.kind == "FileField" and facts.file is None:
            raise UnreadableError("a FileField of which the contract has no storage")
        if facts.file is not None and facts.file.storage.name != _FILE_SYSTEM:
            raise UnreadableError(f"a file that {facts.file.storage.name} keeps")
        if each.format == "none":
            raise UnreadableError("shown as the renderer likes")

    def _formats(self, facts: ColumnFacts, each: SerializerField) -> dict[str, Code]:
        """The arguments that say how a value is written and read; none where that is as everywhere."""
        named: dict[str, Code] = {}
        if facts.kind == "DateTimeField" and not self._settings.use_tz:
            named["default_timezone"] = "None"
        elif facts.kind == "DateTimeField" and self._settings.time_zone != "UTC":
            named["default_timezone"] = call("ZoneInfo", quoted(self._settings.time_zone))
        if each.format is not None and each.format.lower() != _ISO:
            named["format"] = quoted(each.format)
        if not each.read_only and each.input_formats not in ((), (_ISO,)):
            named["input_formats"] = texts(each.input_formats)
        if facts.kind == "DecimalField" and each.coerce_to_string is False:
            named["coerce_to_string"] = "False"
        return named

    def _declared(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A field that the project declared: one that shows a column, of this row or of one that it points at."""
        kind, columns = _SHOWN.get(each.kind, ("", frozenset[str]()))
        if each.write_only or each.many or not kind or not each.path.startswith("rest_framework."):
            own = "" if each.path.startswith("rest_framework.") else " of your own"
            raise UnreadableError("declared by itself" if each.kind in _SHOWN else f"a {each.kind}{own}")
        path = each.source.split(".")
        facts = self._tables.follow(table, path)
        if facts.kind not in columns or facts.references is not None:
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        self._require_readable(facts, each)
        if not each.read_only:
            made.writes.append(f"field {each.name}: declared by itself")
        if self._formats(facts, each):
            raise UnreadableError("declared by itself, and shown otherwise than the column is")
        source = None
        if len(path) > 1:
            made.annotations[each.name] = "__".join(path)
        elif each.source != each.name:
            source = quoted(self._tables.column_of(table, each.source)[0])
        made.imports.setdefault(_FIELDS, set()).add("ReadOnlyField")
        return call("ReadOnlyField", type=quoted(kind), source=source, **_labels(each))

    def _related(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A declared field that stands for the row which a foreign key points at, or for several by their keys."""
        if not each.path.startswith("rest_framework."):
            raise UnreadableError(f"a {each.kind} of your own")
        gaps = {
            "takes some rows only": each.narrowed,
            "has a default of its own": each.default is not None,
            f"checked by {', '.join(each.validators)}": bool(each.validators),
        }
        if not each.read_only:
            made.writes += [f"field {each.name}: {gap}" for gap, is_there in gaps.items() if is_there]
        if each.many:
            return self._many(made, table, each)
        link, _ = self._link(made, table, each)
        column, facts = self._tables.column_of(table, each.source)
        flags: dict[str, Code] = {"read_only": "True"} if each.read_only else {}
        if each.kind == "PrimaryKeyRelatedField":
            flags |= {} if each.read_only else {"required": str(each.required), "allow_null": str(each.allow_null)}
            made.imports.setdefault(_MODEL_FIELDS, set()).add("model_field")
            return call("model_field", made.model, quoted(column), **flags, **_labels(each))
        assert facts.references is not None  # noqa: S101 - a link has them
        shown = self._shown(facts.references.table, each)
        made.imports.setdefault(_RELATIONS, set()).add(each.kind)
        own: dict[str, Code] = {"link": link, "source": quoted(column)}
        if each.kind == "StringRelatedField":
            return call(each.kind, **own, text=f"lambda row: row.{shown}", **_labels(each))
        flags |= {} if each.required or each.read_only else {"required": "False"}
        flags |= {"allow_null": "True"} if each.allow_null and not each.read_only else {}
        return call(each.kind, **own, slug_field=quoted(shown), **flags, **_labels(each))

    def _shown(self, table: str, each: SerializerField) -> str:
        """The column by which a field shows a row of the table."""
        name = each.slug_field or each.text
        if name is None:
            raise UnreadableError("shown by a __str__ of your own")
        column, facts = self._tables.column_of(table, name)
        texts, numbers = _SHOWN["CharField"][1], _SHOWN["IntegerField"][1]
        is_text = each.kind == "StringRelatedField"
        if facts.references is not None or facts.kind not in (texts if is_text else texts | numbers):
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        if is_text and facts.null:
            raise UnreadableError(f"shown by {name}, which may be null")
        if not (facts.unique or facts.primary_key or each.read_only):
            made_of = f"{self._tables.facts(table).model}.{name}"
            raise UnreadableError(f"found by {made_of}, which isn't unique")
        self._tables.use(table, column)
        return column

    def _nested(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        assert each.serializer is not None  # noqa: S101 - the caller has looked
        inner = self.write(each.serializer, within=made.title)
        if inner.reads:
            raise UnreadableError(f"its serializer has gaps ({'; '.join(inner.reads)})")
        made.within.append(inner)
        if inner.annotations:
            raise UnreadableError("its serializer shows columns of further tables")
        if not each.read_only:
            made.writes.append(f"field {each.name}: rows within are written")
        link, null = self._link(made, table, each)
        made.imports.setdefault(_RELATIONS, set()).add("NestedField")
        return call(
            "NestedField", children=inner.constant, link=link, allow_null="True" if null else None, **_labels(each)
        )

    def _link(self, made: WrittenSerializer, table: str, each: SerializerField) -> tuple[Code, bool]:
        """What leads from the row to those within, and whether there may be none."""
        if each.link in ("many_to_one", "one_to_one"):
            name, facts = self._tables.column_of(table, each.source)
            if facts.references is None:
                raise UnreadableError(f"{each.source} is no column")
            self._tables.use(table, name)
            self._tables.use(facts.references.table, facts.references.column)
            made.imports.setdefault(_LINKS, set()).add("foreign_key")
            return call("foreign_key", made.model, quoted(facts.field)), facts.null
        if each.managed:
            raise UnreadableError(f"rows of {each.source} by a manager of your own")
        if each.link == "many_to_many":
            self._through(table, each.source)
            made.imports.setdefault(_LINKS, set()).add("many_to_many")
            return call("many_to_many", made.model, quoted(each.source)), False
        if each.pointing is not None:
            return self._pointing(made, each.pointing["table"], each.pointing["field"]), False
        raise UnreadableError(f"rows of {each.source} ({each.link or 'no relation'})")

    def _many(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        if each.kind != "PrimaryKeyRelatedField":
            raise UnreadableError(f"many of {each.kind}")
        if each.managed:
            raise UnreadableError(f"keys of {each.source} by a manager of your own")
        if each.pointing is not None and each.read_only:
            made.imports.setdefault(_RELATIONS, set()).add("PointingKeysField")
            link = self._pointing(made, each.pointing["table"], each.pointing["field"])
            return call("PointingKeysField", link=link, **_labels(each))
        if each.link != "many_to_many":
            raise UnreadableError(f"keys of {each.source} ({each.link or 'no relation'})")
        self._through(table, each.source)
        made.imports.setdefault(_MODEL_FIELDS, set()).add("many_related_field")
        changed: dict[str, Code] = {"allow_empty": "False"} if not each.allow_empty else {}
        flags: dict[str, Code] = {"read_only": "True"} if each.read_only else {}
        flags |= {} if each.required or each.read_only else {"required": "False"}
        source: dict[str, Code] = {} if each.source == each.name else {"source": quoted(each.source)}
        return call(
            "many_related_field", made.model, quoted(each.source), **flags, **changed, **source, **_labels(each)
        )

    def _pointing(self, made: WrittenSerializer, table: str, field: str) -> Code:
        """The rows of a table whose foreign key points at those of the serializer."""
        column, facts = self._tables.column_of(table, field)
        target = self._tables.use(table, column)
        assert facts.references is not None  # noqa: S101 - a foreign key has them
        self._tables.use(facts.references.table, facts.references.column)
        for term in self._tables.facts(table).ordering:
            self._tables.follow(table, [term.removeprefix("-")])
        made.imports.setdefault(_LINKS, set()).add("one_to_many")
        return call("one_to_many", made.model, target, quoted(facts.field))

    def _through(self, table: str, name: str) -> None:
        """Uses the tables of a many-to-many relation.

        :raises UnreadableError: the contract has none of that name, or its rows can't be written or ordered plainly.
        """
        facts = self._tables.facts(table).many_to_many.get(name)
        if facts is None:
            raise UnreadableError(f"{name} is the other end of a relation")
        if facts.symmetrical:
            raise UnreadableError(f"{name} is symmetrical")
        self._tables.use(facts.table, facts.source_column, facts.target_column)
        reference = self._tables.facts(facts.table).columns[facts.target_column].references
        assert reference is not None  # noqa: S101 - it points at the target
        self._tables.use(facts.target, reference.column)
        for term in self._tables.facts(facts.target).ordering:
            self._tables.follow(facts.target, [term.removeprefix("-")])


def _is_plain(code: Call) -> bool:
    return code.head == "model_field" and len(code.arguments) == 2


def _reads(method: str) -> bool:
    return method in ("to_representation", "__init__", "get_fields")


def _labels(each: SerializerField) -> dict[str, Code]:
    """The label and the help text, where they are others than DRF makes of the name."""
    made: dict[str, Code] = {}
    if each.label and each.label != each.name.replace("_", " ").capitalize():
        made["label"] = quoted(each.label)
    if each.help_text:
        made["help_text"] = quoted(each.help_text)
    return made
