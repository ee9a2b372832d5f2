"""The facts of an endpoint whose handler is the project's own: those of the action of DRF's that it is, and others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from rest_framework import viewsets

from strangler_django.contract.sentences import first_line
from strangler_django.contract.unconnected import databases_closed
from strangler_django.endpoints.code.databases import other_databases
from strangler_django.endpoints.code.own_code import is_own, passed_to
from strangler_django.endpoints.code.own_models import model_facts
from strangler_django.endpoints.code.read_querysets import ReadParent
from strangler_django.endpoints.fields.serializers import serializer_facts
from strangler_django.endpoints.handlers.parts import Outcome, UsedSerializer
from strangler_django.endpoints.handlers.reading import ReadHandler, ReadLinks, read_handler
from strangler_django.endpoints.handlers.source import HandlerCode
from strangler_django.endpoints.lists.lists import facts_of_queryset, queryset_of
from strangler_django.endpoints.request_rows import parent_facts, rows_facts, validated

# What the handlers of DRF call, and one that is read doesn't unless it says so.
_CALLED: Final = frozenset(
    {
        *("list", "retrieve", "create", "update", "partial_update", "destroy"),
        *("perform_create", "perform_update", "perform_destroy", "get_queryset", "get_object", "filter_queryset"),
        *("get_serializer", "get_serializer_class", "get_serializer_context", "get_success_headers"),
        *("paginate_queryset", "get_paginated_response", "paginator", "queryset", "serializer_class"),
        *("pagination_class", "filter_backends", "filterset_class", "filterset_fields", "search_fields"),
        *("ordering_fields", "ordering", "lookup_field"),
    }
)
# What those call that find the row of a path.
_FINDING: Final = (
    *("get_object", "get_queryset", "filter_queryset", "queryset", "filter_backends", "filterset_class"),
    *("filterset_fields", "search_fields", "ordering_fields", "ordering", "lookup_field"),
)
_SAVED: Final = {"create": "create", "update": "update", "partial_update": "update"}
_OF_ROWS: Final = ("elsewhere", "model", "queryset", "filters", "own_filters", "pagination")


def handler_facts(made: Any, method: str, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any view
    """The facts that a handler of the project's own changes; none where it has none, or one that isn't read."""
    try:
        with databases_closed("it reads rows"):
            name = _name(made, method, facts["action"])
            code = HandlerCode.of_view(made, name) if name else None
            if name == "destroy" and code is None:
                code = HandlerCode.of_destroy(made)
            read = read_handler(made, code, method) if code else None
            return {} if read is None else _facts(made, read, facts)
    except Exception as error:  # noqa: BLE001 - whatever the project's own code raises without a real request
        reason = f"{type(error).__name__}: {first_line(error)}"
        return {"unread": [*facts["unread"], {"what": "handler", "reason": reason}]}


def _name(made: Any, method: str, action: str | None) -> str | None:  # noqa: ANN401 - as above
    """The method of a view that handles a request."""
    is_passed_on = action is not None and (not is_own(type(made), method) or passed_to(type(made), method) == action)
    return action if isinstance(made, viewsets.ViewSetMixin) or is_passed_on else method


def _facts(made: Any, read: ReadHandler, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - as above
    row, used = read.row, read.serializer
    is_of_view, is_filtered = read.of_view, read.of_view or (used is not None and used.filtered)
    found: dict[str, Any] = {
        "action": facts["action"] if isinstance(made, viewsets.ViewSetMixin) else read.action,
        "handler": {
            "action": read.action,
            "answer": _answer(read.answer),
            "missing": _answer(read.missing),
            "refused": _answer(read.refused),
            "checks": row is not None and row.checks,
            "filtered": is_filtered,
            "paged": read.answer.paged,
            "nonzero": sorted(read.nonzero),
            "partial": used is not None and used.partial,
            "changes": read.changes,
            "links": _links(read.links),
            "has_context": all(each is None or each.has_context for each in (used, read.shown)),
        },
        "creator": facts["creator"] if "perform_create" in read.hooks else used.creator if used else None,
        "creation": facts["creation"] if "perform_create" in read.hooks else _creation(used),
        "saving": {
            **{name: each for name, each in facts["saving"].items() if name in read.hooks},
            **({f"perform_{_SAVED[read.action]}": {"given": used.given}} if used and used.given else {}),
        },
    }
    called = {*read.hooks, *(_FINDING if is_filtered else ())}
    if used is not None and used.cls is None:
        called |= {"get_serializer_class", "get_serializer_context", "serializer_class"}
    found["overridden"] = [name for name in facts["overridden"] if name in called or name not in _CALLED]
    replaced: set[str] = set()
    if not is_of_view:
        replaced |= {*_OF_ROWS} - ({"filters", "own_filters", "pagination"} if is_filtered else set())
        found |= _rows(made, read)
    if used is not None and used.cls is not None:
        replaced |= {"serializer", "described"}
        found |= _serializer(made, read, used, facts)
    if read.action == "create" and used is not None:
        # A new row is one of its serializer's model.
        model = getattr(getattr(_made(made, used), "Meta", None), "model", None)
        found["model"] = None if model is None else model_facts(model)
    if read.shown is not None and read.shown.saved_by is not None:
        found["serializer"] = _answered_by(made, read.shown, found.get("serializer", facts["serializer"]))
    if not _is_certain(made, read, found, facts):
        return {}
    found["elsewhere"] = _elsewhere(made, read, facts["elsewhere"] if is_of_view else ())
    found["unread"] = [each for each in facts["unread"] if each["what"] not in replaced]
    return found


def _creation(used: UsedSerializer | None) -> dict[str, Any] | None:
    """The row that is found before a body is read, and that a new one belongs to."""
    if used is None or not used.parents:
        return None
    ((name, row),) = used.parents.items()
    assert row.rows is not None  # noqa: S101 - of a view's own none is taken
    rows = replace(row.rows, within={**row.rows.within, row.field: row.parameter})
    parent = parent_facts(ReadParent(rows, row.field))
    return {"parents": [parent], "fields": {name: 0}, "precedes_body": True}


def _rows(made: Any, read: ReadHandler) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The facts of the rows, where the view's own are others."""
    field, parameter = (read.row.field, read.row.parameter) if read.row else ("pk", "pk")
    found: dict[str, Any] = {
        "of_caller": False,
        "callers_row": None,
        "lookup": {"field": field, "parameter": parameter},
    }
    if read.rows is None:
        return found | {"rows": None, "model": None, "queryset": None}
    queryset, rows = read.rows.queryset, rows_facts(read.rows)
    return found | {
        "rows": rows if any(rows.values()) else None,
        "model": model_facts(queryset.model),
        "queryset": facts_of_queryset(queryset, made),
    }


