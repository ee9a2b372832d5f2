"""What a view of the API is made of: its actions, who may call it, how its lists are filtered, ordered and paged."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import cached_property
from rest_framework import generics, viewsets
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from strangler_django.contract.sentences import first_line
from strangler_django.contract.unconnected import databases_closed
from strangler_django.endpoints.cached_pages import cache_facts
from strangler_django.endpoints.callers_row import callers_row
from strangler_django.endpoints.code.databases import other_databases
from strangler_django.endpoints.code.own_code import (
    is_own,
    passing_methods,
    returns_caller,
)
from strangler_django.endpoints.code.own_models import model_facts
from strangler_django.endpoints.constants.hooks import constant_hooks
from strangler_django.endpoints.fields.serializers import serializer_facts
from strangler_django.endpoints.handlers.facts import handler_facts
from strangler_django.endpoints.lists.lists import (
    filter_facts,
    has_queryset,
    own_filters,
    pagination_facts,
    queryset_facts,
    queryset_of,
)
from strangler_django.endpoints.lists.own_querysets import read_queryset
from strangler_django.endpoints.own_renderers import renderer_facts
from strangler_django.endpoints.own_saving import read_saving
from strangler_django.endpoints.path_views import is_wrapped, view_class, view_methods
from strangler_django.endpoints.permissions.own_permissions import own_rules, permission_maps
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.endpoints.request_rows import rows_facts, saving_facts, validated
from strangler_django.endpoints.throttles import throttle_facts
from strangler_django.endpoints.token_views import token_view_facts
from strangler_django.endpoints.versions import version_facts
from strangler_django.python_source import class_name

# Attributes that are classes with code of their own, which none of the project's may replace.
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CLASSES: Final = ("metadata_class", "content_negotiation_class")
_LIBRARYS: Final = (SimpleMetadata, DefaultContentNegotiation)
# What every view derives from.
_BASE_MODULES: Final = frozenset({"builtins", "django.views.generic.base", "rest_framework.views"})
# What a project overrides in its views, each of which a port has to read.
_HOOKS: Final = (
    *("list", "retrieve", "create", "update", "partial_update", "destroy"),
    *("perform_create", "perform_update", "perform_destroy", "get_queryset", "get_object", "filter_queryset"),
    *("get_serializer", "get_serializer_class", "get_serializer_context", "get_permissions", "get_authenticators"),
    *("get_throttles", "get_renderers", "get_parsers", "paginate_queryset", "get_paginated_response"),
    *("initial", "dispatch", "finalize_response", "handle_exception", "initialize_request", "setup"),
    *("check_permissions", "check_object_permissions", "check_throttles", "perform_authentication"),
    *("permission_denied", "throttled", "determine_version", "perform_content_negotiation", "get_exception_handler"),
    *("get_success_headers", "get_parser_context", "get_renderer_context", "paginator"),
    *("allowed_methods", "_allowed_methods", "default_response_headers", "get_authenticate_header", "options"),
    *("get_content_negotiator", "get_exception_handler_context", "get_format_suffix", "http_method_not_allowed"),
    *("get_view_name", "get_view_description"),
)
# Attributes of a view that say what it does, each of which a property may have say otherwise for each request.
_ATTRIBUTES: Final = (
    *("queryset", "serializer_class", "permission_classes", "authentication_classes", "throttle_classes"),
    *("renderer_classes", "parser_classes", "pagination_class", "filter_backends", "filterset_class"),
    *("filterset_fields", "search_fields", "ordering_fields", "ordering", "lookup_field", "versioning_class"),
    *("lookup_url_kwarg", "http_method_names", "metadata_class", "content_negotiation_class"),
)


def view_facts(
    view: Any,  # noqa: ANN401 - as above
    method: str,
    action: str | None,
    parameters: Mapping[str, Any],
    namespace: str = "",
) -> dict[str, Any]:
    """The facts of one method of a DRF view, which gets `parameters` as those of its path, included in a `namespace`.

    What the project's code fails to give is listed under `unread`: it may need a real request, or a row.
    """
    cls = view_class(view)
    assert cls is not None  # noqa: S101 - the caller has looked

    def make() -> Any:  # noqa: ANN401 - any view
        return _instance(view, cls, method, action, parameters)

    unread: list[dict[str, str]] = []
    made = make()
    attributes = ViewAttributes(made)
    read = _read(lambda: read_queryset(made), "get_queryset", unread)
    if read is not None:
        # Nobody owns rows: what else the view is made of is read with those of everybody.
        made.get_queryset = read.queryset.all
    facts: dict[str, Any] = {
        "action": action,
        "bases": [class_name(each) for each in cls.__mro__[1:] if each.__module__ not in _BASE_MODULES],
        "detail": bool(getattr(made, "detail", False)),
        "overridden": [
            *(name for name in _HOOKS if _is_overridden(cls, name)),
            *(name for name in _ATTRIBUTES if _is_property(cls, name)),
            *(name for name in _CLASSES if getattr(made, name) not in (getattr(APIView, name), *_LIBRARYS)),
            *(["as_view"] if is_own(cls, "as_view") or is_wrapped(view) else []),
        ],
        "constant": _read(lambda: constant_hooks(make), "constant", unread) or [],
        **(_read(lambda: _saving(made), "creator", unread) or saving_facts(None, None)),
        "rows": _read(lambda: rows_facts(read), "get_queryset", unread) if read else None,
        "cached": _read(lambda: cache_facts(_methods_run(cls, method, action)), "cached", unread),
        "without": [name.upper() for name in ("head", "options") if name not in made.http_method_names],
        "of_caller": _read(lambda: returns_caller(cls, "get_object"), "get_object", unread) or False,
        "callers_row": _read(lambda: callers_row(cls, "get_object"), "get_object", unread),
        "describes": hasattr(made, "get_serializer"),
        "unread": unread,
    }
    if isinstance(made, generics.GenericAPIView):
        facts["lookup"] = {"field": made.lookup_field, "parameter": made.lookup_url_kwarg or made.lookup_field}
    versioning = made.versioning_class
    facts["versioning"] = class_name(versioning) if versioning else None
    facts["versions"] = _read(lambda: version_facts(made, namespace), "versions", unread)
    lists = method == "get" and action != "retrieve" and not facts["detail"]
    parts = {
        "authenticators": lambda: _classes(made.get_authenticators()),
        "permissions": lambda: [_permission(each) for each in made.get_permissions()],
        "permission_rules": lambda: (
            own_rules(made.get_permissions(), lambda: _model_class(made), attributes) if facts["permissions"] else None
        ),
        "permission_maps": lambda: permission_maps(made.get_permissions()) if facts["permissions"] else None,
        "throttles": lambda: _classes(made.get_throttles()),
        "throttle_rates": lambda: throttle_facts(made),
        "renderers": lambda: _classes(made.get_renderers()),
        "own_renderers": lambda: renderer_facts(made),
        "parsers": lambda: _classes(made.get_parsers()),
        "pagination": lambda: pagination_facts(made) if lists else None,
        "model": lambda: _model(made),
        "queryset": lambda: queryset_facts(made) if facts["model"] else None,
        "title": lambda: made.get_view_name(),
        "description": lambda: made.get_view_description(),
        "filters": lambda: filter_facts(made) if lists else None,
        "own_filters": lambda: own_filters(made) if isinstance(made, generics.GenericAPIView) else [],
        "serializer": lambda: _serializer(made, facts) if _serializes(made) else None,
        "token_view": lambda: token_view_facts(made, _serializer_class(made)) if method == "post" else None,
        "elsewhere": lambda: _elsewhere(made, facts),
        "described": lambda: _described(made, facts) if method in ("post", "put") and facts["serializer"] else None,
    }
    for name, part in parts.items():
        facts[name] = _read(part, name, unread)
    # A permission that looks at the action finds another one there.
    if "get_permissions" in facts["overridden"] or attributes.reads_action:
        facts["unoffered"] = _unoffered(view, made)
    return facts | handler_facts(made, method, facts)


def _saving(made: Any) -> dict[str, Any]:  # noqa: ANN401 - any view
    return saving_facts(read_saving(made, "perform_create"), read_saving(made, "perform_update"))


def _methods_run(cls: type, method: str, action: str | None) -> dict[str, list[Any]]:
    """The functions that a request to a view runs, by their names."""
    return {name: passing_methods(cls, name) for name in ("dispatch", method, action or method)}


def unread_facts(error: Exception, what: str) -> dict[str, str]:
    """What can't be read of a view, and why."""
    return {"what": what, "reason": f"{type(error).__name__}: {first_line(error)}"}


