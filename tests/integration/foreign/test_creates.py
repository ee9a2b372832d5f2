"""A row that is inserted with what somebody gave has what Django would have written besides, in every table."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, insert, make_url
from sqlalchemy.dialects.postgresql import Range

from shared_schema.contract.callables import callable_register
from shared_schema.contract.contract import ColumnFacts
from shared_schema.contract.inheritance import InheritedRows
from shared_schema.contract.overlay import overlay
from shared_schema.contract.values import as_column
from tests.databases import OwnDatabase
from tests.integration.foreign.graphs import Project, Row, graphs, new_rows
from tests.integration.foreign.sides import DjangoSide, OurSide, Outcome
from tests.integration.foreign.test_deletes import EXAMPLES, TABLES

_FRESH = timedelta(minutes=5)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def metadata(foreign: OwnDatabase, project: Project) -> MetaData:
    """The tables as the database has them, with Django's defaults over them."""
    engine = create_engine(make_url(foreign.owner_dsn).set(drivername="postgresql+psycopg"))
    metadata = MetaData()
    for schema in (None, "audit"):
        metadata.reflect(engine, schema=schema, resolve_fks=False)
    engine.dispose()
    callable_register("tests.foreign.books.fields.shelf_mark", lambda: "NEW-0")
    overlay(metadata, project.contract)
    return metadata


@pytest.mark.parametrize("table", TABLES)
def test_a_new_row_is_as_django_writes_it(
    project: Project, django: DjangoSide, ours: OurSide, metadata: MetaData, table: str
) -> None:
    tables = project.tables

    @EXAMPLES
    @given(st.data())
    def check(data: st.DataObject) -> None:
        rows = data.draw(graphs(project, table))
        new = data.draw(new_rows(project, table, rows))
        model = project.contract.tables[table].model
        theirs = django.play(model=model, rows=rows, values=_arguments(project, new), tables=tables)

        async def act(session: Any) -> dict[str, int]:
            key: dict[str, Any] = {}
            for name, row in new.items():
                link = {column: key[facts.references.table] for column, facts in _links(project, name)}
                target = metadata.tables[name]
                typed = {column: _typed(value, project, name, column) for column, value in row.items()}
                added = insert(target).values(typed | link).returning(*target.primary_key.columns)
                key[name] = (await session.execute(added)).one()[0]
            return {}

        mine = ours.play(act, rows=rows, tables=tables)
        mine, theirs = _named(project, mine, rows, new), _named(project, theirs, rows, new)
        assert mine["outcome"] == theirs["outcome"]
        for name in mine.get("rows", ()):
            assert mine["rows"][name] == theirs["rows"][name], name

    check()


def _links(project: Project, name: str) -> list[tuple[str, ColumnFacts]]:
    own = InheritedRows(project.contract, name).links.values()
    columns = project.contract.tables[name].columns
    return [(link.holder.column, columns[link.holder.column]) for link in own if link.holder.table == name]


def _arguments(project: Project, new: dict[str, Row]) -> Row:
    """What Django's `create` is called with."""
    found: Row = {}
    for name, row in new.items():
        for column, value in row.items():
            facts = project.contract.tables[name].columns[column]
            found[facts.field if facts.references is None else f"{facts.field}_id"] = value
    return found


def _typed(value: Any, project: Project, name: str, column: str) -> Any:
    type_name = project.contract.tables[name].columns[column].type
    if value is not None and type_name.endswith("range"):
        bounds = value.strip("[)").split(",")
        inner = {"int4range": "integer", "daterange": "date"}[type_name]
        return Range(*(as_column(bound, inner) for bound in bounds))
    return as_column(value, type_name)


def _named(project: Project, outcome: Outcome, rows: dict[str, list[Row]], new: dict[str, Row]) -> Outcome:
    """The outcome with what differs from run to run named: numbers, random ids and times of the new rows."""
    for table, found in outcome.get("rows", {}).items():
        keys = project.contract.tables[table].primary_key
        known = {tuple(row[key] for key in keys) for row in rows.get(table, ())}
        for row in found:
            if table in new and tuple(row[key] for key in keys) not in known:
                for column, facts in project.contract.tables[table].columns.items():
                    if column not in new[table]:
                        row[column] = _name(row[column], facts)
        found.sort(key=json.dumps)
    return outcome


def _name(value: Any, facts: ColumnFacts) -> Any:
    if value is not None and facts.type.startswith("timestamp"):
        assert abs(datetime.now(UTC) - datetime.fromisoformat(value)) < _FRESH
        return "now"
    made = facts.identity or facts.default_callable == "uuid.uuid4" or facts.references is not None
    return "made" if made and value is not None else value
