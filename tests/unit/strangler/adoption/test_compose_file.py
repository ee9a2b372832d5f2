"""compose.strangler.yml: which service of a project's compose file is Django, and what is added before it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from strangler.adoption.compose_file import ComposeFile, container_address, overlay_text
from strangler.adoption.project_file import Answers, project_text
from strangler.compare.shadow.settings import shadow_settings_load
from strangler.errors import UsageError
from strangler.project import Project, project_parse
from tests.example import ROOT

BASE = """
services:
  db: {image: "postgres:16", ports: ["5432:5432"]}
  web:
    build: .
    command: gunicorn shop.wsgi --bind 0.0.0.0:8080
    networks: {inside: {aliases: [shop]}, db: null}
  worker: {build: ., command: celery -A shop worker}
networks: {inside: {}, db: {}}
"""


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool is no package where only its sources are."""
    monkeypatch.setattr("strangler.adoption.compose_file.version", lambda _package: "1.2.3")


def compose_file(folder: Path, text: str = BASE) -> ComposeFile:
    (folder / "docker-compose.yml").write_text(text)
    found = ComposeFile.find(folder)
    assert found is not None
    return found


def project(folder: Path, **values: Any) -> Project:
    answers = {
        "name": "Shop",
        "v1": "/",
        "v2": "/v2",
        "django": "http://127.0.0.1:8000",
        "fastapi": "http://127.0.0.1:9000",
        "manage": ("python", "manage.py"),
        "health": "/up",
        "openapi": "",
        "sign_in": None,
        "containers": ("web:8080", "fastapi:8002"),
    }
    text = project_text(Answers(**answers | values))
    return project_parse(text, file=folder / "strangler.toml")


@pytest.mark.parametrize(
    ("service", "address"),
    [
        ("command: gunicorn shop.wsgi -b :9001", "web:9001"),
        ("command: [uvicorn, 'shop.asgi:app', --host, 0.0.0.0, --port, '8100']", "web:8100"),
        ("command: python manage.py runserver 0.0.0.0:8001", "web:8001"),
        ("command: python manage.py runserver 8001", "web:8001"),
        ("{command: 'sh -c \"migrate && daphne shop.asgi\"', ports: ['127.0.0.1:80:5000/tcp']}", "web:5000"),
        ("{command: gunicorn shop.wsgi, ports: [{target: 7000, published: 80}]}", "web:7000"),
        ("{entrypoint: [uwsgi, --ini, uwsgi.ini], expose: [3031]}", "web:3031"),
        ("command: gunicorn shop.wsgi", "web:8000"),
    ],
)
def test_django_is_the_service_that_starts_a_web_server(service: str, address: str, tmp_path: Path) -> None:
    text = f"services:\n  db: {{image: postgres}}\n  web:\n    {service}\n"
    assert compose_file(tmp_path, text).django().address == address


@pytest.mark.parametrize(
    ("services", "sentence"),
    [
        ("web: {build: .}", "doesn't show which service is Django: no command starts a web server"),
        ("a: {command: gunicorn a}\n  b: {command: daphne b}", r"several may be \(a, b\)"),
    ],
)
def test_a_service_that_is_not_clear_is_asked_for(services: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        compose_file(tmp_path, f"services:\n  {services}\n").django()


@pytest.mark.parametrize("text", ["- 1", "services: []", "a: [", "services: null"])
def test_what_is_no_compose_file_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"docker-compose\.yml (is no YAML|names no services)"):
        compose_file(tmp_path, text)


def test_a_named_service_must_be_there(tmp_path: Path) -> None:
    found = compose_file(tmp_path)
    assert found.service("worker:1").networks == ()
    with pytest.raises(UsageError, match="has no service wbe"):
        found.service("wbe:8000")
    with pytest.raises(UsageError, match="NAME:PORT"):
        container_address("web")


def test_nothing_is_found_where_there_is_no_compose_file(tmp_path: Path) -> None:
    assert ComposeFile.find(tmp_path) is None
    with pytest.raises(UsageError, match=r"other\.yml can't be read"):
        ComposeFile.find(tmp_path, "other.yml")


def overlay(folder: Path, text: str = BASE, **values: Any) -> dict[str, Any]:
    base = compose_file(folder, text)
    return yaml.load(overlay_text(base, base.django(), project(folder, **values)), Compose)  # noqa: S506 - a safe loader


class Compose(yaml.SafeLoader):
    """YAML with compose's tags: `!reset` is read as the word, `!override` as a list that begins with it."""


Compose.add_constructor("!reset", lambda _loader, _node: "reset")
Compose.add_constructor("!override", lambda loader, node: ["override", *loader.construct_sequence(node)])


def test_the_gateway_is_added_and_no_service_of_theirs_is_changed(tmp_path: Path) -> None:
    services = overlay(tmp_path)["services"]
    named = project(tmp_path).containers
    ramp = {named.ramp, "strangler-watch"}
    assert set(services) == {named.nginx, named.setup, named.shadow, *ramp, "web-next"}
    del services["web-next"]
    assert {name for name, service in services.items() if service.get("profiles") == ["ramp"]} == ramp
    assert not set(services) & set(compose_file(tmp_path).services)
    assert set(services[named.nginx]["depends_on"]) == {named.setup, "web"}
    for name, service in services.items():
        assert service["networks"] == ["inside", "db"]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == ("${RAMP_USER:-1000:1000}" if name == named.ramp else "10001:10001")
    assert services[named.nginx]["ports"] == ["${PROXY_HOST:-127.0.0.1}:${PROXY_PORT:-8080}:8080"]


