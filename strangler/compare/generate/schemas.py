"""OpenAPI schemas as fields: what a parameter, a value of a body or an item of a list may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class NamedRows:
    """Rows of a table that a field names, each by its value in a column.

    Attributes:
        table: its key in the contract.
        column: of the values.
        where: columns with the values that the rows must have in them.
        address: the path of a row with `{}` in place of the value; empty where the value itself is sent.
        taken: the table and the column in which each row may stand once only, if so.
    """

    table: str
    column: str
    where: tuple[tuple[str, Any], ...] = ()
    address: str = ""
    taken: tuple[str, str] | None = None


_MAX_DEPTH: Final = 8
# A schema may refer to itself.
_MAX_NESTED: Final = 3
# How a decimal looks in drf-spectacular's documents.
_DECIMAL: Final = "decimal"
_FORMATS: Final = frozenset({"date-time", "date", "time", "duration", "uuid", "email", "uri", _DECIMAL, "binary", "ip"})

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SchemaField:
    """A parameter, or a key of a body.

    Attributes:
        name: as it is sent.
        type: JSON's type, or the format of a text: `email`, `date-time`, `decimal`; `choice` where `choices` are known.
        required: whether a request must have it.
        nullable: whether it may be null.
        choices: the only values.
        min_length, max_length: of a text.
        minimum, maximum: of a number.
        pattern: of a text.
        items: of a list.
        max_items: of a list.
        fields: of an object, those that a client may send.
        is_hashed: whether it is a password.
        rows: those that it names, where they are known.
    """

    name: str
    type: str = "string"
    required: bool = False
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    items: "SchemaField | None" = None
    max_items: int | None = None
    fields: tuple["SchemaField", ...] = ()
    is_hashed: bool = False
    rows: NamedRows | None = None

    @property
    def is_text(self) -> bool:
        """Whether any text may do."""
        return self.type in {"string", "email", "uri"}


def schema_resolved(schema: Any, document: Document) -> Mapping[str, Any]:  # noqa: ANN401 - whatever JSON it is
    """The schema with references followed, `allOf` merged, and the first that isn't null of `oneOf` and `anyOf`."""
    found: dict[str, Any] = dict(schema) if isinstance(schema, dict) else {}
    for _ in range(_MAX_DEPTH):
        if isinstance(reference := found.pop("$ref", None), str):
            found = {**_referred(reference, document), **found}
            continue
        several = next((key for key in ("allOf", "oneOf", "anyOf") if isinstance(found.get(key), list)), None)
        if several is None:
            break
        parts = [part for part in found.pop(several) if isinstance(part, dict)]
        chosen = [part for part in parts if part.get("type") != "null" and part.get("enum") not in ([None], [""])]
        found["nullable"] = bool(found.get("nullable")) or any(part.get("type") == "null" for part in parts)
        for part in chosen if several == "allOf" else chosen[:1]:
            found = {**schema_resolved(part, document), **found}
    return found


def field_of(
    name: str,
    schema: Any,  # noqa: ANN401
    document: Document,
    *,
    required: bool = False,
    depth: int = _MAX_NESTED,
) -> SchemaField:
    """The field that a schema describes, and those within it up to a depth."""
    found = schema_resolved(schema, document)
    kind, nullable = found.get("type", "string"), bool(found.get("nullable"))
    if isinstance(kind, list):
        nullable = nullable or "null" in kind
        kind = next((each for each in kind if each != "null"), "string")
    form = str(found.get("format") or "")
    choices = tuple(each for each in found.get("enum") or () if each not in (None, ""))
    if choices:
        kind = "choice"
    elif kind == "string" and form in _FORMATS:
        kind = form
    is_list = kind == "array" and "items" in found and depth > 0
    return SchemaField(
        name=name,
        type=str(kind),
        required=required,
        nullable=nullable,
        choices=choices,
        min_length=int(found.get("minLength") or 0),
        max_length=found.get("maxLength"),
        minimum=found.get("minimum"),
        maximum=found.get("maximum"),
        pattern=str(found.get("pattern") or ""),
        items=field_of(name, found["items"], document, depth=depth - 1) if is_list else None,
        max_items=found.get("maxItems"),
        fields=fields_of(found, document, sent=True, depth=depth - 1) if kind == "object" and depth > 0 else (),
        is_hashed="password" in name.lower() or form == "password",
    )


def fields_of(
    schema: Any,  # noqa: ANN401
    document: Document,
    *,
    sent: bool,
    depth: int = _MAX_NESTED,
) -> tuple[SchemaField, ...]:
    """The keys of an object in their order: with `sent` those that a client may send, else those that are answered."""
    found = schema_resolved(schema, document)
    required = found.get("required") or ()
    properties = found.get("properties")
    left_out = "readOnly" if sent else "writeOnly"
    return tuple(
        field_of(name, each, document, required=name in required, depth=depth)
        for name, each in (properties.items() if isinstance(properties, dict) else ())
        if not schema_resolved(each, document).get(left_out)
    )


def _referred(reference: str, document: Document) -> Mapping[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
