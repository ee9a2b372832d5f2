"""The endpoints of a Django REST API, as `manage.py export_endpoints` of strangler_django writes them."""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from pydantic import Field

from shared_schema.contract.contract import TableFacts
from strangler.adoption.access_facts import (
    CacheFacts,
    PermissionMap,
    PermissionRule,
    Permissions,
    ThrottleFacts,
    VersionFacts,
)
from strangler.adoption.django_settings import DjangoSettings, Facts, RendererFacts
from strangler.adoption.handler_facts import HandlerFacts, NestedWrites
from strangler.adoption.list_facts import (
    CreationFacts,
    Filters,
    ModelName,
    PaginationFacts,
    QuerysetFacts,
    RowsOfRequest,
    ValidatedRow,
)
from strangler.routes.prefixes import Prefixes
from strangler.schema.django_side import ManageCommand, manage_document

BROWSABLE_API: Final = "rest_framework.renderers.BrowsableAPIRenderer"
# DRF's renderers that strangler_fastapi has, each with its name there.
RENDERERS: Final = {"rest_framework.renderers.JSONRenderer": "JSON_RENDERER", BROWSABLE_API: "BROWSABLE_API"}
# The routes of a viewset are named as those of the example: what Django calls destroy is a delete.
_ACTIONS: Final = {"partial_update": "update", "destroy": "delete"}
# Views that show what the API is, and that no team writes or moves.
_DOCUMENTS: Final = ("drf_spectacular.", "drf_yasg.", "rest_framework.schemas.")
# A segment that nginx's maps find: fixed, or a parameter and nothing else.
_SEGMENT: Final = re.compile(r"(?!\.\.?$)[A-Za-z0-9_~.-]+|\{[^{}/]+\}")


class EndpointParameter(Facts):
    """A variable part of a path. `pattern` is the regular expression of its values, `kind` Django's converter."""

    name: str
    kind: str
    pattern: str


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


class TokenAddition(Facts):
    """What a sign-in adds: under a `name`, or as keys of its own, the user as a `serializer` shows it, or a `value`."""

    name: str | None = None
    serializer: SerializerFacts | None = None
    value: str | int | float | bool | None = None


class TokenViewFacts(Facts):
    """A view of simplejwt's, or one derived from it: the paths of simplejwt's own `view` and `serializer`.

    A sign-in adds `claims` to tokens and more to its `answer`, and says `refusal` to who may not. `gap` is why it does
    something else.
    """

    view: str
    serializer: str | None = None
    claims: tuple[TokenAddition, ...] = ()
    answer: tuple[TokenAddition, ...] = ()
    refusal: str | None = None
    gap: str | None = None


