"""The endpoints of a Django REST API, as `manage.py export_endpoints` of strangler_django writes them."""

import re
from collections.abc import Sequence
from typing import Any, Final, Self

from pydantic import Field

from strangler.adoption.access_facts import (
    CacheFacts,
    PermissionMap,
    PermissionRule,
    Permissions,
    ThrottleFacts,
    VersionFacts,
)
from strangler.adoption.django_settings import DjangoSettings, Facts, RendererFacts
from strangler.adoption.handler_facts import HandlerFacts
from strangler.adoption.list_facts import (
    CreationFacts,
    Filters,
    ModelName,
    PaginationFacts,
    QuerysetFacts,
    RowsOfRequest,
    SavingFacts,
)
from strangler.adoption.serializer_facts import (
    SerializerFacts,
    Unread,
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
    """A variable part of a path. `pattern` is the regular expression of its values, `kind` Django's converter.

    `converter` is the project's own, where it makes another value of what a path has.
    """

    name: str
    kind: str
    pattern: str
    converter: str | None = None


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
    `perform_create` saves the caller, `creation` which rows that looks for, `saving` what else it does, by its name,
    and what `perform_update` does, `rows` what `get_queryset` does where it was
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
    saving: dict[str, SavingFacts] = Field(default={})
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
