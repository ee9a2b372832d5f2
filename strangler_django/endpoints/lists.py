"""How a view's lists are divided, narrowed and ordered."""

import inspect
from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.utils.functional import cached_property
from rest_framework import filters, generics, pagination

from strangler_django.contract.plain import plain
from strangler_django.endpoints.annotations import annotations_of
from strangler_django.endpoints.conditions import conditions_of, is_narrowed
from strangler_django.endpoints.constants.rows import rows_state
from strangler_django.endpoints.own_backends import backend_name, own_backends
from strangler_django.endpoints.own_code import is_own
from strangler_django.endpoints.own_models import changed_rows, own_manager, reads_rows
from strangler_django.endpoints.serializers import class_name

# What a project overrides in its pages.
_PAGING: Final = (
    *("paginate_queryset", "get_paginated_response", "get_page_size", "get_page_number", "django_paginator_class"),
    *("get_limit", "get_offset", "get_count", "get_ordering", "get_next_link", "get_previous_link"),
    *("decode_cursor", "encode_cursor", "_get_position_from_instance", "__init__"),
)
_PROPERTIES: Final = (property, cached_property)
# What a project overrides in its FilterSets.
_FILTERING: Final = ("__init__", "filter_queryset", "form", "get_form_class", "is_valid", "qs")
# Where the classes of a filter's form are, unless they are a project's own.
_FORMS: Final = ("django.", "django_filters.", "builtins")
_CSV: Final = "django_filters.filters.BaseCSVFilter"
# Settings of a filter's form field that people see, or that are facts of their own, and those that say nothing.
_SHOWN: Final = frozenset(
    {"label", "help_text", "widget", "initial", "empty_label", "null_value", "choices", "queryset", "to_field_name"}
)
_UNSET: Final = {"required": False, "null_label": None}