def _is_certain(made: Any, read: ReadHandler, found: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:  # noqa: ANN401 - as above
    """Whether it is so for all rows, and for all that a serializer shows."""
    rows_found = found.get("rows", facts["rows"]) if read.row is not None else None
    if rows_found and rows_found["parents"] and read.missing is not None:
        # What is answered without a parent is another thing.
        return False
    taken = found.get("serializer", facts["serializer"]) or {}
    if taken.get("rows") and made.request.method == "POST" and read.action != "create":
        # What `validate` asks of a POST is for new rows.
        return False
    if read.serializer and read.serializer.filtered and found.get("model", facts["model"]) != facts["model"]:
        return False
    rows = read.rows.queryset if read.rows else queryset_of(made) if read.of_view else None
    if "update" in read.action and not read.forgets and getattr(rows, "_prefetch_related_lookups", ()):
        # What was read in advance is shown as it was.
        return False
    shown = found.get("serializer", facts["serializer"]) or {"fields": ()}
    is_usual = (read.answer.status, read.answer.body) == (201, ["data"])
    return is_usual or not read.answer.has_headers or all(each["name"] != "url" for each in shown["fields"])


def _made(made: Any, used: UsedSerializer) -> Any:  # noqa: ANN401 - a view, and a serializer
    return made.get_serializer() if used.cls is None else used.cls(context={"request": made.request})


def _serializer(
    made: Any,  # noqa: ANN401 - as above
    read: ReadHandler,
    used: UsedSerializer,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The facts of the serializer, where the view's own is another."""
    model = None if read.rows is None else read.rows.queryset.model
    serializer, described = _made(made, used), facts["described"] or facts["serializer"]
    found = validated(serializer, made, serializer_facts(serializer, model))
    return {"serializer": found, "described": described if described != found else None}


def _answered_by(made: Any, shown: UsedSerializer, serializer: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The facts of a serializer that saves what another one shows."""
    answers = serializer_facts(_made(made, shown))
    return dict(serializer) if answers["class"] == serializer["class"] else {**serializer, "answers": answers}


def _elsewhere(made: Any, read: ReadHandler, known: Iterable[str] | None) -> list[str]:  # noqa: ANN401 - as above
    """The rows that aren't in the database of the contract; some are `known`."""
    rows = None if read.rows is None else read.rows.queryset
    serializer = None if read.serializer is None else _made(made, read.serializer)
    found = other_databases(None if rows is None else rows.model, rows, serializer)
    return list(dict.fromkeys((*(known or ()), *found)))


def _links(read: ReadLinks | None) -> dict[str, Any] | None:
    """The rows that link a row to the caller, and what is done where there is one or none."""
    if read is None:
        return None
    ways = {"absent": read.absent, "present": read.present}
    return {
        "table": read.link.model._meta.db_table,  # noqa: SLF001 - how Django documents to read a model
        "row": read.link.row,
        "caller": read.link.caller,
        "own": _answer(read.own),
        **{
            name: {"writes": way.writes, "answer": None if way.answer.raises else _answer(way.answer)}
            for name, way in ways.items()
        },
    }


def _answer(outcome: Outcome | None) -> dict[str, Any] | None:
    """An answer; `detail` is what DRF's own says of what isn't there."""
    if outcome is None:
        return None
    return {
        "status": outcome.status,
        "body": outcome.body,
        "detail": outcome.detail,
        "http404": outcome.http404,
        "has_headers": outcome.has_headers,
    }
