"""What is hard about moving an endpoint, found in the facts of its view; docs/hazards.md says what to do about each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from shared_schema.catalog import table_key
from shared_schema.contract.contract import TableFacts
from strangler.adoption.endpoints import RENDERERS, DjangoApi, DjangoEndpoint
from strangler.adoption.serializer_facts import SerializerFacts, SerializerField

# Classes of which `strangler_fastapi` knows the counterpart.
_KNOWN: Final = ("rest_framework.", "strangler_django.")
# What developers look at requests with.
_DEBUGGERS: Final = ("debug_toolbar.", "silk.")
_KNOWN_VIEWS: Final = "rest_framework_simplejwt.views."
_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})
# What DRF's handlers call, by action.
_CALLS: Final = {
    "create": ("create", "perform_create"),
    "update": ("update", "perform_update"),
    "partial_update": ("partial_update", "update", "perform_update"),
    "destroy": ("destroy", "perform_destroy"),
    "list": ("list",),
    "retrieve": ("retrieve",),
}
_EVERY: Final = ("dispatch", "initial", "handle_exception", "finalize_response")
_PLAIN_AUTHENTICATORS: Final = (
    "rest_framework_simplejwt.authentication.JWTAuthentication",
    "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
    "dj_rest_auth.jwt_auth.JWTCookieAuthentication",
)
_PARSERS: Final = ("JSONParser", "FormParser", "MultiPartParser")
_FILES: Final = ("FileField", "ImageField")
# Apps that change what every endpoint does, by the beginning of their name.
_APPS: Final = {
    "channels": ("websockets", "WebSockets: they stay with Django, or move to FastAPI by themselves"),
    "daphne": ("websockets", "WebSockets: they stay with Django, or move to FastAPI by themselves"),
    "django_tenants": ("tenants", "one schema per tenant: FastAPI has to set the search path by request"),
    "tenant_schemas": ("tenants", "one schema per tenant: FastAPI has to set the search path by request"),
    "simple_history": ("history", "rows of history are written by Django's signals"),
    "auditlog": ("history", "rows of the log are written by Django's signals"),
    "reversion": ("history", "versions are written by Django's signals"),
    "guardian": ("object-permissions", "permissions by object are rows that FastAPI has to ask for"),
    "modeltranslation": ("translation", "which column is answered depends on the language of the request"),
    "parler": ("translation", "which row is answered depends on the language of the request"),
    "polymorphic": ("inheritance", "which class a row has is known to Django alone"),
    "mptt": ("trees", "columns of the tree are computed by Django at each write"),
    "treebeard": ("trees", "columns of the tree are computed by Django at each write"),
    "waffle": ("switches", "feature switches are rows that FastAPI has to ask for"),
    "cacheops": ("cache", "cached querysets don't learn of what FastAPI writes"),
}


class Effort(IntEnum):
    """How much work an endpoint is, the least first."""

    # `strangler scaffold` writes it whole.
    SCAFFOLD = 0
    # Some functions of the project have to be written again.
    PORT = 1
    # The whole endpoint has to be.
    REWRITE = 2
    # Better left with Django.
    STAY = 3


@dataclass(frozen=True, order=True)
class Hazard:
    """Something that a port can lose. `code` is its heading in docs/hazards.md, `what` names the project's own code."""

    code: str
    effort: Effort
    what: str


def endpoint_hazards(endpoint: DjangoEndpoint, tables: Mapping[str, TableFacts]) -> Iterator[Hazard]:
    """The hazards of one endpoint; `tables` are the contract's facts by model (`blog.Post`)."""
    if not endpoint.is_api:
        yield Hazard("django-view", Effort.STAY, endpoint.view)
        return
    if not endpoint.is_routable:
        yield Hazard("path", Effort.STAY, endpoint.path)
    yield from _access(endpoint)
    if not _is_token_view(endpoint):
        yield from _handler(endpoint)
        yield from _list(endpoint)
        if endpoint.serializer and endpoint.method != "DELETE":
            yield from _serializer(endpoint.serializer, writes=endpoint.method in _BODIES)
        if endpoint.method != "GET":
            yield from _writes(endpoint, tables)
    for each in endpoint.unread:
        yield Hazard("unread", Effort.PORT, f"{each.what} ({each.reason})")


def project_hazards(api: DjangoApi, tables: Mapping[str, TableFacts]) -> Iterator[Hazard]:
    """The hazards of the whole project: its middleware, its apps, its databases, what only Django's admin does."""
    for name in api.settings.other_middleware:
        hint = ": turn it off before you compare, it adds headers to answers"
        yield Hazard("middleware", Effort.PORT, f"{name}{hint if name.startswith(_DEBUGGERS) else ''}")
    for name in api.settings.middleware:
        if name.endswith("UpdateCacheMiddleware"):
            yield Hazard("cached-answers", Effort.PORT, name)
        elif name.endswith("LocaleMiddleware"):
            yield Hazard("translation", Effort.PORT, name)
    for app in api.settings.installed_apps:
        for beginning, (code, why) in _APPS.items():
            if app == beginning or app.startswith(f"{beginning}."):
                yield Hazard(code, Effort.PORT, f"{app}: {why}")
    if "django.contrib.admin" in api.settings.installed_apps:
        yield Hazard("admin", Effort.STAY, "Django's admin goes on with Django: it is no endpoint of the API")
    if api.suffixed:
        shown = f"{len(api.suffixed)} paths with a format suffix" if len(api.suffixed) > 1 else api.suffixed[0]
        yield Hazard("format-suffix", Effort.STAY, f"{shown}: nginx leaves them to Django at every stage")
    if len(api.settings.databases) > 1:
        yield Hazard("databases", Effort.PORT, ", ".join(api.settings.databases))
    if (gap := api.settings.error_gap) is not None:
        yield Hazard("error-shape", Effort.PORT, gap.removeprefix("errors by "))
    for name, value in api.settings.unfollowed.items():
        yield Hazard("settings", Effort.PORT, f"{name} is {value}")
    parts = sorted(facts.model for facts in tables.values() if facts.parents)
    if parts:
        yield Hazard("inheritance", Effort.PORT, f"models in several tables: {', '.join(parts)}")


