"""What of each route was requested, and what never was: an equal answer proves nothing of what nobody asked for."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from strangler.compare.case import Case
from strangler.compare.client.signed_tokens import kind_of
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.schemas import SchemaField

# Of each parameter: a replayed log has no end.
_MAX_VALUES: Final = 300
_TRUTHS: Final = frozenset({"true", "false"})
_OTHER_TRUTHS: Final = frozenset({"1", "0", "t", "f", "y", "n", "yes", "no", "on", "off"})
NOBODY: Final = "nobody"
USER: Final = "a user"
OTHER: Final = "another user"
REFUSED: Final = "a token that is refused"


@dataclass
class RouteRequests:
    """What was requested of one route, and answered by both sides."""

    methods: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    parameters: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lengths: dict[str, int] = field(default_factory=dict)
    bodies: set[frozenset[str]] = field(default_factory=set)

    def add(self, case: Case, status: int) -> None:
        """Note a request that both sides answered."""
        self.methods.add(case.method)
        self.statuses.add(status)
        self._add_caller(case)
        for name, text in parse_qsl(case.target.partition("?")[2], keep_blank_values=True):
            if len(self.parameters[name]) < _MAX_VALUES:
                self.parameters[name].add(text)
        body = _parsed(case)
        if body is not None and len(self.bodies) < _MAX_VALUES:
            self.bodies.add(frozenset(body))
        for name, value in (body or {}).items():
            self.fields[name].add(_kind(value))
            if isinstance(value, str):
                self.lengths[name] = max(self.lengths.get(name, 0), len(value))

    def _add_caller(self, case: Case) -> None:
        if kind_of(case.caller) or any(name.lower() == "authorization" for name, _ in case.headers):
            self.kinds.add(REFUSED)
        elif case.caller:
            self.users.add(case.caller)
            self.kinds.add(OTHER if len(self.users) > 1 else USER)
        else:
            self.kinds.add(NOBODY)


@dataclass(frozen=True, kw_only=True)
class RouteCoverage:
    """How much of a route was requested: `asked` of `known`, and what was `never`, in words by topic."""

    route: str
    asked: int
    known: int
    never: Mapping[str, Sequence[str]]

    @property
    def percent(self) -> float:
        """From 0 to 100."""
        return 100 * self.asked / self.known if self.known else 100.0


def coverage_of(operations: Iterable[Operation], requests: Mapping[str, RouteRequests]) -> tuple[RouteCoverage, ...]:
    """The coverage of each route that has operations, in their order."""
    by_route: dict[str, list[Operation]] = {}
    for operation in operations:
        by_route.setdefault(operation.route.name, []).append(operation)
    return tuple(_coverage(route, those, requests.get(route, RouteRequests())) for route, those in by_route.items())


def _coverage(route: str, operations: Sequence[Operation], requests: RouteRequests) -> RouteCoverage:
    known = list(dict.fromkeys(_known(operations)))
    seen = set(_seen(operations, requests))
    never: dict[str, list[str]] = {}
    for topic, what in known:
        if (topic, what) not in seen:
            never.setdefault(topic, []).append(what)
    return RouteCoverage(route=route, asked=sum(each in seen for each in known), known=len(known), never=never)


def _known(operations: Sequence[Operation]) -> Iterator[tuple[str, str]]:
    """All that could be requested, each with its topic."""
    for operation in operations:
        yield "methods", operation.method
        if operation.method == "GET":
            yield "methods", "HEAD"
        yield from (("callers", each) for each in (NOBODY, USER, OTHER, REFUSED))
        yield "statuses", "success"
        if not operation.is_public:
            yield "statuses", "401"
        if "{" in operation.path or operation.is_paged:
            yield "statuses", "404"
        if operation.body:
            yield "statuses", "400"
        for parameter in operation.parameters:
            yield from ((f"?{parameter.name}", each) for each in _classes(parameter, operation))
        for each in operation.body:
            yield f"field {each.name}", "a value"
            yield f"field {each.name}", "null"
            yield f"field {each.name}", "another type"
            if operation.method != "PATCH" and each.required:
                yield f"field {each.name}", "left out"
            if each.is_text and each.max_length:
                yield f"field {each.name}", "too long"


def _seen(operations: Sequence[Operation], requests: RouteRequests) -> Iterator[tuple[str, str]]:
    yield from (("methods", method) for method in requests.methods)
    yield from (("callers", kind) for kind in requests.kinds)
    for status in requests.statuses:
        yield "statuses", "success" if status < HTTPStatus.MULTIPLE_CHOICES else str(status)
    for operation in operations:
        for parameter in operation.parameters:
            for text in requests.parameters.get(parameter.name, ()):
                yield f"?{parameter.name}", _class(parameter, operation, text)
        for each in operation.body:
            yield from ((f"field {each.name}", what) for what in _field_seen(each, requests))


def _field_seen(each: SchemaField, requests: RouteRequests) -> Iterator[str]:
    kinds = requests.fields.get(each.name, set())
    own = _own_kind(each)
    if own in kinds:
        yield "a value"
    if "null" in kinds:
        yield "null"
    if kinds - {own, "null"}:
        yield "another type"
    if any(each.name not in body for body in requests.bodies):
        yield "left out"
    if each.max_length and requests.lengths.get(each.name, 0) > each.max_length:
        yield "too long"


def _classes(parameter: SchemaField, operation: Operation) -> tuple[str, ...]:
    """The classes of values that a parameter may have."""
    if parameter.name == operation.facts.name("ordering"):
        return "up", "down", "unknown", "empty"
    match parameter.type:
        case "boolean":
            return "true or false", "spelled otherwise", "no boolean", "empty"
        case "integer" | "number":
            return "a number", "none or less", "no number"
        case "date-time" | "date":
            return "with a zone", "without a zone", "no time", "empty"
        case "choice":
            return "a choice", "no choice"
    return "a text", "empty"


def _class(parameter: SchemaField, operation: Operation, text: str) -> str:
    if not text.strip():
        return "empty"
    if parameter.name == operation.facts.name("ordering"):
        known = {*(operation.facts.ordering or ()), *(each.name for each in operation.items)}
        return ("down" if text.startswith("-") else "up") if text.split(",")[0].lstrip("-") in known else "unknown"
    match parameter.type:
        case "boolean":
            return "true or false" if text in _TRUTHS else _spelled(text)
        case "integer" | "number":
            return _numbered(text)
        case "date-time" | "date":
            return _timed(text)
        case "choice":
            return "a choice" if text in map(str, parameter.choices) else "no choice"
    return "a text"


def _spelled(text: str) -> str:
    return "spelled otherwise" if text.lower() in _TRUTHS | _OTHER_TRUTHS else "no boolean"


def _numbered(text: str) -> str:
    try:
        return "a number" if float(text) > 0 else "none or less"
    except ValueError:
        return "no number"


def _timed(text: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    except ValueError:
        return "no time"
    return "with a zone" if moment.tzinfo else "without a zone"


def _own_kind(each: SchemaField) -> str:
    match each.type:
        case "boolean":
            return "a boolean"
        case "integer" | "number":
            return "a number"
        case "array":
            return "a list"
        case "object":
            return "an object"
    return "a text"


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON's types
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"


def _parsed(case: Case) -> dict[str, Any] | None:
    if not case.body or not any("json" in value for name, value in case.headers if name.lower() == "content-type"):
        return None
    try:
        body = json.loads(case.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
