"""Cases of nested routes name rows that belong together."""

from collections.abc import Sequence
from typing import Any

from shared_schema.contract.contract import Contract
from strangler.compare.generate.facts import facts_of
from strangler.compare.generate.operations import ApiDocument, operations_of
from strangler.compare.generate.stored import StoredValues, Where
from strangler.compare.generate.world import CallerNames, World
from strangler.routes.table import parse_routes
from tests.example import PREFIXES

COLUMN: dict[str, Any] = {"type": "bigint", "kind": "BigAutoField", "null": False}
KEY = {**COLUMN, "field": "id", "primary_key": True}


def table(model: str, name: str, **references: str) -> dict[str, Any]:
    columns = {"id": KEY}
    for field, to in references.items():
        points = {"table": to, "column": "id", "on_delete": "CASCADE"}
        columns[f"{field}_id"] = {**COLUMN, "field": field, "kind": "ForeignKey", "references": points}
    return {"model": model, "name": name, "columns": columns}


CONTRACT = Contract.model_validate(
    {
        "format": 2,
        "tables": {
            "titles": table("x.Title", "titles"),
            "reviews": table("x.Review", "reviews", title="titles"),
            "comments": table("x.Comment", "comments", review="reviews"),
        },
    }
)
ROWS: dict[str, list[dict[str, int]]] = {
    "titles": [{"id": 7}],
    "reviews": [{"id": 5, "title_id": 7}],
    "comments": [{"id": 3, "review_id": 5}],
}
LIST = "/titles/{title_id}/reviews/{review_id}/comments/"
PATHS = {f"/api{LIST}": ("get", "post"), f"/api{LIST}{{pk}}/": ("patch",)}
PARENT = {"within": {"pk": "review_id", "title_id": "title_id"}}
ROUTES = "".join(
    f'[[route]]\nname = "comments.{name}"\nmethods = ["{method}"]\npath = "{path}"\nstage = "parallel"\n'
    for name, method, path in (("list", "GET", LIST), ("create", "POST", LIST), ("update", "PATCH", f"{LIST}{{pk}}/"))
)


class Held(StoredValues):
    """The rows above, in place of a database's."""

    def __init__(self) -> None:
        super().__init__(None, CONTRACT, seed=0)  # type: ignore[arg-type] # no query is sent

    def rows(self, table: str, columns: Sequence[str], where: Where, *, limit: int) -> list[tuple[Any, ...]]:
        found = [row for row in ROWS[table] if all(row[name] == value for name, value in where.items())]
        return [tuple(row[name] for name in columns) for row in found[:limit]]


def paths(**facts: Any) -> dict[str, tuple[str, str]]:
    """A path of each route for the first row, and one that names none."""
    endpoints = [
        {"method": method.upper(), "path": path, "model": {"table": "comments"}, "lookup": {"field": "pk"}, **facts}
        for path, methods in PATHS.items()
        for method in methods
    ]
    document = ApiDocument(
        content={"paths": {path: {method: {} for method in methods} for path, methods in PATHS.items()}}, prefix="/api"
    )
    known = facts_of({"endpoints": endpoints}, prefix="/api")
    operations = operations_of(
        parse_routes(ROUTES, source="routes.toml", prefixes=PREFIXES), document, None, CONTRACT, known
    )
    world = World(operations=operations, contract=CONTRACT, stored=Held(), callers=CallerNames(), user_table=None)
    return {
        each.route.name.partition(".")[2]: (world.paths(each)[0][1], world.path_with(each, "no%20"))
        for each in operations
    }


def test_a_row_is_named_with_those_that_it_belongs_to() -> None:
    one = {
        "list": ("/titles/7/reviews/5/comments/", "/titles/7/reviews/no%20/comments/"),
        "create": ("/titles/7/reviews/5/comments/", "/titles/7/reviews/no%20/comments/"),
        "update": ("/titles/7/reviews/5/comments/3/", "/titles/7/reviews/5/comments/no%20/"),
    }
    assert paths(rows={"within": {"review": "review_id"}, "parents": [PARENT]}) == one
    assert paths(creation={"parents": [PARENT], "fields": {"review": 0}}) == one
    assert paths(rows={"within": {"review_id": "review_id", "review__title": "title_id"}}) == one


def test_what_no_code_looks_at_is_anything() -> None:
    found = paths(rows={"within": {"review": "review_id"}})
    assert found["update"] == ("/titles/1/reviews/5/comments/3/", "/titles/1/reviews/5/comments/no%20/")
    assert found["create"] == ("/titles/1/reviews/5/comments/", "/titles/1/reviews/no%20/comments/")


def test_what_is_not_known_names_no_row() -> None:
    assert paths()["update"] == ("/titles/3/reviews/0/comments/0/", "/titles/no%20/reviews/0/comments/0/")