def _access(endpoint: DjangoEndpoint) -> Iterator[Hazard]:
    for name in endpoint.authenticators or ():
        if name not in _PLAIN_AUTHENTICATORS:
            code = "session" if name.endswith("SessionAuthentication") else "authenticator"
            yield Hazard(code, Effort.PORT, name)
    for expression in endpoint.permissions or ():
        if not all(word.startswith(_KNOWN) for word in expression.replace("~", " ").strip("()").split() if "." in word):
            yield Hazard("permission", Effort.PORT, expression)
    if "get_permissions" in endpoint.overridden:
        yield Hazard("permission", Effort.PORT, f"{endpoint.view}.get_permissions, read without a request")
    if endpoint.permissions == () and not _is_token_view(endpoint):
        yield Hazard("open", Effort.PORT, "no permission class: anybody may call it")
    for name in endpoint.throttles or ():
        yield Hazard("throttle", Effort.PORT, name)


def _is_token_view(endpoint: DjangoEndpoint) -> bool:
    """Whether it is a view of simplejwt's, or one derived from it that was read."""
    own = endpoint.token_view
    return endpoint.view.startswith(_KNOWN_VIEWS) if own is None else own.gap is None


def _handler(endpoint: DjangoEndpoint) -> Iterator[Hazard]:
    is_read = endpoint.handler is not None
    if endpoint.action is None and not is_read:
        known = any(base.startswith(_KNOWN_VIEWS) for base in endpoint.bases)
        effort = Effort.PORT if known else Effort.REWRITE
        yield Hazard("handler", effort, f"{endpoint.view}.{endpoint.method.lower()}")
    elif endpoint.action not in _CALLS and not is_read:
        yield Hazard("handler", Effort.REWRITE, f"{endpoint.view}.{endpoint.action}")
    for name in endpoint.overridden:
        if name in (*_EVERY, *_CALLS.get(endpoint.action or "", ())):
            effort = Effort.PORT if name.startswith("perform_") else Effort.REWRITE
            yield Hazard("handler", effort, f"{endpoint.view}.{name}")
        elif name in {"get_queryset", "filter_queryset", "get_object"}:
            yield Hazard("queryset", Effort.PORT, f"{endpoint.view}.{name}")
    if endpoint.versioning:
        yield Hazard("versioning", Effort.PORT, endpoint.versioning)
    for name in endpoint.renderers or ():
        own = (endpoint.own_renderers or {}).get(name)
        if name not in RENDERERS and (own is None or own.gap is not None):
            yield Hazard("renderer", Effort.PORT, name)
    for name in endpoint.parsers or ():
        if endpoint.method in _BODIES and not (name.startswith(_KNOWN) and name.endswith(_PARSERS)):
            code = "upload" if name.endswith("FileUploadParser") else "parser"
            yield Hazard(code, Effort.PORT, name)


def _list(endpoint: DjangoEndpoint) -> Iterator[Hazard]:
    pages, filters = endpoint.pagination, endpoint.filters
    if pages and (pages.kind == "custom" or pages.overridden):
        yield Hazard("pagination", Effort.PORT, f"{pages.kind}: {', '.join(pages.overridden) or 'a class of its own'}")
    for backend in filters.backends if filters else ():
        if not backend.startswith((*_KNOWN, "django_filters.")):
            yield Hazard("filter", Effort.PORT, backend)
    for parameter in filters.filterset.parameters if filters and filters.filterset else ():
        if parameter.method:
            yield Hazard("filter", Effort.PORT, f"{parameter.name} by {parameter.method}")


def _serializer(serializer: SerializerFacts, *, writes: bool) -> Iterator[Hazard]:
    for name in serializer.overridden:
        if name == "to_representation" or writes:
            yield Hazard("serializer", Effort.PORT, name)
    is_refused = {"create", "update"}.isdisjoint(serializer.overridden)
    for field in serializer.fields:
        yield from _field(field, writes=writes, refused=", which DRF refuses with 500" if is_refused else "")


def _field(field: SerializerField, *, writes: bool, refused: str) -> Iterator[Hazard]:
    if field.method:
        yield Hazard("method-field", Effort.PORT, f"{field.name} by {field.method}")
    elif field.kind.endswith(_FILES):
        yield Hazard("upload" if writes else "file-address", Effort.PORT, field.name)
    elif field.serializer and writes and not field.read_only:
        yield Hazard("nested-write", Effort.PORT, f"{field.name}{refused}")
    elif field.source.count(".") and writes and not field.read_only:
        yield Hazard("nested-write", Effort.PORT, f"{field.name} from {field.source}{refused}")


def _writes(endpoint: DjangoEndpoint, tables: Mapping[str, TableFacts]) -> Iterator[Hazard]:
    label = endpoint.model.label if endpoint.model else (endpoint.serializer.model if endpoint.serializer else None)
    facts = tables.get(label or "")
    links = endpoint.serializer.links(facts) if facts and endpoint.serializer and endpoint.method in _BODIES else ()
    through = (each for each in tables.values() if table_key(each.schema_name, each.name) in links)
    for name in (*(facts.receivers if facts else ()), *(name for each in through for name in each.link_receivers)):
        yield Hazard("signal", Effort.PORT, name)
    for name in facts.overrides if facts else ():
        yield Hazard("model-method", Effort.PORT, f"{label}.{name}")
