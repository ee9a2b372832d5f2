"""Fields that show or take one column, as code."""

from collections.abc import Iterator, Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from shared_schema.contract.values import python_type
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.scaffold.code import Call, Code, call, quoted, texts
from strangler.adoption.scaffold.column_kinds import (
    CALLABLES,
    ISO,
    KINDS,
    RANGES,
    check_gaps,
    is_known,
    is_known_callable,
    is_usual,
)
from strangler.adoption.scaffold.fields.declared_fields import is_taken, labels, own_messages, taken_field, taken_gaps
from strangler.adoption.scaffold.fields.list_fields import list_field
from strangler.adoption.scaffold.fields.written_serializer import MODEL_FIELDS, WrittenSerializer
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import SerializerField

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
        "max_value",
        "min_value",
        "label",
        "help_text",
    }
)
# Arguments that say how a value is written and read, which the facts of a field have whole.
_FORMATS: Final = frozenset({"format", "input_formats", "coerce_to_string", "default_timezone"})
# The storage of files of which the contract says all.
_FILE_SYSTEM: Final = "django.core.files.storage.filesystem.FileSystemStorage"
# Fields that show a column as it is, with the kinds of columns of which that is true, and what OPTIONS calls them.
SHOWN: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "BooleanField": ("boolean", frozenset({"BooleanField"})),
    "CharField": ("string", frozenset({"CharField", "SlugField", "TextField"})),
    "DateField": ("date", frozenset({"DateField"})),
    "DateTimeField": ("datetime", frozenset({"DateTimeField"})),
    "EmailField": ("email", frozenset({"CharField"})),
    "FloatField": ("float", frozenset({"FloatField"})),
    "JSONField": ("field", frozenset({"JSONField"})),
    "IntegerField": (
        "integer",
        frozenset({kind for kind in KINDS if "Integer" in kind or kind.endswith("AutoField")}),
    ),
    "ReadOnlyField": ("field", KINDS - RANGES - {"DecimalField", "FileField"}),
    "UUIDField": ("string", frozenset({"UUIDField"})),
}
_FIELDS: Final = "strangler_fastapi.drf.fields.fields"
_NUMBER_FIELDS: Final = "strangler_fastapi.drf.fields.number_fields"
_FILES: Final = "strangler_fastapi.drf.fields.file_fields"
_COMPUTED: Final = "strangler_fastapi.drf.fields.computed_fields"


