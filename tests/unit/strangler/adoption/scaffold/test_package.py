"""The package of a service, by what starts it."""

import json
from pathlib import Path

import pytest

from strangler.adoption.scaffold.package import package_of
from strangler.errors import UsageError
from strangler.project import Project, project_parse

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


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'a-b' is no name of a Python package: name one with --package"):
        package_of(project("./serve"), "a-b")
