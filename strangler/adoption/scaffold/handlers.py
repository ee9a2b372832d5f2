"""Handlers of a project's own as the actions of DRF's that they are, and what those do otherwise as code."""

from collections.abc import Iterable
from typing import Any, Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.handler_facts import AnswerFacts, HandlerFacts, LinkingFacts
from strangler.adoption.list_facts import ModelName, QuerysetFacts
from strangler.adoption.scaffold.code import Code, Items, call, dictionary, quoted
from strangler.adoption.scaffold.gaps import needs_no_queryset

MODULE: Final = "strangler_fastapi.drf.http.own_handler"
# What DRF's own handlers answer with.
_STATUSES: Final = {"create": 201, "destroy": 204}
_UPDATES: Final = ("update", "partial_update")


def as_action(endpoint: DjangoEndpoint) -> DjangoEndpoint:
    """The endpoint as the action that its handler is; one that needs no queryset has the model of its serializer."""
    handler, serializer = endpoint.handler, endpoint.serializer
    if handler is not None:
        own: dict[str, Any] = {} if handler.filtered else {"filters": None, "own_filters": ()}
        own |= {} if handler.paged else {"pagination": None}
        endpoint = endpoint.model_copy(update={"action": handler.action, **own})
    if endpoint.model or not needs_no_queryset(endpoint) or serializer is None or serializer.table is None:
        return endpoint
    model = ModelName(label=serializer.model or "", table=serializer.table)
    return endpoint.model_copy(update={"model": model, "queryset": QuerysetFacts()})


def handled_list(endpoint: DjangoEndpoint, others: Iterable[DjangoEndpoint]) -> DjangoEndpoint:
    """The list that a new row is shown in, as far as handlers of one view say; else the endpoint itself."""
    same = (
        as_action(each)
        for each in others
        if each.view == endpoint.view and each.handler and each.handler.action == "list" and each.model
        if each.model == endpoint.model and each.serializer == endpoint.serializer
    )
    return next(same, endpoint) if endpoint.action == "create" else endpoint


def handled_key(endpoint: DjangoEndpoint, rows: DjangoEndpoint) -> tuple[object, ...]:
    """What handlers of one resource have in common besides their serializer, of the endpoint whose `rows` they use."""
    handler = endpoint.handler
    if handler is None:
        return ()
    ordering = rows.queryset.ordering if rows.queryset else ()
    found = handler.filtered, handler.paged, handler.checks, ordering, tuple((endpoint.lookup or {}).items())
    return (*found, str(endpoint.saving)) if endpoint.saving else found


def handler_code(endpoint: DjangoEndpoint, *, is_own_form: bool) -> Code | None:
    """The `Handler` that an action of a Resource gets; None where it does the same as DRF's.

    `is_own_form` says that errors have a form of the project's own, which a handler's own answer doesn't get.
    """
    handler = endpoint.handler
    if handler is None:
        return None
    refused, is_usual = handler.refused, handler.partial is (endpoint.method == "PATCH")
    if refused is not None and (refused.status, refused.body, is_own_form) == (400, ["data"], False):
        refused = None
    named: dict[str, Code | None] = {
        "answer": None if handler.links else _done(handler, endpoint),
        "missing": _missing(handler.missing),
        "raises": "NotFound" if is_own_form and _is_not_found(handler.missing) else None,
        "refused": None if refused is None else _answer(refused),
        "partial": None if is_usual or handler.action not in _UPDATES else quoted(handler.partial),
    }
    return call("Handler", **named) if any(each is not None for each in named.values()) else None


def assigned_code(endpoint: DjangoEndpoint, columns: Iterable[str]) -> Code | None:
    """What the columns of a row are given by a handler that reads no body, each with its attribute."""
    handler = endpoint.handler
    if handler is None or handler.action != "assign":
        return None
    return dictionary(dict(zip(columns, map(assigned, handler.changes.values()), strict=True)))


def assigned(change: list[Any]) -> Code:
    """What a column is given, as code."""
    kind, *value = change
    names = {"now": "NOW", "caller": "CALLER", "toggle": "TOGGLED"}
    if kind == "add":
        return call("Added", str(value[0]))
    return names.get(kind) or quoted(value[0])


def linking_code(handler: HandlerFacts | None) -> dict[str, Code]:
    """What an action that links its row to the caller does, as it is linked or not."""
    if handler is None or handler.links is None:
        return {}
    ways = {"absent": handler.links.absent, "present": handler.links.present}
    named = {name: _linking(way) for name, way in ways.items()}
    return named | ({"own": _answer(handler.links.own)} if handler.links.own else {})


def _linking(way: LinkingFacts) -> Code:
    answer = [] if way.answer is None else [_answer(way.answer)]
    return call("Linking", *answer, writes=quoted(way.writes) if way.writes else None)


def handler_names(code: Code) -> set[str]:
    """The names of `strangler_fastapi.drf.http.own_handler` that a Handler is made of."""
    text = str(code)
    return {"Handler", *(name for name in ("Answer", "DATA") if name in text)}


def handler_status(endpoint: DjangoEndpoint) -> int:
    """The status that an action answers with, where all goes well."""
    if endpoint.handler is not None:
        return endpoint.handler.answer.status
    return _STATUSES.get(endpoint.action or "", 200)


def _done(handler: HandlerFacts, endpoint: DjangoEndpoint) -> Code | None:
    body = ["empty"] if handler.action == "destroy" else ["data"]
    usual = handler.answer.status == _STATUSES.get(handler.action, 200) and handler.answer.body == body
    # DRF's own adds the address of a new row.
    shows_url = endpoint.serializer is not None and any(each.name == "url" for each in endpoint.serializer.fields)
    lacks_address = handler.action == "create" and shows_url and not handler.answer.has_headers
    return None if usual and not lacks_address else _answer(handler.answer)


def _is_not_found(facts: AnswerFacts | None) -> bool:
    """Whether DRF's own exception is raised, which a form of errors may word otherwise than Django's."""
    return facts is not None and facts.detail is not None and not facts.http404


def _missing(facts: AnswerFacts | None) -> Code | None:
    if facts is None:
        return None
    return _answer(facts) if facts.detail is None else quoted(facts.detail)


def _answer(facts: AnswerFacts) -> Code:
    body = facts.body or ["data"]
    if body == ["data"]:
        return call("Answer", str(facts.status))
    return call("Answer", str(facts.status), _body(body))


def _body(body: list[Any]) -> Code:
    match body:
        case ["data"]:
            return "DATA"
        case ["empty"]:
            return "None"
        case ["dict", pairs]:
            return dictionary({name: _body(each) for name, each in pairs})
        case ["value", list() as values]:
            return Items("[]", tuple(_body(["value", each]) for each in values))
        case ["value", value]:
            return quoted(value)
    raise AssertionError(body)
