"""The project file: its keys, and how a mistake in it is reported."""

from pathlib import Path

import pytest

from strangler.errors import UsageError
from strangler.project import VARIABLE, Project, ProjectError, project_find, project_load, project_parse
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Api, Stack
from tests.example import EXAMPLE

FILE = """\
name = "shop"

[api]
v1 = "/"
v2 = "/next"

[files]
routes = "gateway/routes.toml"
contract = "contract.json"
consumer = "consumer.json"

[django]
address = "http://10.0.0.5:8000"
health = "/up"

[fastapi]
command = ["{python}", "-m", "shop_api", "--port", "{port}"]
environment = { DB = "{fastapi_url}" }
health = "/up"
openapi = "/openapi.json"
prefix = "/"

[database]
fastapi_role = "shop_api"
"""


def parsed(text: str = FILE, folder: Path = Path("/srv/shop")) -> Project:
    return project_parse(text, file=folder / "strangler.toml")


def test_paths_are_relative_to_the_file_and_what_is_left_out_is_none() -> None:
    project = parsed()
    assert project.routes == Path("/srv/shop/gateway/routes.toml")
    assert project.state == Path("/srv/shop/.run")
    assert (project.declared, project.cases, project.sign_in, project.demo) == (None, None, None, None)
    assert (project.django.address, project.stack(Stack.FASTAPI).address) == ("http://10.0.0.5:8000", None)
    assert not project.database.prepare


def test_a_prefix_of_its_own_upstream_else_the_public_one() -> None:
    assert parsed().prefixes == Prefixes(v1="", v2="/next", django="", fastapi="")


def test_what_a_project_uses_is_found_in_its_commands_and_environments() -> None:
    project = parsed()
    assert [name for name in ("fastapi_url", "port", "secret_key") if project.uses(name)] == ["fastapi_url", "port"]


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ('name = "shop"', "", ": name is missing: add it to [the top]."),
        ('v2 = "/next"', 'v2 = "next"', ", line 5: api.v2 is 'next': write a path such as \"/api\", or"),
        ('v2 = "/next"', 'v2 = "/"', ", line 3: api: v1 and v2 have one prefix: give v2 another one."),
        ('v1 = "/"', 'v3 = "/"', ", line 3: api.v1 is missing: add it to [api]. (1 more)"),
        ("consumer =", "consumers =", ", line 7: files.consumer is missing: add it to [files]. (1 more)"),
        ("[database]", "[databases]", ", line 23: databases is unknown: did you mean database? (1 more)"),
        ('health = "/up"', 'health = "up"', ", line 14: django.health is 'up': write a path such as"),
        ("http://10.0.0.5:8000", "10.0.0.5:8000", ", line 13: django.address is '10.0.0.5:8000'"),
        ("{python}", "{pyton}", ", line 17: fastapi.command.0 is '{pyton}': {pyton} stands for nothing: "),
        ("{fastapi_url}", "{x}", ", line 18: fastapi.environment.DB is '{x}': {x} stands for nothing: leave it out."),
        ('address = "http://10.0.0.5:8000"\n', "", ", line 12: django: give it either the address"),
        ('shop_api"\n', 'Shop"\n', ", line 24: database.fastapi_role is 'Shop': write a role such as"),
        ('health = "/up"', "health = 1", ", line 14: django.health is 1: "),
        ("[database]", '[sign_in]\npath = "/in/"\ntoken = ""\n[database]', ", line 23: sign_in: give it token ="),
        ("[api]", "[api", ", line 3: not valid TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_line(old: str, new: str, reported: str) -> None:
    with pytest.raises(ProjectError) as refused:
        parsed(FILE.replace(old, new, 1), folder=Path.cwd())
    assert str(refused.value).startswith(f"strangler.toml{reported}")


def test_every_key_of_the_example_is_explained() -> None:
    lines = EXAMPLE.file.read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if line[:1].islower() and " = " in line]
    assert len(keys) > 30
    unexplained = [lines[number] for number in keys if not _explained(lines, number)]
    # The second service has the keys of the first.
    first = lines.index("[fastapi]")
    second = lines[first : lines.index("[fastapi.environment]")]
    assert [line for line in unexplained if line not in second] == []


def _explained(lines: list[str], number: int) -> bool:
    """Whether a comment stands above a key, or above its neighbours without a blank line between."""
    while number and lines[number].strip() and not lines[number].startswith("#"):
        number -= 1
    return lines[number].startswith("#") or (lines[number - 1] if number else "").startswith("#")


def test_the_file_is_found_here_or_above_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UsageError, match=r"there is no strangler.toml here or above: name the project file with"):
        project_find()
    (tmp_path / "strangler.toml").write_text(FILE)
    assert project_find() == tmp_path / "strangler.toml"
    monkeypatch.setenv(VARIABLE, "other.toml")
    with pytest.raises(
        UsageError, match=r"^other.toml can't be read \(.*\): name the project file with --project FILE"
    ):
        project_load()


@pytest.mark.parametrize(
    ("v1", "v2", "path", "expected"),
    [
        ("/api", "/api/v2", "/api/v2/posts/", (Api.V2, "/posts/")),
        ("/api", "/api/v2", "/api/v2", (Api.V1, "/v2")),
        ("/api", "/api/v2", "/api/posts/", (Api.V1, "/posts/")),
        ("/api/v1", "/api", "/api/v1/posts/", (Api.V1, "/posts/")),
        ("", "/v2", "/v2/posts/", (Api.V2, "/posts/")),
        ("", "/v2", "/posts/", (Api.V1, "/posts/")),
        ("/api", "/new", "/admin/", None),
    ],
)
def test_a_path_is_of_the_longest_prefix(v1: str, v2: str, path: str, expected: tuple[Api, str] | None) -> None:
    assert Prefixes(v1=v1, v2=v2, django=v1, fastapi=v2).split(path) == expected