@pytest.mark.parametrize(
    ("service", "taken"),
    [
        ("{command: gunicorn shop.wsgi}", {}),
        ("{command: gunicorn shop.wsgi, ports: ['8000:8000'], container_name: web}", {"ports", "container_name"}),
    ],
)
def test_a_service_has_one_beside_it_for_its_deploys(service: str, taken: set[str], tmp_path: Path) -> None:
    """It is the service again, without what two can't share."""
    text = f"services:\n  web: {service}\n"
    extends = {"extends": {"file": "docker-compose.yml", "service": "web"}, "profiles": ["deploy"]}
    found = overlay(tmp_path, text)["services"]
    assert found["web-next"] == extends | dict.fromkeys(taken, "reset")
    profiled = overlay(tmp_path, text.replace("shop.wsgi", "shop.wsgi, profiles: [site]"))["services"]["web-next"]
    assert profiled["profiles"] == ["override", "deploy"]
    # FastAPI's comes later: compose refuses a file that extends what isn't there.
    assert "fastapi-next" not in found
    found = overlay(tmp_path, f"{text}  fastapi: {{image: shop}}\n  web-next: {{image: shop}}\n")["services"]
    assert {name for name in found if name.endswith("-next")} == {"fastapi-next"}


def test_paths_are_from_the_folder_of_the_first_file(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "stack.yml").write_text(BASE)
    base = ComposeFile.find(tmp_path, "deploy/stack.yml")
    assert base is not None
    text = overlay_text(base, base.django(), project(tmp_path))
    assert "docker compose -f deploy/stack.yml -f compose.strangler.yml up" in text
    setup = yaml.safe_load(text)["services"]["strangler-setup"]
    assert setup["build"]["context"] == ".."
    assert setup["volumes"][1]["source"] == "../nginx/routes.toml"


def test_no_folder_of_theirs_is_taken_for_a_volume(tmp_path: Path) -> None:
    """In compose's short syntax `backend:/project` is a volume of that name."""
    (tmp_path / "backend").mkdir()
    base = compose_file(tmp_path)
    document = yaml.safe_load(overlay_text(base, base.django(), project(tmp_path / "backend")))
    for service in document["services"].values():
        for each in service.get("volumes", ()):
            if isinstance(each, str) or each["type"] == "volume":
                assert (each.partition(":")[0] if isinstance(each, str) else each["source"]) in document["volumes"]
    binds = [each for each in document["services"]["strangler-ramp"]["volumes"] if isinstance(each, dict)]
    sources = [each["source"] for each in binds]
    assert sources == ["backend", "/dev/null", "backend/nginx", "backend/.run/containers"]


def test_the_shadow_can_read_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = overlay(tmp_path)["services"]["strangler-shadow"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)))
    settings = shadow_settings_load()
    assert (settings.v1, settings.v2) == ("", "/v2")
    assert [settings.django_url, settings.fastapi_url] == ["http://web:8080", "http://fastapi:8002/v2"]


def test_the_container_of_ramps_renders_what_setup_does_and_writes_what_moves_write(tmp_path: Path) -> None:
    """All else of the project it reads, but for the settings of the host, and it gets no secret of the database."""
    document = overlay(tmp_path)
    services = document["services"]
    ramp, setup = services["strangler-ramp"], services["strangler-setup"]
    theirs = {name: value for name, value in setup["environment"].items() if not name.endswith("DATABASE_URL")}
    assert theirs.items() <= ramp["environment"].items()
    binds = {each["target"]: each for each in ramp["volumes"] if isinstance(each, dict)}
    assert {each["type"] for each in binds.values()} == {"bind"}
    assert {target for target, each in binds.items() if not each.get("read_only")} == {
        "/project/nginx",
        "/project/.run/containers",
    }
    assert binds["/project/.env"]["source"] == "/dev/null"
    named = {each for each in ramp["volumes"] if isinstance(each, str)}
    assert named == {"strangler-moves:/moves", "strangler-log:/log:ro", "strangler-samples:/run/shadow:ro"}
    assert ramp["environment"]["MOVES_FOLDER"] == "/moves"
    for name, folder in (("strangler-moves", "/moves"), ("strangler-log", "/log")):
        [mount] = [each for each in services["strangler-nginx"]["volumes"] if each["source"] == name]
        assert mount["target"] == folder
        assert name in document["volumes"]


def test_nginx_runs_the_same_loop_of_moves_as_ours(tmp_path: Path) -> None:
    ours = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["nginx"]["command"][2]
    theirs = overlay(tmp_path)["services"]["strangler-nginx"]["command"][2]

    def loop(command: str) -> str:
        return command[command.index("while read") : command.index("done <>requests")]

    assert loop(theirs) == loop(ours)


def test_a_secret_has_no_default_and_reaches_setup_alone(tmp_path: Path) -> None:
    for name, service in overlay(tmp_path)["services"].items():
        assert name == "strangler-setup" or "DATABASE_URL" not in str(service.get("environment"))
        addresses = [each for each in service.get("environment", {}) if each.endswith("DATABASE_URL")]
        assert addresses == (["DATABASE_URL", "FASTAPI_DATABASE_URL"] if name == "strangler-setup" else [])
        assert all(service["environment"][each] == f"${{{each}:-}}" for each in addresses)


def test_the_project_file_names_the_services_where_there_is_a_compose_file(tmp_path: Path) -> None:
    found = project(tmp_path)
    assert (found.django.container, found.fastapi.container) == ("web:8080", "fastapi:8002")
    assert (found.containers.nginx, found.containers.ramp) == ("strangler-nginx", "strangler-ramp")
    alone = project(tmp_path, containers=None)
    assert (alone.django.container, alone.containers.nginx) == ("", "nginx")