class DjangoEndpoint(Facts):
    """One method of one path.

    `kind` is viewset or view for those of DRF, django for others, whose method may be `ANY`. `bases` are the classes
    that the view derives from. `action` is that of a viewset or a generic view. `overridden` are the methods of DRF's
    that the project replaced; those in `constant` read nothing of a request. `creator` is the field in which
    `perform_create` saves the caller, `creation` what else that does, `rows` what `get_queryset` does where it was
    read, and `own_filters` names code of the project's own that leaves out more rows, of a list or of what a path
    names, `elsewhere` rows that aren't in the database of the contract.
    `format_parameter` says that a parameter of the path chooses the renderer, as `?format=` does, `optional_slash` that
    the path is answered without the slash at its end, too.
    `root` are the names and paths that the root of a router lists, in the order of its answer.
    `cached` says how long its answers may be kept, `without` are HEAD and OPTIONS, where the view's `http_method_names`
    leave them out. `of_caller` says that `get_object` returns the user who asks, `callers_row` names the table and the
    field of one that returns its row.
    `permission_rules` are the project's own permissions that were read, by class, `permission_maps` those by Django's
    tables; `unoffered` are those of OPTIONS and of methods that the path doesn't offer, where `get_permissions` gives
    each its own; `throttle_rates` are the throttles, but for those that never refuse a request.
    `title` and `description` are what OPTIONS says of the view, `described` is whose body it describes where that isn't
    the method's own serializer, and one that `describes` none has no `get_serializer`. `handler` is what a handler of
    the project's own does, where it was read; all else is then as that does it. `token_view` is what a view of
    simplejwt does. `own_renderers` are those that put JSON into a form of the project's own, by class.
    """

    path: str
    method: str
    kind: str
    view: str
    name: str | None = None
    action: str | None = None
    detail: bool = False
    csrf_exempt: bool = False
    parameters: tuple[EndpointParameter, ...] = ()
    format_parameter: bool = False
    optional_slash: bool = False
    bases: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    own_filters: tuple[str, ...] | None = ()
    elsewhere: tuple[str, ...] | None = ()
    creator: str | None = None
    creation: CreationFacts | None = None
    rows: RowsOfRequest | None = None
    of_caller: bool = False
    callers_row: dict[str, str] | None = None
    handler: HandlerFacts | None = None
    token_view: TokenViewFacts | None = None
    describes: bool = True
    without: tuple[str, ...] = ()
    cached: CacheFacts | None = None
    root: tuple[tuple[str, str], ...] | None = None
    permission_rules: dict[str, PermissionRule] | None = None
    permission_maps: dict[str, PermissionMap] | None = None
    unoffered: dict[str, Permissions] = Field(default={})
    unread: tuple[Unread, ...] = ()
    authenticators: tuple[str, ...] | None = ()
    lookup: dict[str, Any] | None = None
    permissions: tuple[str, ...] | None = ()
    throttles: tuple[str, ...] | None = ()
    throttle_rates: tuple[ThrottleFacts, ...] | None = None
    renderers: tuple[str, ...] | None = ()
    own_renderers: dict[str, RendererFacts] | None = None
    parsers: tuple[str, ...] | None = ()
    versioning: str | None = None
    versions: VersionFacts | None = None
    pagination: PaginationFacts | None = None
    filters: Filters | None = None
    model: ModelName | None = None
    queryset: QuerysetFacts | None = None
    title: str | None = None
    description: str | None = None
    serializer: SerializerFacts | None = None
    described: SerializerFacts | None = None

    @property
    def is_api(self) -> bool:
        """Whether it is a view of Django REST framework."""
        return self.kind != "django"

    @property
    def is_document(self) -> bool:
        """Whether it shows the API's OpenAPI document, as JSON or as a page such as Redoc."""
        return self.view.startswith(_DOCUMENTS)

    @property
    def is_routable(self) -> bool:
        """Whether nginx's maps can find its path: whole segments, one segment for each parameter."""
        segments = self.path.strip("/").split("/") if self.path.strip("/") else []
        return all(map(_SEGMENT.fullmatch, segments)) and not any(
            parameter.kind == "path" or re.fullmatch(parameter.pattern or "x", "a/b") for parameter in self.parameters
        )

    @property
    def verb(self) -> str | None:
        """The action under its route's name; None for a view without one."""
        return _ACTIONS.get(self.action, self.action) if self.action else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class LoginForm(Facts):
    """A form that browsers sign in by: its path, its view, and the field of the user's name."""

    path: str
    view: str = ""
    user: str = "username"


class DjangoApi(Facts):
    """All endpoints of a project, and the forms that sign in; `suffixed` are their paths with a format suffix."""

    format: int
    django: str = ""
    rest_framework: str = ""
    settings: DjangoSettings = DjangoSettings()
    login_forms: tuple[LoginForm, ...] = ()
    suffixed: tuple[str, ...] = ()
    endpoints: tuple[DjangoEndpoint, ...]

    @classmethod
    def read(cls, project: ManageCommand) -> Self:
        """The endpoints of a project, by its own command.

        :raises FailedError: the project doesn't start, or its output is in another format.
        """
        return manage_document(project, "export_endpoints", cls, what="what Django's endpoints are")

    def of_v1(self, prefixes: Prefixes) -> Sequence[DjangoEndpoint]:
        """The endpoints below Django's prefix, but for those of v2 where its prefix begins with v1's.

        Where there is no prefix, only views of DRF are endpoints: the rest of the site isn't the API.
        """
        prefix, but = prefixes.django, prefixes.v2_below_v1
        return [
            each
            for each in self.endpoints
            if (each.is_api or prefix)
            and each.path.startswith(f"{prefix}/")
            and not (but and each.path.startswith(f"{prefix}{but}/"))
        ]
