"""The shadow worker's results, fetched out of a container that is a folder."""

import sys
from pathlib import Path

import pytest

from strangler.compare.comparison import CaseOutcome
from strangler.compare.shadow.results import ShadowResults
from strangler.compare.shadow.store import SampleResult, ShadowStore, Tally
from strangler.deployment.container_shadow import ContainerShadow
from strangler.deployment.open import shadow_open
from strangler.deployment.remote_shadow import shadow_counts
from strangler.errors import FailedError
from strangler.gateway.compose_cli import Compose
from strangler.project import Project
from tests.example import ROOT, example_project, example_settings

# `engine exec -T shadow sh …`, with this Python as the container's own.
ENGINE = """#!/bin/sh
if [ -e "{folder}/down" ]; then echo 'service "shadow" is not running' >&2; exit 1; fi
[ "$1 $2 $3" = "exec -T shadow" ] || exit 64
shift 3
PATH="{folder}/bin:$PATH" PYTHONPATH="{root}" SHADOW_DATABASE="{folder}/volume.sqlite3" exec "$@"
"""


@pytest.fixture
def shadow(tmp_path: Path) -> ContainerShadow:
    (tmp_path / "engine").write_text(ENGINE.format(folder=tmp_path, root=ROOT))
    (tmp_path / "engine").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "fetched").mkdir()
    return ContainerShadow(Compose(str(tmp_path / "engine"), folder=tmp_path), "shadow")


def sampled(folder: Path, *routes: str) -> None:
    """What a worker in the container has counted."""
    tally = Tally(places_per_route=9)
    for route in routes:
        tally.add_result(route, SampleResult(outcome=CaseOutcome.EQUAL, method="GET", path="/", request_id="r1"))
    ShadowStore(folder / "volume.sqlite3").add(tally)


def project(folder: Path) -> Project:
    """One that samples tags.list."""
    entry = '[[route]]\nname = "tags.list"\nmethods = ["GET"]\npath = "/tags/"\nstage = "parallel"\nshadow = 5\n'
    (folder / "routes.toml").write_text(entry)
    return example_project(routes_file=folder / "routes.toml")


def test_before_the_first_sample_there_is_nothing_to_fetch_or_forget(shadow: ContainerShadow, tmp_path: Path) -> None:
    assert ShadowResults(shadow.fetch(tmp_path / "fetched")).routes() == {}
    shadow.reset(["posts.list"])
    assert not (tmp_path / "volume.sqlite3").exists()


def test_what_was_counted_is_fetched_and_forgotten_by_name(shadow: ContainerShadow, tmp_path: Path) -> None:
    sampled(tmp_path, "posts.list", "posts.list", "tags.list")
    found = ShadowResults(shadow.fetch(tmp_path / "fetched")).routes()
    assert {name: route.equal for name, route in found.items()} == {"posts.list": 2, "tags.list": 1}
    assert shadow_counts(shadow, project(tmp_path), ["tags.list", "users.list"])["tags.list"]["asked"] == 1
    assert shadow_counts(shadow, project(tmp_path), ["users.list"]) == {}
    shadow.reset(["posts.list"])
    assert list(ShadowResults(shadow.fetch(tmp_path / "fetched")).routes()) == ["tags.list"]


def test_a_database_that_is_none_is_one_sentence_and_no_evidence(shadow: ContainerShadow, tmp_path: Path) -> None:
    (tmp_path / "volume.sqlite3").write_text("no database" * 100)
    with pytest.raises(FailedError, match=r"^the results can't be used \(.*not a database\): see .*logs shadow\.$"):
        shadow.reset(["posts.list"])
    assert shadow_counts(shadow, project(tmp_path), ["tags.list"]) == {}


def test_a_worker_that_does_not_run_is_reported_and_holds_no_move_up(shadow: ContainerShadow, tmp_path: Path) -> None:
    (tmp_path / "down").touch()
    with pytest.raises(
        FailedError, match=r'^the container shadow can\'t be reached \(service "shadow" is not running\)'
    ):
        shadow.fetch(tmp_path / "fetched")
    assert shadow_counts(shadow, project(tmp_path), ["tags.list"]) == {}


def test_a_native_gateway_has_its_worker_here() -> None:
    assert shadow_open(example_settings()) is None
    assert isinstance(shadow_open(example_settings(gateway="container")), ContainerShadow)
