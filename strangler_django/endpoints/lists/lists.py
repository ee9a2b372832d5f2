"""How a view's lists are divided, narrowed and ordered."""

import inspect
from collections.abc import Iterator
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.utils.functional import cached_property
from rest_framework import filters, generics, pagination

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.conditions import conditions_of
from strangler_django.endpoints.code.own_code import is_own
from strangler_django.endpoints.code.own_models import changed_rows, reads_rows
from strangler_django.endpoints.constants.rows import rows_state
from strangler_django.endpoints.expressions.annotations import annotations_of
from strangler_django.endpoints.lists.filtersets import filterset_facts, own_of_filterset
from strangler_django.endpoints.lists.own_backends import own_backends
from strangler_django.python_source import class_name

# What a project overrides in its pages.
_PAGING: Final = (
    *("paginate_queryset", "get_paginated_response", "get_page_size", "get_page_number", "django_paginator_class"),
    *("get_limit", "get_offset", "get_count", "get_ordering", "get_next_link", "get_previous_link"),
    *("decode_cursor", "encode_cursor", "_get_position_from_instance", "__init__"),
)
_PROPERTIES: Final = (property, cached_property)


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
            facts["search"] = {
                "parameter": backend.search_param,
                "fields": plain(getattr(made, "search_fields", ())),
                "lookups": [[*each] for each in _searched(backend, made)],
            }
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
                facts["filterset"] = filterset_facts(filterset) | {
                    "lenient": not getattr(backend, "raise_exception", True)
                }
    return facts


def own_filters(made: Any) -> list[str]:  # noqa: ANN401 - a project's own view
    """Code of the project's own that leaves rows out, of a list and of what a path names (`filter_queryset`)."""
    own = [each.name for each in own_backends(made)]
    for backend in (each() for each in made.filter_backends if _takes_filtersets(each)):
        # Those that it makes of `filterset_fields` have no more of the project's than their base.
        filterset = backend.get_filterset_class(made, None)
        own += own_of_filterset(backend.filterset_base if filterset is None else filterset)
    return own


def _searched(backend: Any, made: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a SearchFilter, and a view
    """The path of each column that is searched, and the lookup."""
    for name in map(str, getattr(made, "search_fields", None) or ()):
        found = backend.construct_search(name, queryset_of(made))
        path = name[1:] if name[:1] in backend.lookup_prefixes else name
        if found == name:
            path = found.rpartition("__")[0]
        yield path, found.removeprefix(f"{path}__")


def _takes_filtersets(backend: type) -> bool:
    return hasattr(backend, "get_filterset_class")


def _valid_orders(backend: Any, made: Any) -> list[str] | None:  # noqa: ANN401 - an OrderingFilter
    """The terms that clients may order by; None where only a row says."""
    try:
        found = backend.get_valid_fields(queryset_of(made), made, {"request": made.request, "view": made})
    except Exception:  # noqa: BLE001 - the project's own serializer without a real request
        return None
    return [str(name) for name, _label in found]
