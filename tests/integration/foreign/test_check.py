"""`strangler schema check` on the foreign project: all agree, and each difference is reported at its place."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from shared_schema.consumer.consumer import Consumer, Feature
from shared_schema.contract.contract import Contract
from strangler.schema.comparison import SchemaSides, check_all
from tests.databases import OwnDatabase, foreign_project
from tests.example import ROOT
from tests.foreign_migrations import with_migrations

NAMES = (
    "Django's models and its migrations",
    "Django's migrations and the database",
    "Django's models and the contract",
    "the contract and FastAPI",
    "the database and the contract",
    "the database and FastAPI",
)


@pytest.fixture
def checked(foreign: OwnDatabase, foreign_contract: Contract) -> SchemaSides:
    return SchemaSides(
        contract=foreign_contract,
        consumer=Consumer(features={"wishes": Feature(reads={"lending_wish": ("id", "weight")})}),
        project=foreign_project(foreign.owner_dsn),
        dsn=foreign.owner_dsn,
        role=foreign.owner,
        writers={"wishes"},
    )


def sentences(checked: SchemaSides) -> dict[str, list[str]]:
    return {each.name: [each.problem] if each.problem else [*map(str, each.mismatches)] for each in check_all(checked)}


def test_all_agree(checked: SchemaSides) -> None:
    assert sentences(checked) == {name: [] for name in NAMES}


def test_each_comparison_names_what_it_finds(checked: SchemaSides, foreign: OwnDatabase, tmp_path: Path) -> None:
    lost = foreign_project(foreign.owner_dsn, with_migrations(tmp_path, "audit", {"0003_entry_relations": None}))
    with psycopg.connect(foreign.owner_dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE lending_wish RENAME weight TO heaviness")
        try:
            found = sentences(replace(checked, project=lost))
        finally:
            owner.execute("ALTER TABLE lending_wish RENAME heaviness TO weight")
    unmade, applied, models, contract, database, fastapi = (found[name] for name in NAMES)
    assert (
        "The models of audit have a change without a migration, Add field actor to entry "
        "(column audit.entries.actor_id): run manage.py makemigrations."
    ) in unmade
    assert [sentence.partition(":")[0] for sentence in applied] == [
        "Migration audit.0003_entry_relations is applied and missing in Django's code"
    ]
    assert models == contract == []
    assert "Column lending_wish.weight is missing" in database[0]
    assert "Column lending_wish.weight is missing (needed by wishes)" in fastapi[0]


def test_what_cannot_be_asked_does_not_keep_the_rest_from_being_compared(checked: SchemaSides) -> None:
    nowhere = "postgresql://nobody:secret@127.0.0.1:1/nowhere"
    broken = replace(
        checked, dsn=nowhere, project=replace(foreign_project(nowhere), argv=("/no/such/python",), cwd=ROOT)
    )
    found = {name: reported for name, reported in sentences(broken).items() if reported}
    assert [*found] == [name for name in NAMES if name != "the contract and FastAPI"]
    assert "secret" not in str(found)