def pagination_facts(made: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a project's own view
    """How a list is divided; None where it comes whole."""
    paginator = getattr(made, "paginator", None)
    if paginator is None:
        return None
    kinds = {
        "page": pagination.PageNumberPagination,
        "limit_offset": pagination.LimitOffsetPagination,
        "cursor": pagination.CursorPagination,
    }
    names = (
        *("page_size", "page_query_param", "page_size_query_param", "max_page_size", "last_page_strings"),
        *("default_limit", "limit_query_param", "offset_query_param", "max_limit", "cursor_query_param", "ordering"),
        *("offset_cutoff", "invalid_page_message", "invalid_cursor_message"),
    )
    return {
        "class": class_name(type(paginator)),
        "kind": next((kind for kind, cls in kinds.items() if isinstance(paginator, cls)), "custom"),
        "overridden": [
            *(name for name in _PAGING if is_own(type(paginator), name)),
            *(name for name in names if isinstance(inspect.getattr_static(paginator, name, None), _PROPERTIES)),
        ],
    } | {name: plain(getattr(paginator, name)) for name in names if hasattr(paginator, name)}


def queryset_facts(made: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a project's own view
    """The facts of a view's queryset."""
    queryset = queryset_of(made) if isinstance(made, generics.GenericAPIView) and has_queryset(made) else None
    return None if queryset is None else facts_of_queryset(queryset, made)


def facts_of_queryset(queryset: Any, made: Any) -> dict[str, Any]:  # noqa: ANN401 - a project's own, and its view
    """Whether a queryset of a view is all rows of its model, and its order.

    `where` are the conditions that rows meet, `annotations` what they have besides their columns; `narrowed` says what
    else there is.
    """
    query = queryset.query
    where, annotations = conditions_of(query), annotations_of(query)
    declared = getattr(made, "queryset", None)
    state = rows_state(declared, None if "queryset" in vars(made) else type(made), "queryset")
    changed = [*changed_rows(queryset.model)]
    reasons = {
        f"rows that are chosen by {state}": state is not None,
        "a filter": where is None,
        "annotations": annotations is None,
        "distinct": query.distinct,
        "a slice": query.is_sliced,
        f"{query.combinator}": bool(query.combinator),
        "extra": bool(query.extra),
        "deferred fields": bool(query.deferred_loading[0]),
        "rows that are none of its model": queryset._iterable_class is not ModelIterable,  # noqa: SLF001 - nothing else says it
        f"rows that {', '.join(changed)} may change": bool(changed),
        "code of a query of your own": type(query) is not Query or reads_rows(type(queryset)),
        "rows within by querysets of their own": any(map(_chooses, queryset._prefetch_related_lookups)),  # noqa: SLF001
    }
    # Django leaves a model's order out of what it groups, as it does to count.
    is_default = query.default_ordering and query.group_by is None
    default = queryset.model._meta.ordering if is_default else ()  # noqa: SLF001 - so Django documents it
    terms = query.order_by or default
    return {
        "narrowed": [reason for reason, found in reasons.items() if found],
        "where": where or [],
        "annotations": annotations or {},
        "ordering": [term for term in terms if isinstance(term, str)],
        "ordering_unread": not all(isinstance(term, str) for term in terms),
    }


def _chooses(lookup: Any) -> bool:  # noqa: ANN401 - a path, or Django's Prefetch
    """Whether related rows are fetched otherwise than the relation has them: some, more, or in another order."""
    rows = getattr(lookup, "queryset", None)
    if rows is None:
        return bool(getattr(lookup, "to_attr", None))
    if not isinstance(rows, QuerySet):
        return True
    query = rows.query
    own = (
        query.where,
        query.annotations,
        query.extra,
        query.order_by,
        query.combinator,
        query.distinct,
        lookup.to_attr,
    )
    return any(own) or query.is_sliced or any(map(_chooses, rows._prefetch_related_lookups))  # noqa: SLF001


def queryset_of(made: Any) -> Any:  # noqa: ANN401 - as above
    """The queryset of a view; all rows of a manager that stands in its place, as DRF takes it."""
    found = made.get_queryset()
    return found.all() if isinstance(found, BaseManager) else found


def has_queryset(made: Any) -> bool:  # noqa: ANN401 - a project's own view
    """Whether a generic view says which rows it is about."""
    return made.queryset is not None or is_own(type(made), "get_queryset")


def filter_facts(made: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a project's own view
    """How a list is narrowed and ordered; None where it isn't."""
    backends = getattr(made, "filter_backends", ())
    if not backends or not has_queryset(made):
        return None
    facts: dict[str, Any] = {"backends": [class_name(backend) for backend in backends]}
    for backend in (each() for each in backends):
        if isinstance(backend, filters.SearchFilter):
            facts["search"] = {"parameter": backend.search_param, "fields": plain(getattr(made, "search_fields", ()))}
        elif isinstance(backend, filters.OrderingFilter):
            facts["ordering"] = {
                "parameter": backend.ordering_param,
                "fields": plain(getattr(made, "ordering_fields", None)),
                "default": plain(getattr(made, "ordering", None)),
                "valid": _valid_orders(backend, made),
            }
        elif hasattr(backend, "get_filterset_class"):
            filterset = backend.get_filterset_class(made, queryset_of(made))
            if filterset is not None:
                facts["filterset"] = {
                    "class": class_name(filterset),
                    "parameters": list(_parameters(filterset)),
                    "overridden": [name for name in _FILTERING if _is_own(getattr(filterset, name, None))],
                }
    return facts


def own_filters(made: Any) -> list[str]:  # noqa: ANN401 - a project's own view
    """Code of the project's own that leaves rows out, of a list and of what a path names (`filter_queryset`)."""
    filterset = getattr(made, "filterset_class", None) if any(map(_takes_filtersets, made.filter_backends)) else None
    methods = [name for name in _FILTERING if filterset and _is_own(getattr(filterset, name, None))]
    own = [f"filter backend {backend_name(each)}" for each in own_backends(made)]
    return [*own, *([f"FilterSet: {', '.join(methods)}"] if methods else [])]


def _takes_filtersets(backend: type) -> bool:
    return hasattr(backend, "get_filterset_class")


def _valid_orders(backend: Any, made: Any) -> list[str] | None:  # noqa: ANN401 - an OrderingFilter
    """The terms that clients may order by; None where only a row says."""
    try:
        found = backend.get_valid_fields(queryset_of(made), made, {"request": made.request, "view": made})
    except Exception:  # noqa: BLE001 - the project's own serializer without a real request
        return None
    return [str(name) for name, _label in found]


def _parameters(filterset: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a FilterSet, if django_filters is there
    for name, each in filterset.base_filters.items():
        choices = each.extra.get("choices")
        yield {
            "name": name,
            "kind": type(each).__name__,
            "field": each.field_name,
            "lookup": each.lookup_expr,
            "exclude": each.exclude,
            "items": _read_by(type(each)) if _takes_commas(type(each)) else None,
            "to_field": each.extra.get("to_field_name"),
            "declared": not _takes_all_rows(filterset, name, each),
            "method": str(each.method)
            if each.method and not callable(each.method)
            else ("callable" if each.method else None),
            "choices": [plain(value) for value, _label in choices] if isinstance(choices, list | tuple) else None,
            "settings": sorted(_settings(each, filterset._meta.model)),  # noqa: SLF001 - so both document it
        }


def _takes_commas(kind: type) -> bool:
    """Whether a filter is one of values with commas."""
    return any(class_name(each) == _CSV for each in kind.__mro__)


def _read_by(kind: type) -> str | None:
    """The filter of django-filter's whose form reads each of several values."""
    return next((each.__name__ for each in kind.__mro__ if "field_class" in vars(each) and not _is_own(each)), None)


def _settings(declared: Any, model: Any) -> Iterator[str]:  # noqa: ANN401 - a filter, and the model of its set
    """The names of settings that change which texts are taken, or which rows are found."""
    yield from (name for name, value in declared.extra.items() if name not in _SHOWN and _UNSET.get(name, ...) != value)
    if _is_own(type(declared).filter):
        yield "code of your own"
    # Of several values it is made of that of one.
    if not all(each.__module__.startswith(_FORMS) for each in declared.field_class.__mro__):
        yield "a form field of your own"
    if getattr(declared, "conjoined", False):
        yield "conjoined"
    if hasattr(declared, "conjoined") and not declared.distinct:
        yield "rows as often as they are linked"
    if (widget := _own_widget(declared)) is not None:
        yield widget
    has_all_values = type(declared).__name__.startswith("AllValues") and model is not None
    if has_all_values and own_manager(model._default_manager):  # noqa: SLF001 - so Django documents it
        yield "a manager of your own"


def _own_widget(declared: Any) -> str | None:  # noqa: ANN401 - a filter
    """The class that reads what a request says otherwise than the filter's own widget does."""
    widget, kind = declared.extra.get("widget"), declared.field_class
    if issubclass(kind, forms.NullBooleanField):
        # That of django_filters.rest_framework is usual, and not what Django's form has without it.
        widget = widget or kind.widget
        cls = widget if isinstance(widget, type) else type(widget)
        return None if class_name(cls) == "django_filters.widgets.BooleanWidget" else cls.__name__
    if widget is None:
        return None
    cls, own = (
        each if isinstance(each, type) else type(each)
        for each in (widget, getattr(kind, "base_widget_class", kind.widget))
    )
    read = cls.value_from_datadict
    is_usual = read is own.value_from_datadict or read.__module__.startswith("django.forms.")
    return None if is_usual else cls.__name__


def _takes_all_rows(filterset: Any, name: str, declared: Any) -> bool:  # noqa: ANN401 - a FilterSet, and a filter
    """Whether a filter is what django-filter makes of a column, or of a relation: any row of its model may be sent.

    Of a many-to-many relation rows may be named by another column of theirs.
    """
    if name not in filterset.declared_filters:
        return not _chooses_rows(declared.extra.get("queryset"))
    queryset, named = declared.extra.get("queryset"), declared.extra.get("to_field_name")
    meta = filterset._meta.model._meta if filterset._meta.model else None  # noqa: SLF001 - so both document it
    relations = {each.name: each for each in (*meta.many_to_many, *(() if named else meta.fields))} if meta else {}
    field = str(declared.field_name).removesuffix(f"__{named}") if named else declared.field_name
    related = getattr(relations.get(field), "related_model", None)
    if not isinstance(queryset, QuerySet) or related is not queryset.model or (named and field == declared.field_name):
        return False
    return not is_narrowed(queryset.query) and rows_state(queryset, filterset, name) is None


def _chooses_rows(queryset: Any) -> bool:  # noqa: ANN401 - a queryset, or what gives one
    """Whether not any row of a model may be sent, or not at any time."""
    if not isinstance(queryset, QuerySet):
        return queryset is not None
    return is_narrowed(queryset.query) or own_manager(queryset.model._default_manager)  # noqa: SLF001 - so Django documents it


def _is_own(function: object) -> bool:
    module = str(getattr(getattr(function, "fget", function), "__module__", ""))
    return function is not None and not module.startswith(("django_filters.", "django.", "rest_framework."))
