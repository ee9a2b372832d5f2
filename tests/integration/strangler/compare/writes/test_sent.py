"""What both sides send on while a step is played: equal where it is, and named by its place where it isn't."""

import dataclasses
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.comparison import CaseOutcome
from strangler.databases.connections import Source
from strangler.local.services import Connections, Service, stack_service
from strangler.routes.route import Stack
from strangler.sections import SinksSection
from strangler.settings import LocalSettings
from tests.example import load_routes
from tests.shared_stack import StackAddresses
from tests.write_plays import own_source, steps_played

pytestmark = pytest.mark.long

NAME = f"sent_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
SINKS = SinksSection(
    mail={"EMAIL_HOST": "{host}", "EMAIL_PORT": "{port}"}, http={"QUEUE_URL": "http://{host}:{port}/queue"}
)
CASES = """
[[case]]
as = ["alice"]
post = "/posts/"
json = { title = "a post", content = "text", tags = ["zeta"] }

[[case]]
as = ["alice"]
post = "/posts/"
json = { title = "" }
"""


@pytest.fixture(scope="module")
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, NAME) as found:
        project = found.settings.project
        compare = project.compare.model_copy(update={"sinks": SINKS})
        sinking = {"project": project.model_copy(update={"compare": compare})}
        yield dataclasses.replace(found, settings=found.settings.model_copy(update=sinking))


def mailing(settings: LocalSettings, connections: Connections, stack: Stack, *, fault: str) -> Service | None:
    """A service that announces posts, FastAPI with a fault."""
    service = stack_service(settings, connections, stack)
    assert service is not None
    if stack is Stack.DJANGO:
        return dataclasses.replace(service, env={**service.env, "DJANGO_SETTINGS_MODULE": "tests.mailing.settings"})
    argv = tuple("tests.mailing" if word == "fastapi_app" else word for word in service.argv)
    return dataclasses.replace(service, argv=argv, env={**service.env, "FAULT": fault})


@pytest.mark.parametrize(
    ("fault", "found"),
    [("", set()), ("subject", {("mail", "headers.subject")}), ("queue", {("http", "")})],
)
async def test_what_a_new_row_sends_on_is_compared(
    source: Source, tmp_path: Path, fault: str, found: set[tuple[str, str]]
) -> None:
    (tmp_path / "sent.toml").write_text(CASES)
    scenarios = scenarios_from_files(tmp_path, load_routes(source.settings.project.routes))
    starting = partial(mailing, fault=fault)
    played = [each async for each in steps_played(source, scenarios, tmp_path, starting=starting)]
    assert [each.result and each.result.outcome for each in played] == [CaseOutcome.EQUAL] * 2
    assert [each.result.left.answer.status for each in played if each.result and each.result.left] == [201, 400]
    assert {(row.table, row.column) for each in played for row in each.rows} == found
