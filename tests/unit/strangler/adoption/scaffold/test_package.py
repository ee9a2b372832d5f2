"""The package of a service, by what starts it."""

import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from strangler.adoption.scaffold.package import package_of, project_section
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.errors import UsageError
from strangler.project import Project, project_parse
from tests.unit.strangler.adoption.scaffold import harbour

FILE = """
name = "harbour"
api = { v1 = "/api", v2 = "/api/v2" }
files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json" }
django = { address = "http://127.0.0.1:8000", health = "/up" }
database = { fastapi_role = "harbour" }
fastapi = { command = COMMAND, health = "/api/v2/ready" }
"""


def project(*command: str) -> Project:
    return project_parse(FILE.replace("COMMAND", json.dumps(command)), file=Path("/nowhere/strangler.toml"))


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (("{python}", "-m", "harbour_api"), "harbour_api"),
        (("{python}", "-m", "uvicorn", "boats.main:app", "--port", "{port}"), "boats"),
        (("granian", "boats:app"), "boats"),
        (("./serve",), "harbour_fastapi"),
    ],
)
def test_the_command_names_it(command: tuple[str, ...], package: str) -> None:
    assert package_of(project(*command), None) == package


@pytest.mark.parametrize(
    ("is_here", "environment", "word"),
    [(True, "venv", "{python}"), (False, "venv", "venv/bin/python"), (False, "", "python")],
)
def test_the_section_names_the_python_that_has_fastapi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool, environment: str, word: str
) -> None:
    monkeypatch.setattr("strangler.adoption.scaffold.package.find_spec", lambda _name: is_here or None)
    if environment:
        (tmp_path / environment / "bin").mkdir(parents=True)
        (tmp_path / environment / "bin" / "python").touch()
    section = project_section(harbour.service(harbour.LIST, folder=tmp_path), harbour.project(tmp_path))
    found = tomllib.loads(section)["fastapi"]
    assert found["command"] == [word, "-m", "harbour_fastapi"]
    assert "FastAPI" in section.splitlines()[1]


@pytest.mark.parametrize(
    ("has_tokens", "by_secret_key", "fetches", "given", "key"),
    [
        (False, False, False, "", None),
        (True, False, False, "", "{jwt_signing_key}"),
        (True, True, False, "", "{secret_key}"),
        (True, True, False, "{jwt_signing_key}", "{jwt_signing_key}"),
        (True, False, True, "", None),
    ],
)
def test_the_section_gives_the_key_that_django_signs_with(
    tmp_path: Path, has_tokens: bool, by_secret_key: bool, fetches: bool, given: str, key: str | None
) -> None:
    made = SimpleNamespace(
        folder=tmp_path / "boats",
        has_tokens=has_tokens,
        has_tokens_by_secret_key=by_secret_key,
        has_sessions=False,
        fetches_keys=fetches,
    )
    django = f'django = {{ command = ["./serve"], health = "/up", environment = {{ KEY = "{given}" }} }}'
    text = re.sub(r"(?m)^fastapi = .*$", 'fastapi = { address = "http://127.0.0.1:9000", health = "/up" }', FILE)
    of_project = project_parse(re.sub(r"(?m)^django = .*$", django, text), file=tmp_path / "strangler.toml")
    section = tomllib.loads(project_section(cast("ServiceScaffold", made), of_project))
    environment = section["fastapi"]["environment"]
    assert environment.get("JWT_SIGNING_KEY") == key
    assert ("JWK_URL" in environment) is fetches


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'a-b' is no name of a Python package: name one with --package"):
        package_of(project("./serve"), "a-b")
