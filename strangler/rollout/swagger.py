"""Documents of Swagger 2.0, such as drf-yasg's, in OpenAPI 3's words, as far as the tool reads them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_DEFINITIONS: Final = "#/definitions/"
_SCHEMAS: Final = "#/components/schemas/"
_JSON: Final = "application/json"
# What a parameter says beside its schema; all else is the schema.
_OF_PARAMETERS: Final = frozenset({"name", "in", "required", "description", "allowEmptyValue", "collectionFormat"})
_FORMS: Final = "application/x-www-form-urlencoded"


def is_swagger(document: Any) -> bool:  # noqa: ANN401 - whatever JSON it is
    """Whether it is one of version 2."""
    return isinstance(document, dict) and str(document.get("swagger", "")).startswith("2")


def as_openapi(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same in OpenAPI 3's words; paths begin with the document's `basePath`."""
    base = str(document.get("basePath") or "").rstrip("/")
    consumes, produces = (document.get(key) or [_JSON] for key in ("consumes", "produces"))
    paths = {
        f"{base}{path}": dict(_item(item, consumes, produces))
        for path, item in (document.get("paths") or {}).items()
        if isinstance(item, dict)
    }
    schemas = {name: _schema(each) for name, each in (document.get("definitions") or {}).items()}
    info, security = document.get("info") or {}, document.get("security") or []
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": {"schemas": schemas}, "security": security}


def _item(item: Mapping[str, Any], consumes: Iterable[str], produces: Iterable[str]) -> Iterator[tuple[str, Any]]:
    shared = item.get("parameters") or []
    for method in _METHODS:
        if isinstance(operation := item.get(method), dict):
            yield method, _operation(operation, shared, consumes, produces)


def _operation(
    operation: Mapping[str, Any], shared: Iterable[Any], consumes: Iterable[str], produces: Iterable[str]
) -> dict[str, Any]:
    parameters = [each for each in (*shared, *(operation.get("parameters") or [])) if isinstance(each, dict)]
    media = operation.get("produces") or produces
    made: dict[str, Any] = {key: operation[key] for key in ("operationId", "summary", "security") if key in operation}
    made["parameters"] = [_parameter(each) for each in parameters if each.get("in") not in ("body", "formData")]
    if body := _body(parameters, operation.get("consumes") or consumes):
        made["requestBody"] = body
    made["responses"] = {
        str(status): {"content": {each: {"schema": _schema(answer["schema"])} for each in media}}
        if isinstance(answer, dict) and "schema" in answer
        else {}
        for status, answer in (operation.get("responses") or {}).items()
    }
    return made


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in parameter.items() if key not in _OF_PARAMETERS}
    said = {key: parameter[key] for key in ("name", "in", "required", "description") if key in parameter}
    return said | {"schema": _schema(schema)}


def _body(parameters: Iterable[Mapping[str, Any]], consumes: Iterable[str]) -> dict[str, Any]:
    """The body of a request: one schema, or the fields of a form."""
    whole = next((each for each in parameters if each.get("in") == "body"), None)
    if whole is not None:
        return {"content": {media: {"schema": _schema(whole.get("schema") or {})} for media in consumes}}
    fields = [each for each in parameters if each.get("in") == "formData"]
    if not fields:
        return {}
    schema = {
        "type": "object",
        "properties": {str(each["name"]): _parameter(each)["schema"] for each in fields},
        "required": [str(each["name"]) for each in fields if each.get("required")],
    }
    return {"content": {media: {"schema": schema} for media in consumes if media != _JSON} or {_FORMS: schema}}


def _schema(schema: Any) -> Any:  # noqa: ANN401 - whatever JSON it is
    """A schema whose references lead to where OpenAPI 3 has them."""
    if isinstance(schema, list):
        return [_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _schema(value) for key, value in schema.items() if key != "x-nullable"}
    if isinstance(reference := made.get("$ref"), str):
        made["$ref"] = reference.replace(_DEFINITIONS, _SCHEMAS, 1)
    return made | ({"nullable": True} if schema.get("x-nullable") else {})
