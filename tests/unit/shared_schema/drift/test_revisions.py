"""What differs between two contracts."""

from copy import deepcopy
from typing import Any

import pytest

from fastapi_app.models import BLOG
from shared_schema.contract.contract import Contract
from shared_schema.contract.token_settings import TokenSettings
from shared_schema.drift.mismatch import Mismatch
from shared_schema.drift.revisions import contract_changes

HINT = "export the contract (manage.py export_schema), and review the diff."
PLAIN: dict[str, Any] = {
    "name": "books",
    "model": "library.Book",
    "ordering": ["id"],
    "columns": {
        "id": {"field": "id", "kind": "AutoField", "type": "integer", "null": False, "primary_key": True},
        "author_id": {
            "field": "author",
            "kind": "ForeignKey",
            "type": "integer",
            "null": True,
            "references": {"table": "people", "column": "id", "on_delete": "CASCADE"},
        },
    },
    "many_to_many": {
        "tags": {"table": "books_tags", "source_column": "book_id", "target_column": "tag_id", "target": "tags"}
    },
    "indexes": [{"name": "by_author", "columns": ["author_id"]}, {"columns": ["id DESC"]}],
}


def contract(books: dict[str, Any] | None) -> Contract:
    return Contract.model_validate({"format": 2, "tables": {"books": books} if books else {}})


def changes(*path: str | int, to: Any) -> list[Mismatch]:
    """What is reported when the fact at `path` becomes `to`; None takes it away."""
    changed = deepcopy(PLAIN)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return contract_changes(contract(PLAIN), contract(changed))


def test_the_same_contract_has_no_changes() -> None:
    assert contract_changes(contract(PLAIN), contract(deepcopy(PLAIN))) == []
    assert contract_changes(BLOG.contract, BLOG.contract) == []


@pytest.mark.parametrize(
    ("path", "to", "column", "subject", "expected", "actual"),
    [
        (("ordering",), ["-id"], None, "table books ordering", '["id"]', '["-id"]'),
        (
            ("columns", "author_id", "references", "on_delete"),
            "PROTECT",
            "author_id",
            "column books.author_id references on_delete",
            "CASCADE",
            "PROTECT",
        ),
        (("columns", "author_id", "default"), 7, "author_id", "column books.author_id default", None, "7"),
        (("columns", "id", "type"), "bigint", "id", "column books.id type", "integer", "bigint"),
        (("columns", "author_id"), None, "author_id", "column books.author_id", "integer null", None),
        (("indexes", 0, "columns"), ["id"], None, "index books by_author", None, None),
        (("indexes", 1), None, None, "index books (id DESC)", '{"columns": ["id DESC"]}', None),
        (("many_to_many", "tags"), None, None, "relation books.tags", None, None),
    ],
)
def test_each_changed_fact_is_reported_by_table_and_column(
    path: tuple[str | int, ...], to: Any, column: str | None, subject: str, expected: str | None, actual: str | None
) -> None:
    (change,) = changes(*path, to=to)
    assert (change.table, change.column, change.subject) == ("books", column, subject)
    assert change.expected != change.actual
    assert expected is None or change.expected == expected
    assert actual is None or change.actual == actual
    assert str(change).endswith(HINT)


def test_a_default_of_none_is_not_no_default() -> None:
    with_none = deepcopy(PLAIN)
    with_none["columns"]["author_id"]["default"] = None
    (change,) = contract_changes(contract(PLAIN), contract(with_none))
    assert (change.expected, change.actual) == (None, "null")


def test_a_new_table_is_one_change() -> None:
    (change,) = contract_changes(contract(None), contract(PLAIN))
    assert (change.subject, change.expected, change.actual) == (
        "table books",
        None,
        "(id integer not null, author_id integer null)",
    )
    assert str(change) == (
        "Table books is in Django's models and not in the contract (id integer not null, author_id integer null): "
        f"{HINT}"
    )
    (change,) = contract_changes(contract(PLAIN), contract(None))
    assert (change.subject, change.actual) == ("table books", None)
    assert str(change).startswith("Table books is in the contract and no longer in Django's models ")


def test_a_token_setting_that_changes_is_named() -> None:
    before, after = (Contract(format=2, tables={}, tokens=TokenSettings(leeway=leeway)) for leeway in (0, 5))
    (change,) = contract_changes(before, after)
    assert str(change) == f"Setting SIMPLE_JWT.LEEWAY is 5.0 in Django's models and 0.0 in the contract: {HINT}"
    assert contract_changes(after, after) == []