class ColumnFields:
    """Writes them; `tables` learns which columns they need."""

    def __init__(self, tables: Tables, settings: DjangoSettings) -> None:
        self._tables = tables
        self._settings = settings

    def column(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A field that DRF makes of a column.

        :raises UnreadableError: strangler_fastapi shows the column otherwise.
        """
        name, facts = self._tables.column_of(table, each.source)
        self._require_readable(facts, each)
        self._tables.use(table, name)
        written = _FORMATS | {"error_messages"}
        changed = {key: value for key, value in (each.changed or {}).items() if key not in written}
        if each.help_text:
            changed["help_text"] = each.help_text
        gaps = [*self._column_gaps(facts), *(["takes some rows only"] if each.narrowed else [])]
        default = _own_default(facts, f"{table}.{name}", changed["default"]) if "default" in changed else None
        if default is not None:
            del changed["default"]
        gaps += [f"{key} is another" for key, value in changed.items() if not _is_taken(key, value)]
        if facts.references is not None:
            self._tables.use(facts.references.table, facts.references.column)
        if gaps and each.write_only:
            # Left out: it isn't shown either.
            raise UnreadableError("; ".join(gaps))
        if gaps and not each.read_only:
            made.writes += [f"field {each.name}: {gap}" for gap in gaps]
        # That of a column which isn't `editable` is read-only to DRF, without being changed.
        if gaps or (each.read_only and not facts.takes_no_value):
            changed["read_only"] = True
        if changed.get("read_only"):
            changed = {key: value for key, value in changed.items() if key in ("read_only", "label", "help_text")}
        if each.name != facts.field == self._tables.attribute_of(table, name):
            changed["source"] = facts.field
        made.imports.setdefault(MODEL_FIELDS, set()).add("model_field")
        named: dict[str, Code] = {key: quoted(value) for key, value in changed.items()}
        named |= self._formats(facts, each) | ({} if changed.get("read_only") else own_messages(each))
        if default is not None and not changed.get("read_only"):
            named["default"] = default
            if isinstance(default, Call):
                made.imports.setdefault("shared_schema.contract.callables", set()).add("callable_of")
        if isinstance(named.get("default_timezone"), Call):
            made.imports.setdefault("zoneinfo", set()).add("ZoneInfo")
        return call("model_field", made.model, quoted(name), **named)

    def declared(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A field that the project declared: one that shows a column, of this row or of one that it points at."""
        if (taken := self._taken(made, table, each)) is not None:
            return taken
        kind, columns = SHOWN.get(each.kind, ("", frozenset[str]()))
        if each.child is not None:
            return list_field(made, table, each, self._tables, self._settings)
        if each.kind == "ModelField":
            raise UnreadableError(f"a ModelField of a {self._tables.follow(table, [each.source]).kind}")
        if each.write_only or each.many or not kind or not each.path.startswith("rest_framework."):
            own = "" if each.path.startswith("rest_framework.") else " of your own"
            raise UnreadableError("declared by itself" if kind and not own else f"a {each.kind}{own}")
        usual = "BooleanField" if each.source in made.flags else "IntegerField"
        is_float = each.source in made.floats
        if is_float and each.kind == "IntegerField" and each.read_only:
            # Shown without what is behind the point.
            made.imports.setdefault(_NUMBER_FIELDS, set()).add("IntegerField")
            source = None if each.source == each.name else quoted(each.source)
            return call("IntegerField", read_only="True", source=source, **labels(each))
        if each.source in made.annotated and each.kind in ("FloatField" if is_float else usual, "ReadOnlyField"):
            made.imports.setdefault(_FIELDS, set()).add("ReadOnlyField")
            source = None if each.source == each.name else quoted(each.source)
            return call("ReadOnlyField", type=quoted(kind), source=source, **labels(each))
        # What a queryset annotates are the rows of a view.
        is_another = made.is_within or "." in each.source
        if each.lacking and is_another and each.read_only and each.default is None and not each.allow_null:
            # DRF leaves out what a row lacks; OPTIONS describes it.
            made.imports.setdefault(_FIELDS, set()).add("ReadOnlyField")
            return call("ReadOnlyField", type=quoted(kind), write_only="True", **labels(each))
        path = each.source.split(".")
        facts = self._tables.follow(table, path)
        if facts.references is not None and path[-1] != facts.field:
            # The column itself holds the key of another row.
            facts = self._key_of(facts)
        if facts.kind not in columns or facts.references is not None:
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        if each.binary or each.coded:
            raise UnreadableError("JSON as text, or by an encoder of your own")
        self._require_readable(facts, each)
        if not each.read_only:
            gaps = [f"written by {facts.written_by[0]}"] if facts.written_by else []
            gaps += taken_gaps(each) if is_taken(each, facts) else ()
            made.writes.append(f"field {each.name}: {'; '.join(gaps) or 'declared by itself'}")
        if self._formats(facts, each):
            raise UnreadableError("declared by itself, and shown otherwise than the column is")
        source = None
        if len(path) > 1:
            made.imports.setdefault(_COMPUTED, set()).add("ComputedField")
            if each.default is not None:
                raise UnreadableError(f"{each.source}, which has a default")
            null: dict[str, Code] = {"allow_null": "True"} if each.allow_null else {}
            return call("ComputedField", columns=texts(["__".join(path)]), type=quoted(kind), **null, **labels(each))
        if self._tables.attribute_of(table, each.source) != each.name:
            source = quoted(self._tables.attribute_of(table, each.source))
        made.imports.setdefault(_FIELDS, set()).add("ReadOnlyField")
        return call("ReadOnlyField", type=quoted(kind), source=source, **labels(each))

    def is_key_column(self, table: str, each: SerializerField) -> bool:
        """Whether a field shows the column of a foreign key (`author_id`), and not the row that this points at."""
        try:
            _, facts = self._tables.column_of(table, each.source)
        except UnreadableError:
            return False
        return facts.references is not None and each.source != facts.field and each.kind in SHOWN

    def _key_of(self, facts: ColumnFacts) -> ColumnFacts:
        """The facts of the keys that a foreign key holds, which may be null."""
        while facts.references is not None:
            null, reference = facts.null, facts.references
            facts = self._tables.facts(reference.table).columns[reference.column].model_copy(update={"null": null})
        return facts

    def file(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A declared field of files, which may take a text in base64, too.

        :raises UnreadableError: the column has no files, or they are kept elsewhere.
        """
        name, facts = self._tables.column_of(table, each.source)
        if facts.kind != "FileField" or each.many:
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        self._require_readable(facts, each)
        self._tables.use(table, name)
        gaps = [*self._column_gaps(facts), *([f"checked by {', '.join(each.validators)}"] if each.validators else [])]
        gaps += ["has a default of its own"] if each.default is not None else []
        flags: dict[str, Code] = {"use_url": "False"} if not each.use_url else {}
        if each.read_only or gaps:
            made.writes += [] if each.read_only else [f"field {each.name}: {gap}" for gap in gaps]
            flags |= {"read_only": "True"}
        else:
            into = "Base64ImageField" if each.base64 and facts.file and facts.file.image else each.kind
            if each.base64 and into != "Base64ImageField":
                raise UnreadableError(f"a {each.kind} of files that are no images")
            made.imports.setdefault(_FILES, set()).add(into)
            flags |= {"into": into, "required": str(each.required), "allow_null": str(each.allow_null)}
            flags |= {"write_only": "True"} if each.write_only else {}
            flags |= {"allow_empty_file": "True"} if each.allow_empty_file else {}
            flags |= {"max_length": str(each.max_length), "validators": "()"}
            flags |= {key: quoted(text) for key, text in (each.base64 or {}).items()}
        if each.name != facts.field:
            flags["source"] = quoted(self._tables.attribute_of(table, name))
        made.imports.setdefault(MODEL_FIELDS, set()).add("model_field")
        return call("model_field", made.model, quoted(name), **flags, **labels(each, facts), **own_messages(each))

    def caller(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A field that no body has: the caller's key, in a foreign key.

        :raises UnreadableError: it is in no foreign key.
        """
        name, facts = self._tables.column_of(table, each.source)
        if facts.references is None:
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        self._tables.use(table, name)
        default = call("CurrentUserDefault")
        made.imports.setdefault(_COMPUTED, set()).update({"CurrentUserDefault", "HiddenField"})
        if each.caller_default == "new":
            made.imports[_COMPUTED].add("CreateOnlyDefault")
            default = call("CreateOnlyDefault", default)
        return call("HiddenField", default=default, source=quoted(self._tables.attribute_of(table, name)))

    def _taken(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code | None:
        """A declared field that takes a column's value; None where it takes none, or can't be written."""
        if each.read_only or each.source in made.annotated or "." in each.source:
            return None
        name, facts = self._tables.column_of(table, each.source)
        if not is_taken(each, facts) or any(taken_gaps(each)) or facts.written_by:
            return None
        self._require_readable(facts, each)
        self._tables.use(table, name)
        named = self._formats(facts, each) | labels(each) | own_messages(each)
        if isinstance(named.get("default_timezone"), Call):
            made.imports.setdefault("zoneinfo", set()).add("ZoneInfo")
        return taken_field(each, made.model, self._tables.attribute_of(table, name), named, made.imports)

    def _column_gaps(self, facts: ColumnFacts) -> Iterator[str]:
        if facts.written_by:
            yield f"written by {facts.written_by[0]}"
        if facts.references is None and facts.choices is None and not is_known(facts):
            yield f"{facts.kind} takes no value yet"
        yield from check_gaps(facts)
        if facts.file is not None and facts.file.upload_to_callable:
            yield f"its files are named by {facts.file.upload_to_callable}"
        if not is_known_callable(facts.default_callable or ""):
            yield f"its default is {facts.default_callable}"

    def _require_readable(self, facts: ColumnFacts, each: SerializerField) -> None:
        """:raises UnreadableError: DRF shows the column otherwise than strangler_fastapi does."""
        if facts.references is not None and each.kind != "PrimaryKeyRelatedField":
            raise UnreadableError(f"a {each.kind}")
        if facts.references is None and not is_known(facts):
            raise UnreadableError(f"an array of {facts.items.kind}" if facts.items else f"a {facts.kind}")
        if facts.items is not None and not is_usual(facts.items, each, self._settings):
            raise UnreadableError(f"an array of {facts.items.kind}, shown otherwise than usual")
        if facts.kind == "DateTimeRangeField" and not self._settings.use_tz:
            raise UnreadableError("moments of TIME_ZONE, which a range has")
        if facts.kind == "FileField" and facts.file is None:
            raise UnreadableError("a FileField of which the contract has no storage")
        if facts.file is not None and facts.file.storage.name != _FILE_SYSTEM:
            raise UnreadableError(f"a file that {facts.file.storage.name} keeps")
        if each.format == "none":
            raise UnreadableError("shown as the renderer likes")
        if each.zone is not None and each.changed is None:
            raise UnreadableError(f"shown in {each.zone}, which the field says")

    def _formats(self, facts: ColumnFacts, each: SerializerField) -> dict[str, Code]:
        """The arguments that say how a value is written and read; none where that is as everywhere."""
        named: dict[str, Code] = {}
        if facts.kind == "DateTimeField" and not self._settings.use_tz:
            named["default_timezone"] = "None"
        elif facts.kind == "DateTimeField" and self._settings.time_zone != "UTC":
            named["default_timezone"] = call("ZoneInfo", quoted(self._settings.time_zone))
        if each.format is not None and each.format.lower() != ISO:
            named["format"] = quoted(each.format)
        if not each.read_only and each.input_formats not in ((), (ISO,)):
            named["input_formats"] = texts(each.input_formats)
        if facts.kind == "DecimalField" and each.coerce_to_string is False:
            named["coerce_to_string"] = "False"
        return named


def _own_default(facts: ColumnFacts, column: str, value: object) -> Code | None:
    """The model's own default, which DRF hands to a field that is unique together with others; None of another one."""
    if isinstance(value, str) and value == facts.default_callable and value.startswith(CALLABLES):
        return call("callable_of", quoted(value), type_name=quoted(facts.type), column=quoted(column))
    is_own = facts.default == value if facts.has_default else value is None and facts.null
    is_plain = value is None or isinstance(value, bool | int) or python_type(facts.type) is str
    return quoted(value) if is_own and is_plain else None


def _is_taken(argument: str, value: object) -> bool:
    """Whether `model_field` takes that argument; of limits, those that JSON has a form of."""
    return argument in _ARGUMENTS and not (argument in ("max_value", "min_value") and isinstance(value, str))
