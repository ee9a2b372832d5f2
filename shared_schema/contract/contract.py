"""The contract file: Django's facts about its tables, written by `manage.py export_schema` and reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared_schema.contract.token_settings import TokenSettings


class _Facts(BaseModel):
    """A part of the file. A fact that doesn't apply is left out of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReferenceFacts(_Facts):
    """Where a foreign key points.

    `on_delete` is Django's word; `SET` sets `set_to`, or what `set_to_callable` gives. `CUSTOM` is a function of the
    project's own, named by `set_to_callable`, which may do anything.

    `constraint` is whether the database knows of it, `parent_link` whether the row is the rest of the one that it
    points at (multi-table inheritance).
    """

    table: str
    column: str
    on_delete: Literal["CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "SET", "DO_NOTHING", "CUSTOM"]
    related_name: str | None = None
    constraint: bool = True
    parent_link: bool = False
    set_to: Any = None
    set_to_callable: str | None = None


class ValidatorFacts(_Facts):
    """A validator of a field: the path of its class or function, and what it was made with, in its own words.

    What the column's type says is not repeated: lengths, digits and the range of its numbers. An argument that is a
    function is `{"callable": path}`.
    """

    name: str
    arguments: Mapping[str, Any] = {}


class StorageFacts(_Facts):
    """Where Django keeps files: the path of the storage's class, and of a FileSystemStorage its settings.

    A relative `location` is below the folder in which the contract was exported; `is_media_root` says that it is
    MEDIA_ROOT. `base_url` is what addresses of files begin with (MEDIA_URL); None where they have none. Permissions
    are numbers; None where they are the process's own.
    """

    name: str
    location: str | None = None
    is_media_root: bool = False
    base_url: str | None = None
    file_permissions: int | None = None
    directory_permissions: int | None = None
    allow_overwrite: bool = False


class FileFacts(_Facts):
    """A column of names of files: where the files are, and how they are named.

    `upload_to` is Django's, with strftime's patterns in `time_zone`; `upload_to_callable` the path of the function that
    gives a name instead. An image's width and height are kept in the fields that `width_field` and `height_field` name.
    """

    storage: StorageFacts
    upload_to: str = ""
    upload_to_callable: str | None = None
    time_zone: str = "UTC"
    image: bool = False
    width_field: str | None = None
    height_field: str | None = None


class ColumnFacts(_Facts):
    """A column: its field and that field's class, its type as PostgreSQL spells it, and what only Django knows.

    `default` is what Django writes where no value is given, `default_callable` the path of what it calls for one,
    `db_default` the SQL that the database fills in by itself. `identity` is `by default` or `always`; `generated` the
    expression of a column that the database computes. `read_only`: DRF takes no value of it, since its field isn't
    `editable`. `unique_message` is what DRF says of a value that another row has; with `unique_where`, of the rows that
    one of these SQL conditions picks. `items` is what an array says of each of its values (`base_field`), with their
    `help_text`. `read_by` is Python code, none of Django's, that makes another value of the one which the column
    holds, `written_by` of one that is given: methods of the field's class, or the class of a row's attribute. Values
    are in JSON's words (strangler_django/contract/plain.py), and `values.as_column` gives them their type back.
    """

    field: str
    kind: str
    type: str
    null: bool
    blank: bool = False
    primary_key: bool = False
    unique: bool = False
    identity: Literal["always", "by default"] | None = None
    generated: str | None = None
    collation: str | None = None
    verbose_name: str = ""
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    choices: tuple[Any, ...] | None = None
    choice_names: tuple[str, ...] | None = None
    validators: tuple[ValidatorFacts, ...] = ()
    unique_message: str | None = None
    unique_where: tuple[str, ...] = ()
    auto_now: bool = False
    auto_now_add: bool = False
    read_only: bool = False
    default: Any = None
    default_callable: str | None = None
    db_default: str | None = None
    references: ReferenceFacts | None = None
    file: FileFacts | None = None
    items: "ColumnFacts | None" = None
    help_text: str = ""
    read_by: tuple[str, ...] = ()
    written_by: tuple[str, ...] = ()

    @property
    def has_default(self) -> bool:
        """Whether Django writes `default` where no value is given; None may be one."""
        return "default" in self.model_fields_set

    @property
    def takes_no_value(self) -> bool:
        """Whether the database or Django makes it, whatever is given."""
        return self.identity is not None or self.auto_now or self.auto_now_add or self.generated is not None

    @property
    def must_be_given(self) -> bool:
        """Whether an insert without a value for it fails: neither Django nor the database has one."""
        django = self.has_default or self.default_callable or self.auto_now or self.auto_now_add
        return not (self.null or django or self.db_default or self.identity or self.generated)


class ManyToManyFacts(_Facts):
    """Through which table a relation goes to `target`, and by which of its columns.

    Of a `symmetrical` one Django writes each row twice, once in either direction.
    """

    table: str
    source_column: str
    target_column: str
    target: str
    related_name: str | None = None
    symmetrical: bool = False


class GenericRelationFacts(_Facts):
    """Rows of another table that belong to this one's by a content type and an id: Django deletes them along."""

    field: str
    table: str
    content_type_column: str
    object_id_column: str
    content_type: tuple[str, str]


class IndexFacts(_Facts):
    """An index.

    `name` is None where Django makes one up, which may have been another when the table was made. `columns` are as
    they are named, with ` DESC` where they go down; None where the index is made on the expressions in `definition`.
    A unique one is a UniqueConstraint that PostgreSQL has no constraint for. SQL is in Django's spelling. Where a
    column has a collation Django may make a second index for LIKE, which is left out.
    """

    name: str | None = None
    columns: tuple[str, ...] | None = None
    unique: bool = False
    method: str = "btree"
    opclasses: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    nulls_distinct: bool | None = None
    definition: str | None = None
    condition: str | None = None


class ConstraintFacts(_Facts):
    """A constraint, but for a foreign key, and for a unique column (`ColumnFacts.unique`).

    Of an exclusion and a check `columns` are those that it refers to, where Django knows them. `name` is None where
    Django or PostgreSQL makes one up. `definition` is SQL, where kind and columns don't suffice.
    """

    kind: Literal["unique", "check", "exclusion"]
    name: str | None = None
    columns: tuple[str, ...] = ()
    deferrable: Literal["deferred", "immediate"] | None = None
    nulls_distinct: bool | None = None
    definition: str | None = None


class TableFacts(_Facts):
    """A table, or a view, and its model.

    `parents` are the tables whose rows its own continue (inheritance). `composite_key` are the columns of a primary
    key of more than one, in its order. Of a table that Django doesn't manage indexes and constraints are left out.

    `overrides` are the methods of the model, and `receivers` the functions (each after its signal), that Django calls
    when a row is written: who writes without Django does what they do by itself, or leaves it. The `pre_save` of a
    field's class that is none of Django's is among them, as if the signal's.
    """

    name: str
    schema_name: str | None = None
    model: str
    proxies: tuple[str, ...] = ()
    verbose_name: str = ""
    managed: bool = True
    auto_created: bool = False
    ordering: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    composite_key: tuple[str, ...] = ()
    columns: Mapping[str, ColumnFacts]
    many_to_many: Mapping[str, ManyToManyFacts] = {}
    generic_relations: tuple[GenericRelationFacts, ...] = ()
    overrides: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    indexes: tuple[IndexFacts, ...] = ()
    constraints: tuple[ConstraintFacts, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key; empty where Django knows none, as of some views."""
        return self.composite_key or tuple(name for name, column in self.columns.items() if column.primary_key)

    @property
    def link_receivers(self) -> tuple[str, ...]:
        """The functions, each after its signal, that Django calls when a relation writes links to this table."""
        return tuple(receiver for receiver in self.receivers if receiver.startswith("m2m_changed "))

    @property
    def is_watched(self) -> bool:
        """Whether Django tells receivers of each row that is deleted; of tables that it made by itself it doesn't."""
        named = (receiver.partition(" ")[0] for receiver in self.receivers)
        return not self.auto_created and not {"pre_delete", "post_delete"}.isdisjoint(named)


@dataclass(frozen=True)
class Pointer:
    """A column of a table that points at another."""

    table: str
    column: str
    reference: ReferenceFacts


class Contract(_Facts):
    """All tables by key: the name, or `schema.name` outside the default schema.

    `tokens` are simplejwt's settings, None where the project doesn't use it.
    """

    format: Literal[2]
    tables: Mapping[str, TableFacts]
    tokens: TokenSettings | None = None

    @cached_property
    def _pointers(self) -> dict[str, list[Pointer]]:
        pointers: dict[str, list[Pointer]] = {}
        for name, table in sorted(self.tables.items()):
            for column, facts in sorted(table.columns.items()):
                if facts.references is not None:
                    pointer = Pointer(table=name, column=column, reference=facts.references)
                    pointers.setdefault(facts.references.table, []).append(pointer)
        return pointers

    @property
    def token_settings(self) -> TokenSettings:
        """`tokens`, for a service that issues or reads them.

        Raises:
            LookupError: the contract has none.
        """
        if self.tokens is None:
            raise LookupError(
                "The contract has no token settings: the Django project needs simplejwt, then export the contract again"
                " (manage.py export_schema)."
            )
        return self.tokens

    def references_to(self, table: str) -> list[Pointer]:
        """Every foreign key of the project that points at `table`, M2M tables included, by table and column."""
        return self._pointers.get(table, [])


@cache
def load_contract(file: Path) -> Contract:
    """The contract.

    Raises:
        OSError: there is no such file.
        ValidationError: it is not of this format.
    """
    return Contract.model_validate_json(file.read_bytes())
