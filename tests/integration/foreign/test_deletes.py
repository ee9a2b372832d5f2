"""What is left after a delete is what Django leaves, and what Django refuses is refused, in every table."""

from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_schema.contract.deletion import delete_rows
from tests.integration.foreign.graphs import Project, graphs
from tests.integration.foreign.sides import DjangoSide, OurSide

EXAMPLES = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

pytestmark = pytest.mark.long
TABLES = [
    "Order Items",
    "audit.entries",
    "audit.entries_seen_by",
    "books_audiobook",
    "books_book",
    "books_item",
    "books_item_subjects",
    "books_language",
    "books_note",
    "books_publisher",
    "books_subject",
    "books_subject_related",
    "django_content_type",
    "legacy_accounts",
    "lending_branch",
    "lending_copy",
    "lending_loan",
    "lending_member",
    "lending_member_follows",
    "lending_opening",
    "lending_reading",
    "lending_shelf",
    "lending_wish",
]


def test_every_table_is_deleted_from(project: Project) -> None:
    assert {*TABLES, "books_popularity"} == set(project.contract.tables)


@pytest.mark.parametrize("table", TABLES)
def test_a_delete_leaves_what_django_leaves(project: Project, django: DjangoSide, ours: OurSide, table: str) -> None:
    facts = project.contract.tables[table]
    key = itemgetter(*facts.primary_key)
    labels = {other.model: name for name, other in project.contract.tables.items()}
    tables = list(project.contract.tables)

    @EXAMPLES
    @given(st.data())
    def check(data: st.DataObject) -> None:
        rows = data.draw(graphs(project, table))
        own = [key(row) for row in rows[table]] if table in rows else sorted(project.content_types.values())
        keys = data.draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True))
        theirs = django.play(model=facts.model, rows=rows, keys=keys, tables=tables)
        if "counts" in theirs:
            theirs["counts"] = {labels[label]: count for label, count in theirs["counts"].items()}

        async def act(session: Any) -> dict[str, int]:
            return await delete_rows(session, table, keys, contract=project.contract)

        assert ours.play(act, rows=rows, tables=tables) == theirs

    check()
