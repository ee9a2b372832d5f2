"""What a serializer of Django's is made of: its fields, and how each is read, shown and written."""

from typing import Any, Literal

from pydantic import Field

from shared_schema.contract.contract import TableFacts
from strangler.adoption.django_settings import Facts
from strangler.adoption.handler_facts import NestedWrites
from strangler.adoption.list_facts import ValidatedRow


class Unread(Facts):
    """What the project's code could not give without a request, and why."""

    what: str
    reason: str


class CountedLink(Facts):
    """A relation whose rows are counted; see SerializerField."""

    source: str
    link: str
    pointing: dict[str, str] | None = None
    other_end: dict[str, str] | None = None


class MatchedRows(Facts):
    """Rows of a table whose fields, at lookups, are equal to something, or the column `shown` of the first of them.

    `where` names the field, then the kind of what it is equal to (`caller`, a `row`'s column, a `value`), and that.
    """

    table: str
    where: tuple[tuple[str, str, Any], ...]
    shown: str | None = None
    ordering: tuple[str, ...] = ()

    @property
    def by_caller(self) -> bool:
        """Whether each caller has others."""
        return any(kind == "caller" for _field, kind, _value in self.where)


class ComputedValue(Facts):
    """A Python expression of columns, their lookups by the names that they have in it, and of numbers of rows.

    `matches` are rows that it asks for, `caller` says that it names the key of the caller, and `in_context` that it
    finds the request in its serializer's context.
    """

    code: str
    columns: dict[str, str]
    counts: dict[str, CountedLink] = Field(default={})
    matches: dict[str, MatchedRows] = Field(default={})
    caller: bool = False
    in_context: bool = False

    @property
    def by_caller(self) -> bool:
        """Whether it is another for each caller."""
        return self.caller or any(each.by_caller for each in self.matches.values())


class SerializerField(Facts):
    """A field of a serializer; `kind` is the name of its class (of the inner one with `many`), `path` is where that is.

    `link` is how it leads to other rows (many_to_one, many_to_many, one_to_many); of the last `pointing` are the table
    and the field of those rows, as `other_end` are of a many_to_many that leads here, and `managed` says that a manager
    of the project's own gives them. `property` names the model's property or method that it shows, `computed` is what
    that or `method` does, if it was read, `serializer` what shows rows of `method`; `lacking` says that rows have no
    such attribute unless a queryset annotates them. `address` is the path of the row whose field `lookup` stands for
    `{}`. `changed` are the arguments in which it differs from what DRF makes of the model's field; None where the
    project declared it. Of one that stands for rows `narrowed` says that not all of them may be sent, `where` which
    values these have in columns as far as that is known, and `text` is the field that the rows' `__str__` returns, if
    it is no more. `format` and `input_formats` are those of days and times, by the field or by the project's settings.
    `empty_default`: its default is `list`. `child` is the field of each value of a list. `labelled` says that the
    project gave the label, `error_messages` are its own texts by code; `unique_message` is the text of a
    UniqueValidator of the column, `zone` that of moments where the field has one of its own. `errors_as_dict` says
    that errors of a list's items are named by their numbers, `caller_default` that the default is the caller, or that
    of a `new` row alone. `base64` are what a text in base64 begins with that a field of files takes, and the name of
    its file before the ending. `binary` and `coded` (by an encoder or a decoder) are of JSON.
    """

    name: str
    kind: str
    path: str = Field(default="", alias="class")
    source: str = ""
    format: str | None = None
    input_formats: tuple[str, ...] = ()
    coerce_to_string: bool | None = None
    required: bool = False
    read_only: bool = False
    write_only: bool = False
    many: bool = False
    allow_blank: bool = False
    allow_unicode: bool = False
    trim_whitespace: bool = True
    max_length: int | None = None
    min_length: int | None = None
    max_value: Any = None
    min_value: Any = None
    unique_message: str | None = None
    zone: str | None = None
    choices: tuple[Any, ...] | None = None
    base64: dict[str, str] | None = None
    use_url: bool = True
    allow_empty_file: bool = False
    binary: bool = False
    coded: bool = False
    method: str | None = None
    model: str | None = None
    slug_field: str | None = None
    narrowed: bool = False
    where: dict[str, Any] = Field(default={})
    text: str | None = None
    allow_null: bool = False
    default: Any = None
    caller_default: Literal["always", "new"] | None = None
    empty_default: bool = False
    validators: tuple[str, ...] = ()
    allow_empty: bool = True
    errors_as_dict: bool = True
    label: str | None = None
    labelled: bool = False
    help_text: str | None = None
    error_messages: dict[str, str] = Field(default={})
    link: str | None = None
    pointing: dict[str, str] | None = None
    other_end: dict[str, str] | None = None
    managed: bool = False
    property: str | None = None
    lacking: bool = False
    computed: ComputedValue | None = None
    address: str | None = None
    lookup: str | None = None
    changed: dict[str, Any] | None = None
    serializer: "SerializerFacts | None" = None
    child: "SerializerField | None" = None


class UniqueTogether(Facts):
    """Fields that are unique together, each with its source, and what is said where they aren't."""

    fields: tuple[tuple[str, str], ...]
    message: str


class SerializerFacts(Facts):
    """A serializer; `overridden` are the methods that the project wrote, `path` is where its class is.

    `nested_writes` are those of `create` and `update` that drf-writable-nested wrote, `creates` is the manager's method
    of the project's own that makes a new row. `rows_within` are `create` and `update` of the project's own that were
    read.
    `rows` are those that its `validate` asks for, where that does no more.
    One that is `plain` names no model: it shows the rows of its view. `answers` is the serializer by which this one
    answers with a row, and with `answers_items` with the items of a list.
    """

    path: str = Field(default="", alias="class")
    validators: tuple[str, ...] = ()
    unique_together: tuple[UniqueTogether, ...] = ()
    model: str | None = None
    table: str | None = None
    plain: bool = False
    fields: tuple[SerializerField, ...] = ()
    overridden: tuple[str, ...] = ()
    rows: tuple[ValidatedRow, ...] = ()
    creates: str | None = None
    nested_writes: tuple[str, ...] = ()
    rows_within: dict[str, NestedWrites] = Field(default={})
    answers: "SerializerFacts | None" = None
    answers_items: bool = False

    def links(self, table: TableFacts) -> tuple[str, ...]:
        """The tables that hold the links which a body says, of a row of `table`."""
        relations = (table.many_to_many.get(each.source) for each in self.fields if not each.read_only)
        return tuple(relation.table for relation in relations if relation is not None)

    def answering(self, action: str) -> "SerializerFacts":
        """What an action answers by."""
        found = self.answers if action != "list" or self.answers_items else None
        return self if found is None else found.answering(action)
