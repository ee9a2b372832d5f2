"""The worked example, handed over: both stacks go on writing the same rows, and everybody keeps their rights."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shared_schema.contract.contract import load_contract
from strangler.compare.comparison import CaseOutcome
from strangler.databases.connections import Source
from strangler.databases.dumping import schema_dump
from strangler.handover.execution import LockPatience
from strangler.handover.handover import handover_apply, handover_rollback, handover_verify
from strangler.handover.journal import HandoverFolder
from strangler.handover.plan import Handover, handover_plan
from strangler.handover.rehearsal import RehearsalSubject
from strangler.local.services import Connections
from strangler.schema.django_side import django_project
from tests.example import CONTRACT_FILE, EXAMPLE
from tests.handovers import INTENT
from tests.shared_stack import StackAddresses
from tests.write_plays import own_source, playing

pytestmark = pytest.mark.long

RIGHTS = """
    SELECT oid::regclass::text, relacl::text, NULL, relowner::regrole::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
    UNION ALL SELECT attrelid::regclass::text, attacl::text, attname, NULL FROM pg_attribute WHERE attacl IS NOT NULL
    ORDER BY 1, 2, 3
"""


@pytest.fixture
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, f"handed_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as own:
        yield own


async def test_both_stacks_write_alike_on_the_tables_of_alembic(source: Source, tmp_path: Path) -> None:
    connections = Connections(
        owner_dsn=source.owner_dsn,
        fastapi_dsn=source.fastapi_dsn,
        secret_key=source.secrets["secret_key"],
        jwt_signing_key=source.secrets["jwt_signing_key"],
    )
    handover = Handover(
        subject=RehearsalSubject(
            source=source,
            project=django_project(source.settings, connections),
            contract=load_contract(CONTRACT_FILE),
        ),
        folder=HandoverFolder(tmp_path / "state"),
        alembic=tmp_path / "alembic",
        variable="DATABASE_URL",
        patience=LockPatience(),
    )
    before, rights = schema_dump(source.admin_dsn, major=18), rights_of(source)
    plan = handover_plan(handover)
    assert (plan.unclean, plan.drift) == ((), ())
    handover_apply(handover, plan, checksum=plan.checksum, intent=INTENT)
    assert rights_of(source) == rights
    assert [*handover_verify(handover).values()] == [[], []]

    cases = EXAMPLE.root / EXAMPLE.files.cases
    files = {name: (cases / f"{name}.toml").read_text() for name in ("posts", "users", "tags")}
    async with playing(source, tmp_path, **files) as steps:
        played = [step async for step in steps]
    assert len(played) > 20
    assert [(step.case, step.rows) for step in played if step.rows] == []
    odd = [step.result for step in played if step.result and step.result.outcome is not CaseOutcome.EQUAL]
    assert [result for result in odd if result.outcome is not CaseOutcome.DECLARED] == []

    handover_rollback(handover, intent=INTENT)
    assert schema_dump(source.admin_dsn, major=18) == before
    assert rights_of(source) == rights


def rights_of(source: Source) -> list[tuple[object, ...]]:
    with psycopg.connect(source.admin_dsn) as connection:
        return connection.execute(RIGHTS).fetchall()
