"""The cases of a feature that only its callers make: nobody, one who owns nothing, and an owner ask for the same."""

import json
from collections.abc import Iterator
from typing import Any, Final

from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.adoption.serializer_facts import SerializerField
from strangler.project import Project

# What a body holds for a field of each kind; one of another kind has no value that is good for any row.
_VALUES: Final = {
    "BooleanField": True,
    "CharField": "a",
    "DateField": "2026-01-02",
    "DateTimeField": "2026-01-02T03:04:05Z",
    "DecimalField": "1",
    "EmailField": "case@example.com",
    "FloatField": 1.5,
    "IntegerField": 1,
    "JSONField": {"of": "a case"},
    "SlugField": "a",
    "TimeField": "03:04:05",
    "UUIDField": "00000000-0000-4000-8000-000000000001",
}


def case_file_text(feature: FeatureScaffold, project: Project) -> str:
    """The file; empty where the project names no callers, or the feature has nothing to read."""
    callers = project.compare.callers
    if not callers:
        return ""
    asking = json.dumps(["nobody", *callers[1:2], callers[0]], ensure_ascii=False)
    cases = list(_cases(feature, project.prefixes.django, asking, json.dumps([callers[0]], ensure_ascii=False)))
    if not cases:
        return ""
    head = f"# What nobody, another user and an owner get of {feature.name}; strangler cases generate tries values.\n"
    return head + "".join(f"\n{case}" for case in cases)


def _cases(feature: FeatureScaffold, prefix: str, asking: str, owner: str) -> Iterator[str]:
    by_path: dict[str, dict[str, WrittenEndpoint]] = {}
    for each in feature.endpoints:
        by_path.setdefault(each.endpoint.path.removeprefix(prefix), {})[each.endpoint.action or ""] = each
    # A path within a row is the row's own, which only a person can name.
    lists = {path: actions for path, actions in by_path.items() if "{" not in path}
    for path, actions in lists.items():
        if "list" in actions:
            yield _case(f"{actions['list'].route.name}, by each", asking, f'get = "{path}"')
    for path, actions in lists.items():
        if "create" in actions and (body := _body(actions["create"])) is not None:
            yield from _life(path, actions["create"], by_path, body, asking, owner)


def _life(
    path: str,
    create: WrittenEndpoint,
    by_path: dict[str, dict[str, WrittenEndpoint]],
    body: str,
    asking: str,
    owner: str,
) -> Iterator[str]:
    """A row that the owner makes, and that each of the callers reads, changes and deletes, the owner last."""
    rows = next((each for each in by_path if each.startswith(f"{path}{{") and each.count("{") == 1), None)
    lookup = str((create.endpoint.lookup or {}).get("field", "pk"))
    key = "id" if lookup == "pk" else lookup
    facts = create.endpoint.serializer
    if rows is None or facts is None or key not in [field.name for field in facts.answering("create").fields]:
        return
    others, named = by_path[rows], rows[: rows.index("{")] + "{row}" + rows[rows.index("}") + 1 :]
    yield _case("a new row", owner, f'post = "{path}"', f"json = {body}", f'save = {{ row = "$.{key}" }}')
    for action, method in (("retrieve", "get"), ("partial_update", "patch"), ("destroy", "delete")):
        if action in others:
            sent = [f"json = {body}"] if method == "patch" else []
            yield _case(f"{others[action].route.name}, by each", asking, f'{method} = "{named}"', *sent)


def _case(name: str, asking: str, *lines: str) -> str:
    return "\n".join(["[[case]]", f'name = "{name}"', f"as = {asking}", *lines]) + "\n"


def _body(create: WrittenEndpoint) -> str | None:
    """A body with all that is required, as TOML; None where that takes a row or a value that nobody can make up."""
    facts = create.endpoint.serializer
    required = [field for field in facts.fields if field.required and not field.read_only] if facts else []
    values = {field.name: _value(field) for field in required}
    if not values or None in values.values():
        return None
    return f"{{ {', '.join(f'{json.dumps(name)} = {_toml(value)}' for name, value in values.items())} }}"


def _value(field: SerializerField) -> Any:  # noqa: ANN401 - any JSON
    if field.choices:
        return field.choices[0]
    return None if field.many else _VALUES.get(field.kind)


def _toml(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(each)}' for name, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
