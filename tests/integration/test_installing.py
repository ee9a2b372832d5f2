"""What is installed alone works alone: FastAPI's locked requirements without Django, and the tool from its wheel."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.example import ROOT

pytestmark = pytest.mark.long

LIBRARIES = {"shared_schema", "strangler", "strangler_django", "strangler_fastapi"}

# Neither of them, nor what belongs to them, may be needed.
DJANGOS = ("django", "rest_framework", "rest_framework_simplejwt", "django_filters", "drf_spectacular", "psycopg")
SHOW = f"""
import importlib.util, json, sys
import fastapi_app.main
from fastapi_app.config import Settings
settings = Settings(fastapi_database_url="postgresql://u:p@127.0.0.1:1/none", jwt_signing_key="k" * 40)
app = fastapi_app.main.create_app(settings)
print(json.dumps({{
    "importable": [name for name in {DJANGOS!r} if importlib.util.find_spec(name)],
    "loaded": sorted(name for name in sys.modules if name.split(".")[0] in {DJANGOS!r} + ("django_app", "strangler")),
    "paths": len(app.openapi()["paths"]),
    "prefix": sys.prefix,
}}))
"""


BARE = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*argv: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - what is under test
    assert result.returncode == 0, result.stderr
    return result.stdout


def environment_with(folder: Path, requirements: str) -> Path:
    """The Python of a new environment with one file of locked requirements, and nothing else."""
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    run(*uv, "pip", "install", "--python", python, "--require-hashes", "-r", f"requirements/{requirements}.txt")
    return python


def test_the_service_can_be_made_where_django_is_not(tmp_path: Path) -> None:
    python = environment_with(tmp_path / "venv", "fastapi")
    shown = json.loads(run(python, "-c", SHOW, cwd=tmp_path, env=BARE | {"PYTHONPATH": str(ROOT)}))
    # Background work brings psycopg; a service without any loads neither.
    assert (shown["importable"], shown["loaded"]) == (["psycopg"], [])
    assert shown["paths"] > 15
    assert Path(shown["prefix"]) == tmp_path / "venv"


SHOP = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
""",
    "settings.py": """
SECRET_KEY = "of a test, which is over at once"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
ROOT_URLCONF = "urls"
USE_TZ = True
""",
    "urls.py": """
from django.contrib.auth.models import Group
from django.urls import include, path
from rest_framework import routers, serializers, viewsets

class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ["id", "name"]

class Groups(viewsets.ModelViewSet):
    queryset = Group.objects.order_by("id")
    serializer_class = GroupSerializer

router = routers.SimpleRouter()
router.register("groups", Groups)
urlpatterns = [path("api/", include(router.urls))]
""",
}


@pytest.mark.parametrize(
    ("packages", "sentence"),
    [
        (("-r", "requirements/django.txt"), ""),
        (("django==4.2.*", "djangorestframework==3.15.*"), ""),
        (
            ("django==4.1.*", "djangorestframework==3.14.*"),
            r"Django 4\.1\.\d+ is too old for strangler_django: upgrade",
        ),
        (("django==4.2.*", "djangorestframework==3.14.*"), r"Django REST framework 3\.14\.\d+ is too old"),
    ],
)
def test_a_project_is_read_where_neither_the_tool_nor_fastapi_is(
    packages: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    for name, text in SHOP.items():
        (tmp_path / name).write_text(text)
    uv = (sys.executable, "-m", "uv")
    python = tmp_path / "venv" / "bin" / "python"
    run(*uv, "venv", "--python", sys.executable, tmp_path / "venv")
    run(*uv, "pip", "install", "--python", python, *packages)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "strangler_django").symlink_to(ROOT / "strangler_django")
    given = subprocess.run(  # noqa: S603 - what is under test
        (python, "-m", "strangler_django", "manage.py", "export_endpoints"),
        cwd=tmp_path,
        env=BARE | {"PYTHONPATH": str(tmp_path / "sources")},
        capture_output=True,
        text=True,
        check=False,
    )
    if sentence:
        assert given.returncode == 1
        assert re.fullmatch(rf"strangler_django: {sentence}.*\n", given.stderr), given.stderr
        return
    assert given.returncode == 0, given.stderr
    found = json.loads(given.stdout)["endpoints"]
    assert sorted({each["action"] for each in found}) == sorted(
        ("list", "create", "retrieve", "update", "partial_update", "destroy")
    )


def test_the_wheel_is_the_tool_and_the_libraries_and_works_in_another_project(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == LIBRARIES

    python = environment_with(tmp_path / "venv", "strangler")
    run(sys.executable, "-m", "uv", "pip", "install", "--python", python, "--no-deps", wheel)
    project = tmp_path / "project"
    project.mkdir()
    for file in ("strangler.toml", "routes.toml", "contract.json", "consumer.json"):
        shutil.copy(ROOT / "tests" / "second_project" / file, project)
    file = project / "strangler.toml"
    file.write_text(
        re.sub(r"^\[(django|fastapi)\]$", r'[\1]\ncontainer = "\1:8000"', file.read_text(), flags=re.MULTILINE)
    )
    strangler = python.with_name("strangler")
    assert "switch" not in run(strangler, "--help", cwd=project, env=BARE), "its servers aren't installed"
    run(strangler, "render", "--target", "container", "--out", "generated", cwd=project, env=BARE)
    routes = (project / "generated" / "current" / "routes.conf").read_text()
    assert "/next" in routes
    assert "/api" not in routes
