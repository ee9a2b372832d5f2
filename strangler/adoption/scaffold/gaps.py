"""What of a view the scaffold can't write: each gap is a clause that names the project's own code."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from strangler.adoption.endpoints import BROWSABLE_API, RENDERERS, DjangoEndpoint
from strangler.adoption.scaffold.versions import version_gaps
from strangler.adoption.serializer_facts import SerializerFacts

# What a Resource of strangler_fastapi does under the names of DRF's actions.
ACTIONS: Final = {
    "list": "list",
    "retrieve": "retrieve",
    "create": "create",
    "update": "update",
    "partial_update": "update",
    "destroy": "destroy",
    "assign": "assign",
    "link": "link",
}
# Those of a Resource that names none.
USUAL_ACTIONS: Final = ("list", "retrieve", "create", "update", "destroy")
# Those that take nothing of a body that a serializer reads.
BODILESS: Final = frozenset({"destroy", "assign", "link"})
WRITES: Final = frozenset({"create", "update", "partial_update", "destroy"})
# Hooks whose result is in the facts; one that reads nothing of a request gives it for every request.
_READ: Final = frozenset(
    {
        *("get_queryset", "get_serializer_class", "get_permissions", "get_authenticators"),
        *("get_throttles", "get_renderers", "get_parsers"),
    }
)
# Hooks that save what was validated, or delete a row: a function of the resource stands for one of the project's own.
_SAVING: Final = {
    "perform_create": ("create",),
    "perform_update": ("update", "partial_update"),
    "perform_destroy": ("destroy",),
}
# Those that OPTIONS alone calls.
_OF_OPTIONS: Final = frozenset({"get_view_description", "get_view_name", "metadata_class", "options"})
# Hooks that only some actions call.
_CALLED_BY: Final = {
    "list": {"list"},
    "retrieve": {"retrieve"},
    "create": {"create"},
    "update": {"update", "partial_update"},
    "partial_update": {"partial_update"},
    "destroy": {"destroy"},
    "perform_destroy": {"destroy"},
    "get_object": {"retrieve", "update", "partial_update", "destroy", "assign", "link"},
    # A new row is in no queryset.
    "get_queryset": {"list", "retrieve", "update", "partial_update", "destroy", "assign", "link"},
    "filter_queryset": {"list", "retrieve", "update", "partial_update", "destroy", "assign", "link"},
    "paginate_queryset": {"list"},
    "get_paginated_response": {"list"},
    "get_serializer": {"list", "retrieve", "create", "update", "partial_update", "assign", "link"},
    "get_serializer_class": {"list", "retrieve", "create", "update", "partial_update", "assign", "link"},
    "get_serializer_context": {"list", "retrieve", "create", "update", "partial_update", "assign", "link"},
}
# Fields whose values depend on the request; what a method of the project's own reads is a gap by itself.
_OF_CONTEXT: Final = frozenset(
    {"FileField", "ImageField", "HyperlinkedIdentityField", "HyperlinkedRelatedField", "HiddenField"}
)
# Those of `strangler_fastapi.drf.http.bodies`, by what they are called in Django.
PARSERS: Final = {
    f"{module}.parsers.{name}": name
    for module in ("rest_framework", "strangler_django")
    for name in ("JSONParser", "FormParser", "MultiPartParser", "FileUploadParser")
}
# Whose views are nobody's own.
_LIBRARIES: Final = (
    "rest_framework",
    "drf_spectacular.",
    "drf_yasg.",
    "djoser.",
    "dj_rest_auth.",
    "knox.",
    "oauth2_provider.",
)
# What becomes of the views of packages that sign users in.
_HINTS: Final = {
    "dj_rest_auth.": "leave it with Django, whose tokens, cookies and sessions FastAPI reads",
    "djoser.": "leave it with Django, whose users and tokens FastAPI reads",
    "oauth2_provider.": "leave it with Django, whose users and tokens FastAPI reads",
    "knox.": "leave it with Django, whose users and tokens FastAPI reads",
}
_PAGES: Final = ("page", "limit_offset", "cursor")


def handler_gaps(endpoint: DjangoEndpoint) -> Iterator[str]:
    """The gaps of what a method does, but for its serializer, its callers and who of them may."""
    view, action = endpoint.view.rpartition(".")[2], endpoint.action or ""
    unmade = [each.reason for each in endpoint.unread if each.what == "view"]
    if unmade:
        yield f"{view} can't be made without a request ({unmade[0]})"
        return
    if action not in ACTIONS:
        why = "has no counterpart here" if endpoint.view.startswith(_LIBRARIES) else "is your own"
        why += next((f": {hint}" for package, hint in _HINTS.items() if endpoint.view.startswith(package)), "")
        yield f"handler {view}.{action or endpoint.method.lower()} {why}"
        return
    for name in endpoint.overridden:
        if name == "get_serializer_context" and endpoint.serializer and not reads_context(endpoint.serializer):
            continue
        if name not in ("as_view", "get_permissions", "get_authenticators", *_OF_OPTIONS, *_SAVING, *_told(endpoint)):
            is_called = action in _CALLED_BY.get(name, {action})
            if is_called and not (name in _READ and name in endpoint.constant):
                yield f"{view}.{name} is your own"
    yield from (f"rows of {each}" for each in endpoint.elsewhere or ())
    if endpoint.model and endpoint.model.writes and action in WRITES | BODILESS:
        yield f"of the proxy {endpoint.model.name} Django calls others: {', '.join(endpoint.model.writes)}"
    yield from _rows(endpoint)
    yield from request_gaps(endpoint)
    handler, serializer = endpoint.handler, endpoint.serializer
    if handler is not None and not handler.has_context and serializer is not None and reads_context(serializer):
        yield f"{view} gives serializer {serializer.path.rpartition('.')[2]} no context, which its fields look at"
    if action == "list":
        yield from _list(endpoint)


def options_remarks(endpoint: DjangoEndpoint) -> Iterator[str]:
    """What of the answers to OPTIONS is the project's own."""
    view = endpoint.view.rpartition(".")[2]
    yield from (f"OPTIONS: {view}.{name} is your own" for name in endpoint.overridden if name in _OF_OPTIONS)