def _read(part: Callable[[], Any], what: str, unread: list[dict[str, str]]) -> Any:  # noqa: ANN401 - any fact
    """What `part` reads; None where the project's code fails without a real request, which is added to `unread`."""
    try:
        with databases_closed("it reads rows"):
            return part()
    except Exception as error:  # noqa: BLE001 - whatever the project's own code raises
        unread.append(unread_facts(error, what))
        return None


def _unoffered(view: Any, made: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - as above
    """The permissions of OPTIONS and of the methods that a path doesn't offer, which are asked there, too.

    A viewset's action is `metadata` then, or none.
    """
    own, found = made.action if isinstance(made, viewsets.ViewSetMixin) else None, {}
    for method in {"OPTIONS", *_METHODS} - {each.upper() for each in view_methods(view)}:
        made.request._request.method = method
        if isinstance(made, viewsets.ViewSetMixin):
            made.action = "metadata" if method == "OPTIONS" else None
        try:
            with databases_closed("it reads rows"):
                given = made.get_permissions()
                found[method] = {
                    "permissions": [_permission(each) for each in given],
                    "permission_rules": own_rules(given, lambda: _model_class(made), ViewAttributes(made)),
                    "permission_maps": permission_maps(given),
                }
        except Exception:  # noqa: BLE001 - as above
            found[method] = {"permissions": None}
    if isinstance(made, viewsets.ViewSetMixin):
        made.action = own
    return dict(sorted(found.items()))


def _instance(
    view: Any,  # noqa: ANN401 - any view
    cls: type[APIView],
    method: str,
    action: str | None,
    parameters: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - the same
    made: Any = cls(**getattr(view, "initkwargs", {}))
    raw = HttpRequest()
    raw.method = method.upper()
    raw.META = {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    raw.user = AnonymousUser()
    request = Request(raw)
    request._user = AnonymousUser()  # no authenticator may run: there are no credentials
    made.request, made.args, made.kwargs, made.format_kwarg = request, (), dict(parameters), None
    # Django's switch for code that reads the request of nobody.
    made.swagger_fake_view = True
    if isinstance(made, viewsets.ViewSetMixin):
        made.action_map, made.action = getattr(view, "actions", {}), action
    return made


def _is_property(cls: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(cls, name, None), property | cached_property)


def _is_overridden(cls: type, name: str) -> bool:
    return is_own(cls, name)


def _classes(found: Any) -> list[str]:  # noqa: ANN401 - whatever the view gives
    return [class_name(type(each)) for each in found]


def _permission(permission: Any) -> str:  # noqa: ANN401 - as above
    """A permission's class; of combined ones the expression (`(A & ~B)`)."""
    kind = type(permission).__name__
    if kind in ("AND", "OR"):
        sign = "&" if kind == "AND" else "|"
        return f"({_permission(permission.op1)} {sign} {_permission(permission.op2)})"
    if kind == "NOT":
        return f"~{_permission(permission.op1)}"
    return class_name(type(permission))


def _serializer(made: Any, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The serializer; where the rows are known, one that names no model shows those."""
    serializer = made.get_serializer()
    return validated(serializer, made, serializer_facts(serializer, _model_class(made) if facts["model"] else None))


def _serializer_class(made: Any) -> type | None:  # noqa: ANN401 - as above
    return made.get_serializer_class() if hasattr(made, "get_serializer_class") else None


def _described(made: Any, facts: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ANN401 - as above
    """The serializer that OPTIONS describes, where a viewset has another one for the action `metadata`."""
    if not isinstance(made, viewsets.ViewSetMixin) or not _is_overridden(type(made), "get_serializer_class"):
        return None
    own, made.action = made.action, "metadata"
    try:
        found = _serializer(made, facts)
    except Exception:  # noqa: BLE001 - Django's own OPTIONS fails on it, too
        return None
    finally:
        made.action = own
    return None if found == facts["serializer"] else found


def _elsewhere(made: Any, facts: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 - as above
    """The rows of an endpoint that aren't in the database of the contract, as far as its models are known."""
    model = _model_class(made) if facts["model"] else None
    serializer = made.get_serializer() if facts["serializer"] else None
    return other_databases(model, queryset_of(made) if model else None, serializer)


def _serializes(made: Any) -> bool:  # noqa: ANN401 - as above
    # DRF's ObtainAuthToken is no generic view, and has a serializer all the same.
    if not hasattr(made, "get_serializer"):
        return False
    return made.serializer_class is not None or _is_overridden(type(made), "get_serializer_class")


def _model_class(made: Any) -> Any:  # noqa: ANN401 - as above
    """The model of the queryset; None of one that can't be read, or that isn't there."""
    if not isinstance(made, generics.GenericAPIView) or not has_queryset(made):
        return None
    return getattr(made.get_queryset(), "model", None)


def _model(made: Any) -> dict[str, Any] | None:  # noqa: ANN401 - as above
    model = _model_class(made)
    return None if model is None else model_facts(model)
