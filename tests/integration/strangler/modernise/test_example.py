"""The worked example between cutover and contract: both stacks answer and write alike by the old names."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared_schema.consumer.consumer import load_consumer
from shared_schema.contract.contract import load_contract
from strangler.compare.comparison import CaseOutcome
from strangler.databases.connections import Source
from strangler.errors import UnsafeError
from strangler.handover.handover import handover_apply
from strangler.handover.journal import HandoverFolder
from strangler.handover.live import plan_for
from strangler.handover.plan import Handover, HandoverPlan
from strangler.handover.rehearsal import RehearsalSubject, StepChoice
from strangler.local.services import Connections
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.modernise import modernise_next
from strangler.modernise.survival import Services
from strangler.schema.django_side import django_project
from tests.example import CONTRACT_FILE, EXAMPLE
from tests.handovers import INTENT as APPLY
from tests.modernising import INTENT, NOBODY
from tests.shared_stack import StackAddresses
from tests.write_plays import own_source, playing

pytestmark = pytest.mark.long

OPERATIONS = {
    "rename_content": '[rename_column]\ntable = "posts"\ncolumn = "content"\nto = "body"\n',
    "rename_post_tags": '[rename_table]\ntable = "blog_post_tags"\nto = "post_tags"\n',
}


@pytest.fixture
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, f"modern_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as own:
        yield own


def handed_over(source: Source, folder: Path) -> Handover:
    connections = Connections(
        owner_dsn=source.owner_dsn,
        fastapi_dsn=source.fastapi_dsn,
        secret_key=source.secrets["secret_key"],
        jwt_signing_key=source.secrets["jwt_signing_key"],
    )
    contract = load_contract(CONTRACT_FILE)
    project = django_project(source.settings, connections)
    handover = Handover(
        subject=RehearsalSubject(source=source, project=project, contract=contract),
        folder=HandoverFolder(folder / "state" / "handover"),
        alembic=folder / "alembic",
        variable="DATABASE_URL",
    )
    steps, skipped = plan_for(source.owner_dsn, contract)
    plan = HandoverPlan(steps=steps, choice=StepChoice(skipped=skipped))
    handover_apply(handover, plan, checksum=plan.checksum, intent=APPLY)
    return handover


async def test_both_stacks_answer_alike_by_the_old_names(source: Source, tmp_path: Path) -> None:
    handover = handed_over(source, tmp_path)
    services = Services(
        consumer=load_consumer(EXAMPLE.root / EXAMPLE.files.consumer), contract=load_contract(CONTRACT_FILE)
    )
    modernisation = Modernisation(
        source=source,
        services=NOBODY,
        alembic=handover.alembic,
        files=tmp_path / "modernise",
        state=tmp_path / "state" / "modernise",
    )
    modernisation.files.mkdir()
    for name, text in OPERATIONS.items():
        (modernisation.files / f"{name}.toml").write_text(text)
        for _stage in ("expand", "backfill", "verify"):
            modernise_next(modernisation, name, intent=INTENT)
        served = replace(modernisation, services=services)
        modernise_next(served, name, intent=INTENT)
        with pytest.raises(UnsafeError, match=r"no longer exists; Django would break.*\(and 1 more\)"):
            modernise_next(served, name, intent=INTENT)

    cases = EXAMPLE.root / EXAMPLE.files.cases
    files = {name: (cases / f"{name}.toml").read_text() for name in ("posts",)}
    async with playing(source, tmp_path, **files) as steps:
        played = [step async for step in steps]
    assert len(played) > 10
    assert [(step.case, step.rows) for step in played if step.rows] == []
    odd = [step.result for step in played if step.result and step.result.outcome is not CaseOutcome.EQUAL]
    assert [result for result in odd if result.outcome is not CaseOutcome.DECLARED] == []
