"""What the OpenAPI document of one stack promises, and that of the other doesn't keep."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from strangler.compare.generate.operations import ApiDocument, answered, operations_in, parameters_of
from strangler.compare.generate.schemas import SchemaField, field_of, fields_of, schema_resolved

# A body within a body, and so on, is looked at this deep.
_DEPTH: Final = 6
_PARAMETER: Final = "parameter "


@dataclass(frozen=True, order=True)
class BrokenPromise:
    """What of an operation, such as `GET /posts/`, is otherwise."""

    path: str
    method: str
    what: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.what}"


def broken_promises(left: ApiDocument, right: ApiDocument) -> list[BrokenPromise]:
    """What clients that were written by the left document would miss, or be surprised by; additions are none."""
    wanted, offered = dict(operations_in(left)), dict(operations_in(right))
    found: set[BrokenPromise] = set()
    for key, (path, operation) in wanted.items():
        method = key[0]
        if key not in offered:
            found.add(BrokenPromise(path, method, "is missing"))
            continue
        other = offered[key][1]
        sides = (operation, left), (other, right)
        for sentence in (*_parameters(*sides), *_bodies(*sides), *_answers(*sides)):
            found.add(BrokenPromise(path, method, sentence))
    return sorted(found)


# An operation, or a schema, and the document that it is of.
_Side = tuple[Any, ApiDocument]


def _parameters(left: _Side, right: _Side) -> Iterator[str]:
    def queried(side: _Side) -> dict[str, SchemaField]:
        operation, document = side
        return {
            each["name"]: field_of(
                each["name"], each.get("schema"), document.content, required=bool(each.get("required"))
            )
            for each in parameters_of(operation)
            if each.get("in") == "query" and "name" in each
        }

    yield from _fields(_PARAMETER, queried(left), queried(right), sent=True)


def _bodies(left: _Side, right: _Side) -> Iterator[str]:
    def contents(side: _Side) -> Mapping[str, Any]:
        return (side[0].get("requestBody") or {}).get("content") or {}

    ours, theirs = contents(left), contents(right)
    yield from (f"takes no {media}" for media in sorted(set(ours) - set(theirs)))
    for media in sorted(set(ours) & set(theirs)):
        schemas = [(each.get(media) or {}).get("schema") for each in (ours, theirs)]
        documents = left[1].content, right[1].content
        mine, other = (
            {field.name: field for field in fields_of(schema, document, sent=True)}
            for schema, document in zip(schemas, documents, strict=True)
        )
        yield from _fields("body ", mine, other, sent=True)


def _answers(left: _Side, right: _Side) -> Iterator[str]:
    statuses = [
        {str(each) for each in (side[0].get("responses") or {}) if str(each)[:1] == "2"} for side in (left, right)
    ]
    yield from (f"never answers {status}" for status in sorted(statuses[0] - statuses[1]))
    ours, theirs = (answered(operation, document.content) for operation, document in (left, right))
    if ours:
        yield from _schemas("answer", (ours, left[1]), (theirs, right[1]), _DEPTH)


def _schemas(where: str, left: _Side, right: _Side, depth: int) -> Iterator[str]:
    """The differences of two schemas of answers, key by key and item by item."""
    ours, theirs = (schema_resolved(schema, document.content) for schema, document in (left, right))
    if "items" in ours and "items" in theirs and depth:
        yield from _schemas(f"{where}[]", (ours["items"], left[1]), (theirs["items"], right[1]), depth - 1)
    mine, other = (
        {field.name: field for field in fields_of(schema, document.content, sent=False)}
        for schema, document in ((ours, left[1]), (theirs, right[1]))
    )
    if not mine:
        return
    yield from _fields(f"{where}.", mine, other, sent=False)
    for name in [name for name in mine if name in other and depth]:
        inner = [(side.get("properties") or {}).get(name) for side in (ours, theirs)]
        yield from _schemas(f"{where}.{name}", (inner[0], left[1]), (inner[1], right[1]), depth - 1)


def _fields(
    where: str, left: Mapping[str, SchemaField], right: Mapping[str, SchemaField], *, sent: bool
) -> Iterator[str]:
    yield from (f"{where}{name} is missing" for name in left if name not in right)
    for name, ours in left.items():
        if (theirs := right.get(name)) is not None:
            yield from (
                f"{where}{name} {change}" for change in _changes(ours, theirs, sent=sent, is_text=where == _PARAMETER)
            )
    if sent:
        new = (name for name, field in right.items() if name not in left and field.required)
        yield from (f"{where}{name} is required, and was unknown" for name in new)


def _changes(left: SchemaField, right: SchemaField, *, sent: bool, is_text: bool) -> Iterator[str]:
    """What of a field is narrower where it is `sent`, as text perhaps, and wider where it is answered."""
    if is_text and _kind(right) == "string":
        pass  # any text may do
    elif _kind(left) != _kind(right):
        yield f"is {right.type}, and was {left.type}"
    elif sent and (lost := [str(each) for each in left.choices if right.choices and each not in right.choices]):
        yield f"takes no {', '.join(lost)}"
    if sent and right.required and not left.required:
        yield "is required"
    if sent and left.nullable and not right.nullable:
        yield "may not be null"
    if not sent and right.nullable and not left.nullable:
        yield "may be null"


def _kind(field: SchemaField) -> str:
    """The type as far as generators agree on it: of texts they name more formats, or fewer."""
    return "string" if field.type not in ("integer", "number", "boolean", "array", "object") else field.type
