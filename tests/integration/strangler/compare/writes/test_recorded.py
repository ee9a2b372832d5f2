"""Django's recorded answers stand for Django: FastAPI equals them with other ids and times, and a fault is named."""

import asyncio
import dataclasses
import os
from contextlib import aclosing
from pathlib import Path

import psycopg
import pytest

from strangler.compare.case import Scenario
from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.client.client import Limits
from strangler.compare.comparison import CaseOutcome, Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.recorded.record import answers_record
from strangler.compare.recorded.recording import RecordedStep, Recording
from strangler.compare.recorded.replay import recorded_compare
from strangler.compare.run import RequestOptions
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.sandboxes import SandboxMaker
from strangler.databases.connections import Source
from tests.example import DECLARED_FILE, SIGN_IN, load_routes
from tests.shared_stack import DEMO_PASSWORD, StackAddresses
from tests.write_plays import POSTS, own_source

pytestmark = pytest.mark.long

NAME = f"recorded_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
OPTIONS = RequestOptions(
    limits=Limits(concurrency=1, timeout=30, body_bytes=1_000_000),
    sign_in=SIGN_IN,
    password=dict.fromkeys(("", "alice", "bob"), DEMO_PASSWORD).get,
)
FEED = '\n[[case]]\nas = ["alice"]\nget = "/feed/?page_size=3"\n'


def maker(source: Source, logs: Path) -> SandboxMaker:
    rules = Rules(DeclaredDifferences(declared_differences(DECLARED_FILE)))
    return SandboxMaker(source=source, rules=rules, options=OPTIONS, logs=logs)


async def replayed(
    source: Source, scenarios: tuple[Scenario, ...], recording: Recording, folder: Path
) -> list[PlayedStep]:
    async with aclosing(recorded_compare(maker(source, folder / "replay"), scenarios, recording)) as steps:
        return [each async for each in steps]


def test_fastapi_is_held_against_what_django_answered_once(stack: StackAddresses, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "posts.toml").write_text(POSTS + FEED)
    with own_source(stack, NAME) as source:
        scenarios = scenarios_from_files(tmp_path / "cases", load_routes(source.settings.project.routes))
        made = asyncio.run(answers_record(maker(source, tmp_path / "record"), scenarios))
        made.save(tmp_path / "recorded.json")
        text = (tmp_path / "recorded.json").read_text()
        recording = Recording.load(tmp_path / "recorded.json")
        with psycopg.connect(source.owner_dsn) as connection:
            # New rows get other numbers than those that were recorded.
            connection.execute("SELECT setval(pg_get_serial_sequence('posts', 'id'), 70000)")
        steps = list(recording.scenarios["posts.toml"])
        faults = dataclasses.replace(recording, scenarios={"posts.toml": (*steps[:4], planted(steps[4]), *steps[5:])})
        played = asyncio.run(replayed(source, scenarios, faults, tmp_path))
    assert DEMO_PASSWORD not in text
    assert [step.answers[0].status for step in steps] == [201, 200, 404, 401, 200, 200, 404, 204, 200]
    outcomes = [step.result.outcome if step.result else None for step in played]
    different = outcomes.pop(4)
    assert different is CaseOutcome.DIFFERENT
    assert set(outcomes) == {CaseOutcome.EQUAL}
    assert [(each.place, each.left) for each in (played[4].result.found if played[4].result else ())] == [
        ("$.title", "a planted fault")
    ]
    rows = [(number, row.table, row.column, row.left) for number, step in enumerate(played) for row in step.rows]
    assert rows == [(4, "posts", "title", '"a planted fault"')]


def planted(step: RecordedStep) -> RecordedStep:
    """The step with another title in its answer and in its row."""
    (answer,), rows = step.answers, step.rows["public.posts"]
    fault = answer.body.replace(b'"another"', b'"a planted fault"')
    (row,) = rows.written
    written = dataclasses.replace(rows, written=({**row, "title": "a planted fault"},))
    return dataclasses.replace(
        step,
        answers=(dataclasses.replace(answer, body=fault),),
        rows={**step.rows, "public.posts": written},
    )
