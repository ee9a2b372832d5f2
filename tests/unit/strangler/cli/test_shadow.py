"""`strangler shadow`: the table, the differences, the JSON, and what is forgotten."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strangler.cli import command_line
from strangler.compare.comparison import CaseOutcome
from strangler.compare.redaction import MaskedDifference
from strangler.compare.shadow.backlog import Refused
from strangler.compare.shadow.store import SampleResult, ShadowStore, Tally
from strangler.local.services import shadow_database
from strangler.settings import LocalSettings
from tests.example import example_file

# The command of the same name hides the module in its package.
command = import_module("strangler.cli.shadow")
ROUTES = """
[[route]]
name = "posts.list"
methods = ["GET"]
path = "/posts/"
stage = "parallel"
shadow = 5

[[route]]
name = "posts.create"
methods = ["POST"]
path = "/posts/"
stage = "legacy"

[[route]]
name = "tags.list"
methods = ["GET"]
path = "/tags/"
stage = "parallel"
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "routes.toml").write_text(ROUTES)
    file = example_file(tmp_path, routes=tmp_path / "routes.toml", state=".")
    monkeypatch.setenv("STRANGLER_PROJECT", str(file))
    monkeypatch.setattr(command, "inbox_answers", lambda _path: True)
    return tmp_path


def add(folder: Path, route: str, *judgements: SampleResult) -> None:
    tally = Tally(places_per_route=9)
    for each in judgements:
        tally.add_result(route, each)
    ShadowStore(shadow_database(folder)).add(tally)


def judgement(outcome: CaseOutcome, *found: MaskedDifference, failure: str = "") -> SampleResult:
    return SampleResult(
        outcome=outcome, method="GET", path="/posts/?page=2", request_id="r1", differences=found, failure=failure
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line(["shadow"]), ["shadow", *arguments])


TITLE = MaskedDifference(kind="value", place="$.results[3].title", pattern="$.results[*].title", left='"a"', right=None)


def test_routes_that_are_sampled_are_shown_before_anything_was_asked() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == (
        "posts.list 5% asked 0 equal 0 different 0 declared 0 noise 0 unavailable 0 failed 0 dropped 0 last -\n"
    )


def test_routes_that_were_sampled_are_shown_too_and_equal_ones_end_well(checkout: Path) -> None:
    add(
        checkout,
        "tags.list",
        judgement(CaseOutcome.EQUAL),
        judgement(CaseOutcome.FAILED, failure="django does not answer"),
    )
    result = run()
    assert result.exit_code == 0
    assert (
        "tags.list 0% asked 2 equal 1 different 0 declared 0 noise 0 unavailable 0 failed 1 dropped 0 last 20"
        in result.stdout
    )
    assert result.stderr == "tags.list could not be compared, the last time because django does not answer\n"


def test_a_difference_ends_with_1_and_is_shown_when_asked_for(checkout: Path) -> None:
    add(checkout, "posts.list", judgement(CaseOutcome.DIFFERENT, TITLE))
    assert run().exit_code == 1
    assert "title" not in run().stdout
    shown = run("posts.*", "--differences").stdout
    assert "posts.list: value at $.results[*].title, once, last 20" in shown
    assert "  GET /posts/?page=2  (request r1)\n" in shown
    assert '  django   $.results[3].title = "a"\n  fastapi  nothing at $.results[3].title\n' in shown
    assert run("tags.list").exit_code == 0


def test_json_holds_everything(checkout: Path) -> None:
    add(checkout, "posts.list", judgement(CaseOutcome.DIFFERENT, TITLE))
    (route,) = json.loads(run("--json").stdout)
    assert (route["route"], route["share"], route["asked"], route["different"]) == ("posts.list", 5, 1, 1)
    (difference,) = route["differences"]
    assert (difference["pattern"], difference["count"]) == ("$.results[*].title", 1)
    assert (difference["django"], difference["fastapi"]) == ('"a"', None)


def test_reset_forgets_the_routes_named(checkout: Path) -> None:
    for name in ("posts.list", "tags.list"):
        add(checkout, name, judgement(CaseOutcome.DIFFERENT, TITLE))
    result = run("posts.*", "--reset")
    assert (result.exit_code, result.stdout) == (0, "forgot the results of posts.list, posts.create\n")
    assert run("posts.list").exit_code == 0
    assert run("tags.list").exit_code == 1


def test_reset_makes_no_file_where_there_is_none(checkout: Path) -> None:
    assert run("--reset").exit_code == 0
    assert not shadow_database(checkout).exists()


def test_what_never_got_in_is_said_until_it_is_forgotten(checkout: Path) -> None:
    tally = Tally(places_per_route=9)
    tally.refused(Refused(malformed=2, missed=3))
    ShadowStore(shadow_database(checkout)).add(tally)
    assert run().stderr == (
        "3 samples of all routes never reached the worker: it was too late to take them\n2 datagrams were no samples\n"
    )
    run("--reset")
    assert run().stderr == ""


def test_a_name_that_is_none_is_refused() -> None:
    result = run("nobody.*")
    assert "no route is named nobody.*" in str(result.exception)


def test_that_nobody_takes_samples_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "inbox_answers", lambda _path: False)
    assert run().stderr == "no worker takes samples: start the stack with strangler up\n"