def saving_gaps(endpoint: DjangoEndpoint) -> Iterator[str]:
    """The project's own hook that saves what was validated, or deletes a row."""
    for name, actions in _SAVING.items():
        if endpoint.action in actions and name in endpoint.overridden and name not in _told(endpoint):
            yield f"{endpoint.view.rpartition('.')[2]}.{name} is your own"


def reads_context(serializer: SerializerFacts) -> bool:
    """Whether a field's answer, or what it takes, depends on the serializer's context, as an address does."""
    return any(
        reads_context(each.serializer)
        if each.serializer
        else each.kind in _OF_CONTEXT
        or not each.path.startswith("rest_framework.")
        or each.default == "callable"
        or (each.computed is not None and each.computed.in_context)
        for each in serializer.fields
    )


def _told(endpoint: DjangoEndpoint) -> Iterator[str]:
    """Hooks of which the facts say all that they do."""
    if endpoint.creator or endpoint.creation:
        yield "perform_create"
    yield from endpoint.saving
    if endpoint.rows:
        yield "get_queryset"
    if endpoint.of_caller or endpoint.callers_row:
        yield "get_object"


def needs_no_queryset(endpoint: DjangoEndpoint) -> bool:
    """Whether Django never looks at the queryset: a row is added, or it is the caller's own."""
    return endpoint.action == "create" or is_callers(endpoint)


def is_callers(endpoint: DjangoEndpoint) -> bool:
    """Whether it is about the one row that `get_object` finds by the caller."""
    return endpoint.action != "list" and (endpoint.of_caller or endpoint.callers_row is not None)


def _rows(endpoint: DjangoEndpoint) -> Iterator[str]:
    unread = {each.what: each.reason for each in endpoint.unread}
    for what in ("cached", "versions", "model", "serializer", "filters", "own_filters", "pagination", "elsewhere"):
        is_needed = what not in ("model", "own_filters") or not needs_no_queryset(endpoint)
        if what in unread and is_needed and not (what == "model" and "get_queryset" in endpoint.overridden):
            yield f"{what} can't be read without a request ({unread[what]})"
    if endpoint.queryset is None and "model" not in unread and not needs_no_queryset(endpoint):
        yield "there is no queryset"
    elif endpoint.queryset and endpoint.queryset.narrowed and not needs_no_queryset(endpoint):
        yield f"the queryset has {', '.join(endpoint.queryset.narrowed)}"
    if not needs_no_queryset(endpoint):
        # Facts of before name the classes of backends alone.
        names = endpoint.rows.backends if endpoint.rows else ()
        read = {*names, *(f"filter backend {name}" for name in names)}
        yield from (each for each in endpoint.own_filters or () if each not in read)


def request_gaps(endpoint: DjangoEndpoint) -> Iterator[str]:
    """The gaps of how requests are read, and of how answers are written."""
    if endpoint.format_parameter:
        yield "a parameter of its path is the format of its answer"
    for each in endpoint.parameters:
        if each.converter:
            yield f"{each.name} of its path is what {each.converter} makes of it"
    if "as_view" in endpoint.overridden:
        yield f"{endpoint.view.rpartition('.')[2]}.as_view is your own, or a decorator is around it"
    yield from (gap for name in endpoint.renderers or () if (gap := _renderer_gap(name, endpoint)) is not None)
    if (endpoint.renderers or ())[:1] == (BROWSABLE_API,):
        yield "answers are pages of HTML unless a request wants JSON: put JSONRenderer before BrowsableAPIRenderer"
    for name in endpoint.parsers or ():
        if endpoint.method != "GET" and name not in PARSERS:
            yield f"parser {name}"
    yield from version_gaps(endpoint)
    if (cached := endpoint.cached) is not None and (cached.times > 1 or (cached.vary and endpoint.method != "GET")):
        yield "its answers are kept twice" if cached.times > 1 else f"its answers vary on {', '.join(cached.vary)}"


def _renderer_gap(name: str, endpoint: DjangoEndpoint) -> str | None:
    """Why answers aren't written as a renderer does."""
    own = (endpoint.own_renderers or {}).get(name)
    if name in RENDERERS:
        return None
    if own is None or own.gap is not None:
        return f"renderer {name}: {own.gap}" if own else f"renderer {name}"
    handler = endpoint.handler
    answers = (handler.answer, handler.missing, handler.refused) if handler else ()
    is_empty = any(each and (each.body == ["empty"] or each.status == HTTPStatus.NO_CONTENT) for each in answers)
    is_empty = is_empty or (endpoint.action == "destroy" and handler is None)
    return f"renderer {name} writes what there is of an empty answer" if is_empty else None


def _list(endpoint: DjangoEndpoint) -> Iterator[str]:
    pages = endpoint.pagination
    if pages and (pages.kind not in _PAGES or pages.overridden):
        yield f"pagination: {', '.join(pages.overridden) or pages.kind}"
    if endpoint.queryset and endpoint.queryset.ordering_unread:
        yield "the queryset is ordered by an expression"
