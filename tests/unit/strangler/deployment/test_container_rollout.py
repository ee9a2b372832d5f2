"""The moves of the containers: what they are passed, and when FastAPI's role is given the right to write."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from strangler.deployment.container_rollout import container_rollout, container_settings, grants_grow
from strangler.deployment.elsewhere import ElsewhereFile
from strangler.errors import FailedError, UsageError
from strangler.gateway.compose_cli import Compose
from strangler.rollout.evidence import EvidenceFile, RunEvidence, evidence_path
from strangler.routes.route import Stage
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings
from tests.example import EXAMPLE, ROOT, example_settings, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")


def at(stage: Stage) -> RouteTable:
    """The deployed routes, those that write at `stage`."""
    routes = tuple(dataclasses.replace(route, stage=stage) if route.writes else route for route in TABLE.routes)
    return dataclasses.replace(TABLE, routes=routes)


def engine(folder: Path, script: str) -> Compose:
    """An engine that is this script; its arguments are in the file `calls`."""
    program = folder / "engine"
    program.write_text(f'#!/bin/sh\necho "$*" >>"{folder}/calls"\n{script}\n')
    program.chmod(0o755)
    return Compose(str(program), folder=folder)


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_the_container_trusts_whom_the_settings_name() -> None:
    settings = container_settings(example_settings(trusted_proxies="10.0.0.0/8", stack_header_networks="10.1.0.0/16"))
    assert (settings.trusted_proxies, settings.stack_header_networks) == (("10.0.0.0/8",), ("10.1.0.0/16",))


def test_a_project_without_addresses_among_containers_is_refused() -> None:
    settings = example_settings()
    django = settings.project.django.model_copy(update={"container": ""})
    project = settings.project.model_copy(update={"django": django})
    with pytest.raises(UsageError, match=r"where django is among containers: set container = .* under \[django\]"):
        container_settings(settings.model_copy(update={"project": project}))


def test_moves_leave_out_where_nobody_stands_in_any_more(tmp_path: Path) -> None:
    answer = "printf 'strangler: inside\\n10.0.0.8\\nHTTP/1.1 200 OK\\n'"
    settings = example_settings(compose=engine(tmp_path, answer).command)
    gateway = container_rollout(settings, state_dir=tmp_path).gateway
    file = ElsewhereFile(tmp_path)
    file.write({"fastapi": "10.0.0.7:8002"})
    assert gateway.settings.elsewhere == ()
    file.write({"fastapi": "10.0.0.8:8002"})
    assert gateway.settings.elsewhere == (("fastapi", "10.0.0.8:8002"),)


def test_its_moves_are_kept_apart_and_its_door_is_the_published_port(tmp_path: Path) -> None:
    settings = example_settings(proxy_port=9123, routes_file=Path("nginx/routes.toml"), compose="podman compose")
    rollout = container_rollout(settings, state_dir=tmp_path)
    assert rollout.gateway.url == "http://127.0.0.1:9123"
    assert rollout.folder.path == tmp_path / "rollout"
    assert rollout.routes_file == ROOT / "nginx" / "routes.toml"
    assert rollout.hint == "start it with podman compose up --build --detach"


def test_what_was_compared_natively_counts_here_too(tmp_path: Path) -> None:
    files = EXAMPLE.files.model_copy(update={"state": str(tmp_path)})
    project = EXAMPLE.model_copy(update={"files": files})
    settings = LocalSettings(project=project, gateway="container")
    run = RunEvidence(
        route="tags.create",
        time=dt.datetime.now(dt.UTC).isoformat(),
        asked=5,
        equal=5,
        distinct=5,
        different=0,
        left="django",
        right="fastapi",
        lacks=[],
        bound={},
    )
    EvidenceFile(evidence_path(project.state)).add([run])
    found = container_rollout(settings, state_dir=settings.state_dir).evidence(["tags.create"])
    compared = found["tags.create"].compared
    assert compared is not None
    assert (compared.equal, compared.last.route) == (5, "tags.create")


@pytest.mark.parametrize(
    ("running", "wanted", "grown"),
    [
        (Stage.LEGACY, Stage.PARALLEL, True),
        (Stage.PARALLEL, Stage.MIGRATED, False),
        (Stage.PARALLEL, Stage.LEGACY, False),
        (Stage.LEGACY, Stage.LEGACY, False),
    ],
)
def test_the_right_to_write_comes_with_the_routes_that_move(
    running: Stage, wanted: Stage, grown: bool, tmp_path: Path
) -> None:
    grants_grow(engine(tmp_path, "exit 0"), at(running), at(wanted), setup="setup")
    asked = " ".join(f"--write {name}" for name in sorted(route.name for route in TABLE.routes if route.writes))
    expected = [f"run --rm -T --no-deps setup python -m strangler.cli grant --keep {asked}"]
    assert calls(tmp_path) == (expected if grown else [])


def test_a_container_without_an_engine_moves_writes_that_were_granted_before_and_no_others(tmp_path: Path) -> None:
    rollout = container_rollout(example_settings(moves_folder=str(tmp_path)), state_dir=tmp_path)
    rollout.grow_grants(at(Stage.PARALLEL), at(Stage.MIGRATED))
    with pytest.raises(UsageError, match="no rights yet for the writes of"):
        rollout.grow_grants(at(Stage.LEGACY), at(Stage.PARALLEL))


def test_a_database_that_refuses_ends_the_move_in_its_words(tmp_path: Path) -> None:
    refusing = engine(tmp_path, 'echo "strangler: Role x can\'t be given its grants (no table): migrate." >&2; exit 4')
    message = r"^FastAPI's role may not write yet \(Role x can't be given its grants \(no table\): migrate\): see "
    with pytest.raises(FailedError, match=message):
        grants_grow(refusing, at(Stage.LEGACY), at(Stage.PARALLEL), setup="setup")


def test_the_board_of_the_host_is_behind_the_front_door_where_a_setting_says_where_it_is() -> None:
    assert container_settings(example_settings()).board == ""
    assert container_settings(example_settings(board_address="10.89.0.1:8090")).board == "10.89.0.1:8090"
    with pytest.raises(ValidationError, match="board_address"):
        example_settings(board_address="10.89.0.1:8090; return 200")
