"""`strangler routes sync` by the projects' own management commands, without a database."""

import json
from pathlib import Path

import pytest
import tomlkit

from tests.checkouts import tool_run
from tests.example import ROOT, example_file, load_routes

SHOP = ROOT / "tests" / "second_project"


def sync(project: Path, *options: str, code: int = 0) -> str:
    return tool_run(project.parent, "--project", str(project), "routes", "sync", *options, code=code)


def shop_file(folder: Path) -> Path:
    document = tomlkit.parse((SHOP / "strangler.toml").read_text())
    document["files"].update({name: str(SHOP / f"{name}.json") for name in ("contract", "consumer")})
    for stack in ("django", "fastapi"):
        document[stack]["folder"] = str(ROOT)
    file = folder / "strangler.toml"
    file.write_text(tomlkit.dumps(document))
    return file


@pytest.fixture(params=["blog", "shop"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project file whose routes file is not there yet."""
    return example_file(tmp_path, routes=Path("routes.toml")) if request.param == "blog" else shop_file(tmp_path)


@pytest.mark.long
def test_a_new_file_names_every_endpoint_and_a_second_run_adds_none(project: Path) -> None:
    routes = project.with_name("routes.toml")
    assert json.loads(sync(project, "--dry-run", "--json", code=1))["unroutable"] == []
    assert not routes.exists()
    assert "routes.toml is written: review it, then run strangler apply" in sync(project)
    written = routes.read_bytes()
    assert "Every one of" in sync(project, "--dry-run")
    assert routes.read_bytes() == written


def test_the_routes_of_the_example_are_all_that_its_django_has(tmp_path: Path) -> None:
    project = example_file(tmp_path, routes=Path("routes.toml"))
    sync(project)
    made = {(route.methods, route.path) for route in load_routes(tmp_path / "routes.toml").routes}
    own = {
        (route.methods, route.path.replace("{id}", "{pk}"))
        for route in load_routes(ROOT / "nginx" / "routes.toml").routes
        if route.name != "events.stream"  # an addition of v2
    }
    assert made == own
